#include "mambascope/experiments/knockout/features.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/family.h"
#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {
namespace {

const std::vector<std::vector<int64_t>> kTexts = {{7, 300, 21, 150}, {9, 88}};

class FeaturesTest : public testing::TestWithParam<std::string> {
 protected:
  // Returns the weight `name` of a mixer, float64.
  at::Tensor Weight(int layer, const std::string& name, const std::vector<int64_t>& shape) const {
    return checkpoint_.Get(fmt::format("backbone.layers.{}.mixer.{}", layer, name), shape)
        .to(at::kDouble);
  }
  bool IsMamba2() const { return ssm_.heads > 0; }
  int64_t Channels() const { return IsMamba2() ? ssm_.heads : ssm_.d_inner; }
  // Returns A by hand, [channels, d_state or 1].
  at::Tensor Decay(int layer) const {
    const std::vector<int64_t> shape =
        IsMamba2() ? std::vector{ssm_.heads} : std::vector{ssm_.d_inner, ssm_.d_state};
    return -Weight(layer, "A_log", shape).exp().reshape({Channels(), -1});
  }

  const c10::NoGradGuard no_grad_;
  const std::filesystem::path folder_ = GoldenFolder() / GetParam();
  const Checkpoint checkpoint_ = Checkpoint::Open(folder_);
  const Model model_ = Model::Load(folder_);
  const SsmConfig ssm_ = model_.config().ssm;
};
INSTANTIATE_TEST_SUITE_P(Checkpoints, FeaturesTest,
                         testing::Values("mamba", "mamba2", "mamba2-groups", "falcon_mamba"),
                         TestName);

TEST_P(FeaturesTest, DecayScoresAreOfTheWeightsAlone) {
  const std::vector<at::Tensor> scores = FeatureScores(model_, FeatureRank::kDecay, {});
  ASSERT_EQ(scores.size(), static_cast<size_t>(model_.layers()));
  for (int l = 0; l < model_.layers(); ++l)
    EXPECT_LT(MaxDifference(scores[static_cast<size_t>(l)], Decay(l).exp().sum(1)), 1e-5)
        << "layer " << l;
}

// Computes the step size by hand, from the states that the layer's projections read.
TEST_P(FeaturesTest, StepScoresTakeTheMeanStepOfAllTokens) {
  const std::vector<at::Tensor> scores = FeatureScores(model_, FeatureRank::kStep, kTexts);
  const Place in{Site::kMixerIn, 1}, c{Site::kSsmIn, 1};
  const RunResult run = mambascope::Run(model_, kTexts, {.keep = {in, c}});
  at::Tensor sum = at::zeros({Channels()}, at::kDouble);
  for (size_t text = 0; text < 2; ++text) {
    at::Tensor step;  // [token, channels], before softplus
    if (IsMamba2()) {
      const int64_t rows = 2 * ssm_.d_inner + 2 * ssm_.groups * ssm_.d_state + ssm_.heads;
      const at::Tensor w =
          Weight(1, "in_proj.weight", {rows, model_.config().d_model}).slice(0, rows - ssm_.heads);
      step = run.State(in, text).to(at::kDouble).mm(w.t()) + Weight(1, "dt_bias", {ssm_.heads});
    } else {
      const at::Tensor w =
          Weight(1, "x_proj.weight", {ssm_.dt_rank + 2 * ssm_.d_state, ssm_.d_inner})
              .slice(0, 0, ssm_.dt_rank);
      at::Tensor dt = run.State(c, text).to(at::kDouble).mm(w.t());
      if (ssm_.bcdt_norm_eps) dt = dt * at::rsqrt(dt.square().mean(1, true) + *ssm_.bcdt_norm_eps);
      step = dt.mm(Weight(1, "dt_proj.weight", {ssm_.d_inner, ssm_.dt_rank}).t()) +
             Weight(1, "dt_proj.bias", {ssm_.d_inner});
    }
    step = at::softplus(step);
    if (IsMamba2()) step = step.clamp(ssm_.dt_min, ssm_.dt_max);
    sum += step.sum(0);
  }
  const at::Tensor want = (Decay(1) * (sum / 6).unsqueeze(1)).exp().sum(1);
  EXPECT_LT(MaxDifference(scores[1], want), 1e-5 * want.abs().max().item<double>());
  EXPECT_GT(MaxDifference(scores[1], FeatureScores(model_, FeatureRank::kDecay, kTexts)[1]), 1e-2);
}

TEST_P(FeaturesTest, GroupsAreThirdsByScore) {
  for (FeatureRank rank : {FeatureRank::kDecay, FeatureRank::kStep}) {
    const std::vector<at::Tensor> scores = FeatureScores(model_, rank, kTexts);
    const FeatureGroups groups = RankFeatures(model_, rank, kTexts);
    for (size_t l = 0; l < scores.size(); ++l) {
      const int64_t copies = ssm_.d_inner / Channels(), third = Channels() / 3;
      ASSERT_EQ(groups.fast[l].sizes(), at::IntArrayRef{ssm_.d_inner});
      EXPECT_EQ(groups.fast[l].sum().item<int64_t>(), third * copies);
      EXPECT_EQ(groups.slow[l].sum().item<int64_t>(), third * copies);
      const at::Tensor times =
          groups.fast[l].to(at::kLong) + groups.mid[l].to(at::kLong) + groups.slow[l].to(at::kLong);
      EXPECT_TRUE(times.eq(1).all().item<bool>()) << "every channel is in one group";
      const at::Tensor own = scores[l].repeat_interleave(copies);
      const auto of = [&](const at::Tensor& group) { return own.masked_select(group); };
      EXPECT_LE(of(groups.fast[l]).max().item<double>(), of(groups.mid[l]).min().item<double>());
      EXPECT_LE(of(groups.mid[l]).max().item<double>(), of(groups.slow[l]).min().item<double>());
      const at::Tensor heads = groups.fast[l].reshape({-1, copies});
      EXPECT_TRUE(heads.all(1).eq(heads.any(1)).all().item<bool>())
          << "channels of a head are alike";
    }
  }
}

// A cut of a group changes only channels of this group.
TEST_P(FeaturesTest, GroupsCutWhatTheyName) {
  const FeatureGroups groups = RankFeatures(model_, FeatureRank::kStep, kTexts);
  const Place out{Site::kSsmOut, 1};
  const auto state = [&](const at::Tensor& channels) {
    return mambascope::Run(model_, {kTexts[0]},
                           {.variants = {{Cut{1, {0, 1, 2}, {3}, channels}}}, .keep = {out}})
        .State(out, 0)[3];
  };
  const at::Tensor base = state(at::zeros({ssm_.d_inner}, at::kBool)), cut = state(groups.slow[1]);
  const at::Tensor moved = (base - cut).ne(0);
  EXPECT_GT(moved.sum().item<int64_t>(), 0);
  EXPECT_FALSE(moved.logical_and(groups.slow[1].logical_not()).any().item<bool>());
}

// With equal scores, the channels are in the order of their index.
TEST(FeatureTieTest, EqualScoresRankByIndex) {
  class Even : public WeightSource {
   public:
    explicit Even(const WeightSource& source) : source_(source) {}
    bool Has(const std::string& name) const override { return source_.Has(name); }
    at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape) const override {
      const at::Tensor weight = source_.Get(name, shape);
      return name.ends_with("A_log") ? at::zeros_like(weight) : weight;
    }

   private:
    const WeightSource& source_;
  };
  const Checkpoint checkpoint = Checkpoint::Open(GoldenFolder() / "mamba");
  const Model model(ReadConfig(checkpoint), Even(checkpoint));
  const FeatureGroups groups = RankFeatures(model, FeatureRank::kDecay, {});
  const int64_t d = model.config().ssm.d_inner;
  EXPECT_TRUE(groups.fast[0].eq(at::arange(d) < d / 3).all().item<bool>());
  EXPECT_TRUE(groups.slow[0].eq(at::arange(d) >= d - d / 3).all().item<bool>());
}

TEST(FeatureMixedTest, LayersWithoutAScanHaveNoGroups) {
  const Model model = MixedModel();
  for (FeatureRank rank : {FeatureRank::kDecay, FeatureRank::kStep}) {
    const std::vector<at::Tensor> scores = FeatureScores(model, rank, kTexts);
    const FeatureGroups groups = RankFeatures(model, rank, kTexts);
    for (int l = 0; l < 5; ++l) {
      const auto i = static_cast<size_t>(l);
      const bool scans = model.layer(l).Has(Site::kSsmOut);
      EXPECT_EQ(scores[i].defined(), scans) << l;
      EXPECT_EQ(groups.slow[i].defined(), scans) << l;
      if (!scans) continue;
      EXPECT_EQ(groups.slow[i].size(0), model.layer(l).mixers()[0].channels);
    }
  }
}

TEST(FeatureErrorTest, SaysWhatCannotBeRanked) {
  EXPECT_THAT(
      ErrorOf([] { RankFeatures(Model::Load(GoldenFolder() / "llama"), FeatureRank::kDecay, {}); }),
      testing::HasSubstr("attention has no decay"));
  EXPECT_THAT(
      ErrorOf([] { RankFeatures(Model::Load(GoldenFolder() / "mamba"), FeatureRank::kStep, {}); }),
      testing::HasSubstr("needs a text"));
}

}  // namespace
}  // namespace mambascope
