// Tests cuts that name the kind of mixer in which they act, in layers with a scan and attention
// side by side, and cuts of attention that follows a convolution.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"
#include "mambascope/intervene/sweep.h"
#include "mambascope/model/layers_test_support.h"
#include "mambascope/model/state_spaces_test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr auto kScan = MixerKind::kScan, kAttention = MixerKind::kAttention;

class CutMixersTest : public testing::TestWithParam<std::string> {
 protected:
  static constexpr int kLayer = 1;

  static Cut CutIn(std::optional<MixerKind> mixers, const at::Tensor& channels = {},
                   CutKind kind = CutKind::kMixing) {
    return {kLayer, {0, 2, 3}, {3, 5}, channels, kind, mixers};
  }
  RunResult RunWith(const Variant& variant) const {
    return mambascope::Run(
        model_, {ids_},
        {.variants = {variant}, .keep = {{Site::kMambaOut, kLayer}, {Site::kAttnMixed, kLayer}}});
  }
  at::Tensor StateOf(const Variant& variant, Site site) const {
    return RunWith(variant).State({site, kLayer}, 0);
  }
  // Returns which tokens' states a variant changes.
  std::vector<int64_t> Moved(const Variant& variant, Site site) const {
    const at::Tensor uncut = StateOf({}, site), moved = (StateOf(variant, site) - uncut).abs();
    std::vector<int64_t> tokens;
    for (int64_t t = 0; t < 6; ++t) {
      if (moved[t].max().item<double>() > 1e-5 * uncut.abs().max().item<double>())
        tokens.push_back(t);
    }
    return tokens;
  }
  std::string ErrorOfCut(const Cut& cut) const {
    return ErrorOf([&] { RunWith({cut}); });
  }

  const c10::NoGradGuard no_grad_;
  const Model model_ = Model::Load(GoldenFolder() / GetParam());
  const std::vector<int64_t> ids_ = {7, 300, 21, 150, 9, 88};
};

INSTANTIATE_TEST_SUITE_P(Models, CutMixersTest, testing::Values("falcon_h1", "falcon_h1-norm"),
                         TestName);

TEST_P(CutMixersTest, ACutActsInTheMixerThatItNames) {
  const std::vector<int64_t> targets = {3, 5}, none;
  for (const CutKind kind : {CutKind::kMixing, CutKind::kMixingAndConv}) {
    // A cut of the convolution changes what token 3 writes, so it reaches token 4.
    const std::vector<int64_t> of_scan =
        kind == CutKind::kMixing ? targets : std::vector<int64_t>{3, 4, 5};
    EXPECT_EQ(Moved({CutIn(kScan, {}, kind)}, Site::kMambaOut), of_scan);
    EXPECT_EQ(Moved({CutIn(kScan, {}, kind)}, Site::kAttnMixed), none);
    EXPECT_EQ(Moved({CutIn(kAttention, {}, kind)}, Site::kMambaOut), none);
    EXPECT_EQ(Moved({CutIn(kAttention, {}, kind)}, Site::kAttnMixed), targets);
    EXPECT_EQ(Moved({CutIn({}, {}, kind)}, Site::kMambaOut), of_scan);
    EXPECT_EQ(Moved({CutIn({}, {}, kind)}, Site::kAttnMixed), targets);
  }
  // Attention alone reads later tokens.
  EXPECT_EQ(Moved({CutIn(kScan, {}, CutKind::kBidirectional)}, Site::kAttnMixed), none);
  EXPECT_EQ(Moved({CutIn(kAttention, {}, CutKind::kBidirectional)}, Site::kMambaOut), none);
  EXPECT_EQ(Moved({CutIn(kAttention, {}, CutKind::kBidirectional)}, Site::kAttnMixed),
            (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
}

TEST_P(CutMixersTest, CutsOfBothKindsAreTheCutOfAll) {
  for (const CutKind kind : {CutKind::kMixing, CutKind::kMixingAndConv, CutKind::kEmptyRowsUniform,
                             CutKind::kBidirectional}) {
    const Variant both = {CutIn(kScan, {}, kind), CutIn(kAttention, {}, kind)},
                  all = {CutIn({}, {}, kind)};
    const at::Tensor want = RunWith(all).Logits(0);
    const double scale = want.abs().max().item<double>();
    EXPECT_LT(MaxDifference(RunWith(both).Logits(0), want), 1e-6 * scale);
    for (const Intervention& one : both)
      EXPECT_GT(MaxDifference(RunWith({one}).Logits(0), want), 1e-3 * scale);
  }
}

// A mask of every channel or head is the cut without a mask, and two halves are the whole.
TEST_P(CutMixersTest, MasksBelongToTheMixerThatIsNamed) {
  for (const Mixer& mixer : model_.layer(kLayer).mixers()) {
    const Site out = mixer.kind == kScan ? Site::kMambaOut : Site::kAttnMixed;
    const at::Tensor every = at::ones({mixer.channels}, at::kBool),
                     half = at::arange(mixer.channels) % 2 == 0;
    const at::Tensor want = StateOf({CutIn(mixer.kind)}, out);
    const double scale = want.abs().max().item<double>();
    EXPECT_LT(MaxDifference(StateOf({CutIn(mixer.kind, every)}, out), want), 1e-6 * scale);
    EXPECT_GT(MaxDifference(StateOf({CutIn(mixer.kind, half)}, out), want), 1e-3 * scale);
    EXPECT_LT(
        MaxDifference(
            StateOf({CutIn(mixer.kind, half), CutIn(mixer.kind, half.logical_not())}, out), want),
        1e-6 * scale);
  }
}

TEST_P(CutMixersTest, MasksThatFitNoMixerAreRefused) {
  const int64_t channels = FindMixer(model_.layer(kLayer).mixers(), kScan)->channels;
  const at::Tensor of_scan = at::ones({channels}, at::kBool), of_heads = at::ones({4}, at::kBool);
  EXPECT_THAT(ErrorOfCut(CutIn({}, of_scan)),
              AllOf(HasSubstr("layer 1 has 2 mixers"), HasSubstr("name one kind of mixer")));
  EXPECT_THAT(ErrorOfCut(CutIn(kScan, of_heads)),
              HasSubstr(fmt::format("a mask (bool) of {} channels", channels)));
  EXPECT_THAT(ErrorOfCut(CutIn(kAttention, of_scan)), HasSubstr("a mask (bool) of 4 heads"));
  EXPECT_THAT(ErrorOfCut(CutIn(kScan, of_scan, CutKind::kMixingAndConv)),
              HasSubstr("a cut of the convolution must be of all channels"));
  EXPECT_EQ(ErrorOfCut(CutIn(kAttention, of_heads, CutKind::kMixingAndConv)), "no error")
      << "attention has no convolution here";
}

TEST(CutMixersOfOneTest, AKindThatTheLayerLacksIsRefused) {
  const c10::NoGradGuard no_grad;
  const struct {
    const char* model;
    MixerKind has, lacks;
  } kCases[] = {{"mamba2", kScan, kAttention}, {"llama", kAttention, kScan}};
  for (const auto& [name, has, lacks] : kCases) {
    const Model model = Model::Load(GoldenFolder() / name);
    const auto logits = [&](std::optional<MixerKind> mixers) {
      const Cut cut = {1, {0}, {2}, {}, CutKind::kMixing, mixers};
      return mambascope::Run(model, {{7, 300, 21}}, {.variants = {{cut}}}).Logits(0);
    };
    EXPECT_TRUE(at::equal(logits(has), logits({}))) << name;
    EXPECT_THAT(ErrorOf([&, other = lacks] { logits(other); }),
                HasSubstr("layer 1 has no mixer that this cut could act in"))
        << name;
  }
}

class ConvolvedAttentionCutTest : public testing::Test {
 protected:
  static constexpr int kLayer = Mamba2AttnCheckpoint::kLayer;
  at::Tensor Logits(const Variant& variant) const {
    return mambascope::Run(model_, {ids_}, {.variants = {variant}}).Logits(0);
  }
  const c10::NoGradGuard no_grad_;
  const Model model_ = Mamba2AttnCheckpoint().Load();
  const std::vector<int64_t> ids_ = {7, 300, 21, 150, 9, 88, 12};
};

TEST_F(ConvolvedAttentionCutTest, TheConvolutionCannotBeCut) {
  const auto error = [&](int layer, std::optional<MixerKind> mixers) {
    return ErrorOf([&] { Logits({Cut{layer, {1}, {5}, {}, CutKind::kMixingAndConv, mixers}}); });
  };
  for (const std::optional<MixerKind> mixers : {std::optional<MixerKind>(), {kAttention}})
    EXPECT_THAT(error(kLayer, mixers),
                AllOf(HasSubstr("the convolution before attention in layer 2 cannot be cut"),
                      HasSubstr("cut only the mixing")));
  EXPECT_EQ(error(kLayer - 1, {}), "no error") << "that of a scan can";
  EXPECT_GT(MaxDifference(Logits({Cut{kLayer, {1}, {5}}}), Logits({})), 1e-3);
}

TEST_F(ConvolvedAttentionCutTest, SweepEqualsRun) {
  at::manual_seed(6);
  std::vector<SweepCase> cases;
  for (int l = 0; l < model_.layers(); ++l) {
    for (int64_t t = 0; t < 7; ++t) {
      for (const Site site : {Site::kMixerIn, Site::kMixed, Site::kResid})
        cases.push_back({0, {Set{{site, l, t}, at::randn({model_.width({site, l})})}}});
      cases.push_back({0, {Cut{l, {t, 1}, {5, 6}}}});
      if (l != kLayer)
        cases.push_back(
            {0, {Cut{l, {t}, {6}, {}, CutKind::kMixingAndConv}, Cut{kLayer, {t}, {6}}}});
    }
  }
  const at::Tensor got = model_.Unembed(Sweep(model_, {{ids_}}, cases)), base = Logits({})[-1];
  const double scale = base.abs().max().item<double>();
  int moved = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const at::Tensor want = Logits(cases[i].variant)[-1];
    EXPECT_LT(MaxDifference(got[static_cast<int64_t>(i)], want), 2e-5 * scale) << i;
    moved += MaxDifference(want, base) > 1e-4 * scale;
  }
  EXPECT_GT(moved, static_cast<int>(cases.size()) * 3 / 4);
}

}  // namespace
}  // namespace mambascope
