// Packed segments give the same as one whole pass over one prompt: a prompt split anywhere and
// continued from its carry, and prompts of different lengths side by side.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/model/changed_checkpoint_test_support.h"
#include "mambascope/model/model.h"

namespace mambascope {
namespace {

constexpr double kLogitTolerance = 2e-5;  // relative to the largest absolute logit

class PackingTest : public testing::TestWithParam<std::string> {
 protected:
  std::vector<int64_t> Ids(int64_t n, uint64_t seed) const {
    at::manual_seed(seed);
    return ToVector(at::randint(0, model_.config().vocab, {n}));
  }
  at::Tensor Logits(const std::vector<int64_t>& ids) const {
    return model_.Unembed(model_.Forward(ids, Packing::Whole({static_cast<int64_t>(ids.size())})));
  }
  Model model_ = Model::Load(GoldenFolder() / GetParam());
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, PackingTest, testing::ValuesIn(TinyCheckpoints()), TestName);

TEST_P(PackingTest, SplitAnywhereAndContinuedFromTheCarry) {
  const std::vector<int64_t> ids = Ids(11, 1);
  const at::Tensor whole = Logits(ids);
  const double scale = whole.abs().max().item<double>();
  std::vector<Carry> carries;  // one slot after every token
  Packing first = Packing::Whole({11});
  for (int64_t t = 0; t < 11; ++t) first.kept.push_back(t);
  model_.Forward(ids, first, nullptr, nullptr, &carries);
  for (int64_t split = 1; split < 11; ++split) {
    const std::vector<int64_t> rest(ids.begin() + split, ids.end());
    const Packing packing{.segments = {{0, 11 - split, split, split - 1}}, .kept = {}};
    EXPECT_LT(MaxDifference(model_.Unembed(model_.Forward(rest, packing, nullptr, &carries)),
                            whole.slice(0, split)),
              Amplification(GetParam()) * kLogitTolerance * scale)
        << split;
  }
}

// Token by token, each from the carry after the one before, as in generation.
TEST_P(PackingTest, CarriesOfCarries) {
  const std::vector<int64_t> ids = Ids(9, 2);
  const at::Tensor whole = Logits(ids);
  std::vector<Carry> before, after;
  for (int64_t t = 0; t < 9; ++t) {
    const Packing packing{.segments = {{0, 1, t, t == 0 ? -1 : 0}}, .kept = {0}};
    const at::Tensor logits =
        model_.Unembed(model_.Forward(std::span(ids).subspan(static_cast<size_t>(t), 1), packing,
                                      nullptr, t == 0 ? nullptr : &before, &after));
    EXPECT_LT(MaxDifference(logits[0], whole[t]),
              Amplification(GetParam()) * kLogitTolerance * whole.abs().max().item<double>())
        << t;
    std::swap(before, after);
  }
}

TEST_P(PackingTest, FiveLengthsEqualFiveRuns) {
  const std::vector<int64_t> lengths = {3, 1, 8, 5, 2};
  const Packing packing = Packing::Whole(lengths);
  std::vector<int64_t> all;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const std::vector<int64_t> ids = Ids(lengths[i], 10 + i);
    all.insert(all.end(), ids.begin(), ids.end());
  }
  const at::Tensor packed = model_.Unembed(model_.Forward(all, packing));
  for (const Segment& s : packing.segments) {
    const at::Tensor alone = Logits({all.begin() + s.begin, all.begin() + s.end()});
    EXPECT_LT(MaxDifference(packed.slice(0, s.begin, s.end()), alone),
              Amplification(GetParam()) * kLogitTolerance * alone.abs().max().item<double>());
  }
}

// Segments that continue from one slot, and whole prompts, in one batch. Several of them keep
// carries.
TEST_P(PackingTest, MixedBatch) {
  const std::vector<int64_t> prefix = Ids(4, 3), a = Ids(3, 4), b = Ids(5, 5), c = Ids(2, 6);
  std::vector<Carry> carries, kept;
  Packing first = Packing::Whole({4});
  first.kept = {1, 3};
  model_.Forward(prefix, first, nullptr, nullptr, &carries);
  std::vector<int64_t> ids = a;
  ids.insert(ids.end(), b.begin(), b.end());
  ids.insert(ids.end(), c.begin(), c.end());
  const Packing packing{.segments = {{0, 3, 4, 1}, {3, 5, 0, -1}, {8, 2, 2, 0}}, .kept = {2, 9}};
  const at::Tensor logits = model_.Unembed(model_.Forward(ids, packing, nullptr, &carries, &kept));
  const auto joined = [&](int64_t n, const std::vector<int64_t>& tail) {
    std::vector<int64_t> prompt(prefix.begin(), prefix.begin() + n);
    prompt.insert(prompt.end(), tail.begin(), tail.end());
    return prompt;
  };
  const double tolerance =
      Amplification(GetParam()) * kLogitTolerance * logits.abs().max().item<double>();
  EXPECT_LT(MaxDifference(logits.slice(0, 0, 3), Logits(joined(4, a)).slice(0, 4)), tolerance);
  EXPECT_LT(MaxDifference(logits.slice(0, 3, 8), Logits(b)), tolerance);
  EXPECT_LT(MaxDifference(logits.slice(0, 8), Logits(joined(2, c)).slice(0, 2)), tolerance);
  // The second kept carry is that after prefix[0:2] + c; one more token continues from it.
  const Packing more{.segments = {{0, 1, 4, 1}}, .kept = {}};
  std::vector<int64_t> longer = joined(2, c);
  longer.push_back(a[0]);
  EXPECT_LT(
      MaxDifference(model_.Unembed(model_.Forward(std::span(a).first(1), more, nullptr, &kept))[0],
                    Logits(longer)[-1]),
      tolerance);
}

// With bfloat16 weights the residual stream and the recurrence stay float32, so the logits stay
// close.
TEST_P(PackingTest, Bfloat16IsCloseToFloat32) {
  const std::vector<int64_t> ids = Ids(11, 9);
  const at::Tensor want = Logits(ids);
  const Model rounded = Model::Load(GoldenFolder() / GetParam(), {.dtype = at::kBFloat16});
  const at::Tensor got = rounded.Unembed(rounded.Forward(ids, Packing::Whole({11})));
  EXPECT_EQ(got.scalar_type(), at::kFloat);
  const double error = ((got - want).norm() / want.norm()).item<double>();
  EXPECT_LT(error, Amplification(GetParam()) > 1 ? 0.1 : 0.05);
  EXPECT_GT(error, 1e-5) << "the weights were not rounded";
}

// Records the types of the states that it reads at one site.
class TypesAt : public Hooks {
 public:
  explicit TypesAt(Site site) : site_(site) {}
  at::Tensor At(const Place& place, const at::Tensor& x) override {
    if (place.site == site_) types.insert(x.scalar_type());
    return x;
  }
  bool Acts(const Place& place) const override { return place.site == site_; }
  std::set<at::ScalarType> types;

 private:
  Site site_;
};

// Kernels that round for the next product leave float32 to a hook between the two.
// On a GPU, kernels round only what no hook reads (MAMBASCOPE_TEST_DEVICE=cuda).
TEST_P(PackingTest, HooksReadFloat32InBfloat16) {
  const std::vector<int64_t> ids = Ids(11, 9);
  const Model rounded =
      Model::Load(GoldenFolder() / GetParam(), {.dtype = at::kBFloat16, .device = TestDevice()});
  const at::Tensor want = rounded.Forward(ids, Packing::Whole({11}));
  for (const SiteInfo& info : rounded.sites()) {
    TypesAt hooks(info.site);
    const at::Tensor got = rounded.Forward(ids, Packing::Whole({11}), &hooks);
    EXPECT_EQ(hooks.types, (std::set{at::kFloat})) << SiteName(info.site);
    const double error = ((got - want).norm() / want.norm()).item<double>();
    EXPECT_LT(error, TestDevice().is_cpu() ? 1e-6 : 0.05) << SiteName(info.site);
  }
}

TEST_P(PackingTest, IdsOutsideTheVocabularyAreRefused) {
  EXPECT_THROW(Logits({0, model_.config().vocab}), Error);
  EXPECT_THROW(Logits({-1}), Error);
}

TEST(PositionTableTest, LongerPromptsAreRefused) {
  const Model model = Model::Load(GoldenFolder() / "gpt2");
  EXPECT_NO_THROW(model.Forward(std::vector<int64_t>(128, 5), Packing::Whole({128})));
  try {
    model.Forward(std::vector<int64_t>(129, 5), Packing::Whole({129}));
    FAIL() << "129 tokens went through a table of 128 positions";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(),
                 "a prompt of 129 tokens is longer than this model allows (n_positions: 128)");
  }
}

// Dynamic scaling changes the positions of prompts that are longer than max_position_embeddings.
TEST(DynamicRopeTest, ShorterPromptsAreExactAndLongerOnesAreRefused) {
  ChangedCheckpoint checkpoint("llama");
  checkpoint.config["max_position_embeddings"] = 8;
  checkpoint.config["rope_parameters"] = {
      {"rope_type", "dynamic"}, {"factor", 4.0}, {"rope_theta", 10000.0}};
  const Model model = checkpoint.Load(), plain = Model::Load(GoldenFolder() / "llama");
  const std::vector<int64_t> ids = {7, 300, 21, 150, 9, 88, 12, 333, 4};
  const auto first = std::span(ids).first(8);
  EXPECT_TRUE(at::equal(model.Unembed(model.Forward(first, Packing::Whole({8}))),
                        plain.Unembed(plain.Forward(first, Packing::Whole({8})))));
  const char* refusal =
      "a prompt of 9 tokens is longer than this model allows (max_position_embeddings: 8)";
  EXPECT_EQ(ErrorOf([&] { model.Forward(ids, Packing::Whole({9})); }), refusal);
  const std::vector<Carry> carries = model.CarriesAfter(first);
  EXPECT_EQ(ErrorOf([&] {
              model.Forward(std::span(ids).last(1), {.segments = {{0, 1, 8, 0}}, .kept = {}},
                            nullptr, &carries);
            }),
            refusal)
      << "a token that continues";
}

}  // namespace
}  // namespace mambascope
