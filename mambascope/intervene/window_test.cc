// Tests attention with a sliding window in a model: Sweep equals Run, prompts may be split
// anywhere, and the window changes only tokens that are longer than it is wide.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <vector>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"
#include "mambascope/intervene/sweep.h"
#include "mambascope/model/changed_checkpoint_test_support.h"

namespace mambascope {
namespace {

constexpr int64_t kWindowTokens = 4;

Model WithWindow() {
  ChangedCheckpoint checkpoint("mistral");
  checkpoint.config["sliding_window"] = kWindowTokens;
  return checkpoint.Load();
}

class SlidingWindowTest : public testing::Test {
 protected:
  at::Tensor Logits(const Model& model, const Variant& variant = {}) const {
    return mambascope::Run(model, {ids_}, {.variants = {variant}, .keep = {}}).Logits(0);
  }

  const c10::NoGradGuard no_grad_;
  const Model model_ = WithWindow(), plain_ = Model::Load(GoldenFolder() / "mistral");
  const std::vector<int64_t> ids_ = {7, 300, 21, 150, 9, 88, 12, 333, 4, 64, 5};
  const int64_t tokens_ = static_cast<int64_t>(ids_.size());
};

TEST_F(SlidingWindowTest, ChangesOnlyTheTokensAfterTheWindow) {
  for (int l = 0; l < model_.layers(); ++l) {
    const Place resid{Site::kResid, l};
    const auto state = [&](const Model& model) {
      return mambascope::Run(model, {ids_}, {.variants = {}, .keep = {resid}}).State(resid, 0);
    };
    const at::Tensor moved = (state(model_) - state(plain_)).abs().amax(1);
    for (int64_t t = 0; t < tokens_; ++t) {
      if (t < kWindowTokens) EXPECT_LT(moved[t].item<double>(), 1e-6) << l << " " << t;
      else EXPECT_GT(moved[t].item<double>(), 1e-4) << l << " " << t;
    }
  }
}

// A token reaches 3 tokens further in each layer.
TEST_F(SlidingWindowTest, TokensReachAsFarAsTheWindowsOfAllLayers) {
  const at::Tensor base = Logits(model_);
  at::manual_seed(3);
  const at::Tensor noise = at::randn({model_.config().d_model});
  for (int l = 0; l < model_.layers(); ++l) {
    const at::Tensor moved =
        (Logits(model_, {Add{{Site::kResid, l, 1}, noise}}) - base).abs().amax(1);
    const int64_t layers_above = model_.layers() - 1 - l,
                  last = 1 + layers_above * (kWindowTokens - 1);
    for (int64_t t = 0; t < tokens_; ++t)
      EXPECT_EQ(moved[t].item<double>() > 1e-5, t >= 1 && t <= last) << l << " " << t;
  }
}

TEST_F(SlidingWindowTest, PromptsSplitAnywhereContinueFromTheCarry) {
  const at::Tensor whole = Logits(model_);
  std::vector<Carry> carries;
  Packing first = Packing::Whole({tokens_});
  for (int64_t t = 0; t < tokens_; ++t) first.kept.push_back(t);
  model_.Forward(ids_, first, nullptr, nullptr, &carries);
  for (int64_t split = 1; split < tokens_; ++split) {
    const std::vector<int64_t> rest(ids_.begin() + split, ids_.end());
    const Packing packing{.segments = {{0, tokens_ - split, split, split - 1}}, .kept = {}};
    EXPECT_LT(MaxDifference(model_.Unembed(model_.Forward(rest, packing, nullptr, &carries)),
                            whole.slice(0, split)),
              2e-5 * whole.abs().max().item<double>())
        << split;
  }
}

TEST_F(SlidingWindowTest, SweepEqualsRun) {
  at::manual_seed(4);
  std::vector<SweepCase> cases;
  for (int l = 0; l < model_.layers(); ++l) {
    for (int64_t t = 0; t < tokens_; ++t) {
      for (const Site site : {Site::kResid, Site::kMixed, Site::kMixerOut})
        cases.push_back({0, {Set{{site, l, t}, at::randn({model_.width({site, l})})}}, {}});
      for (const CutKind kind :
           {CutKind::kMixing, CutKind::kEmptyRowsUniform, CutKind::kBidirectional})
        cases.push_back({0, {Cut{l, {t, (t + 3) % tokens_}, {t, tokens_ - 1}, {}, kind}}, {}});
    }
  }
  for (SweepCase& c : cases) c.read = {3, 5, tokens_ - 1};
  const at::Tensor got = model_.Unembed(Sweep(model_, {{ids_}}, cases));
  std::vector<at::Tensor> logits;
  for (const SweepCase& c : cases) {
    const at::Tensor all = Logits(model_, c.variant);
    for (int64_t t : c.read) logits.push_back(all[t]);
  }
  const at::Tensor want = at::stack(logits);
  EXPECT_LT(MaxDifference(got, want), 2e-5 * want.abs().max().item<double>());
  const at::Tensor base = Logits(model_);
  double moved = 0;
  for (int64_t i = 0; i < want.size(0); ++i)
    moved += MaxDifference(want[i], base[cases[0].read[static_cast<size_t>(i % 3)]]) > 1e-4;
  EXPECT_GT(moved / static_cast<double>(want.size(0)), 0.3) << "most cases change nothing";
}

}  // namespace
}  // namespace mambascope
