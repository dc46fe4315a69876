// A prompt's numbers are the same, bit for bit, whatever is computed beside it and with any number
// of threads. Resumed and sharded runs rely on it.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/changed_checkpoint_test_support.h"
#include "mambascope/model/model.h"

namespace mambascope {
namespace {

// Adds a delta to the residual stream after the first layer.
class AddAfterFirstLayer : public Hooks {
 public:
  explicit AddAfterFirstLayer(at::Tensor delta) : delta_(std::move(delta)) {}
  at::Tensor At(const Place& place, const at::Tensor& x) override {
    return place == Place{Site::kResid, 0} ? x + delta_ : x;
  }

 private:
  at::Tensor delta_;  // [row, d_model]
};

class SameBitsTest : public testing::TestWithParam<std::string> {
 protected:
  SameBitsTest() {
    at::manual_seed(4);
    for (int64_t length : {3, 12, 1, 17, 5, 12, 2, 33})
      prompts_.push_back(ToVector(at::randint(0, model_.config().vocab, {length})));
  }
  ~SameBitsTest() override { at::set_num_threads(threads_); }

  struct Result {
    std::vector<at::Tensor> logits, gradients;  // of each prompt
  };
  // Computes the prompts [first, last) as one batch.
  Result Compute(size_t first, size_t last) const {
    std::vector<int64_t> ids, lengths;
    for (size_t i = first; i < last; ++i) {
      ids.insert(ids.end(), prompts_[i].begin(), prompts_[i].end());
      lengths.push_back(static_cast<int64_t>(prompts_[i].size()));
    }
    const at::Tensor delta = at::zeros({static_cast<int64_t>(ids.size()), model_.config().d_model})
                                 .set_requires_grad(true);
    AddAfterFirstLayer hooks(delta);
    const at::Tensor logits = model_.Unembed(model_.Forward(ids, Packing::Whole(lengths), &hooks));
    logits.log_softmax(-1).select(1, 3).sum().backward();
    return {logits.detach().split_with_sizes(lengths), delta.grad().split_with_sizes(lengths)};
  }

  const Model model_ = Model::Load(GoldenFolder() / GetParam());
  std::vector<std::vector<int64_t>> prompts_;
  const int threads_ = at::get_num_threads();
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, SameBitsTest, testing::ValuesIn(TinyCheckpoints()), TestName);

TEST_P(SameBitsTest, AloneOrInABatchWithAnyThreads) {
  at::set_num_threads(1);
  const Result all = Compute(0, prompts_.size());
  for (int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    for (size_t i = 0; i < prompts_.size(); ++i) {
      const Result alone = Compute(i, i + 1);
      EXPECT_TRUE(at::equal(alone.logits[0], all.logits[i]))
          << "prompt " << i << ", " << threads << " threads: differ by "
          << MaxDifference(alone.logits[0], all.logits[i]);
      EXPECT_TRUE(at::equal(alone.gradients[0], all.gradients[i]))
          << "gradient of prompt " << i << ", " << threads << " threads: differ by "
          << MaxDifference(alone.gradients[0], all.gradients[i]);
    }
    const Result again = Compute(0, prompts_.size());
    for (size_t i = 0; i < prompts_.size(); ++i) {
      EXPECT_TRUE(at::equal(again.logits[i], all.logits[i]));
      EXPECT_TRUE(at::equal(again.gradients[i], all.gradients[i]));
    }
  }
}

// A prompt that continues from the carry of its first tokens, beside others that do.
TEST_P(SameBitsTest, ContinuedAloneOrInABatch) {
  const std::vector<int64_t>& ids = prompts_[3];
  const auto length = static_cast<int64_t>(ids.size());
  std::vector<Carry> carries;
  Packing first = Packing::Whole({length});
  for (int64_t t = 0; t < length; ++t) first.kept.push_back(t);
  model_.Forward(ids, first, nullptr, nullptr, &carries);
  std::vector<int64_t> rest;
  Packing together{.segments = {}, .kept = {}};
  for (int64_t split : {5, 9, 5, 16}) {
    const auto row = static_cast<int64_t>(rest.size());
    rest.insert(rest.end(), ids.begin() + split, ids.end());
    together.segments.push_back({row, length - split, split, split - 1});
  }
  const at::Tensor all = model_.Forward(rest, together, nullptr, &carries);
  for (const Segment& s : together.segments) {
    const Packing alone{.segments = {{0, s.length, s.position, s.carry}}, .kept = {}};
    const std::vector<int64_t> own(rest.begin() + s.begin, rest.begin() + s.end());
    EXPECT_TRUE(
        at::equal(model_.Forward(own, alone, nullptr, &carries), all.slice(0, s.begin, s.end())));
  }
}

}  // namespace
}  // namespace mambascope
