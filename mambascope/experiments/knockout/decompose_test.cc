#include "mambascope/experiments/knockout/decompose.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {
namespace {

double Sum(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

class DecomposeTest : public testing::TestWithParam<std::string> {
 protected:
  const c10::NoGradGuard no_grad_;
  const Model model_ = GetParam().starts_with("demo")
                           ? Model::Load(RepositoryFolder() / "models" / GetParam())
                           : LoadTinyModel(GetParam());
  const std::vector<int64_t> ids_ = {7, 300, 21, 150, 9, 88};
  const int64_t answer_ = 33;
};
INSTANTIATE_TEST_SUITE_P(Checkpoints, DecomposeTest, testing::ValuesIn(TinyModels()), TestName);
INSTANTIATE_TEST_SUITE_P(Models, DecomposeTest,
                         testing::Values("demo-mamba", "demo-mamba2", "demo-neox"), TestName);

class DecomposeMamba1Test : public DecomposeTest {};
INSTANTIATE_TEST_SUITE_P(Checkpoints, DecomposeMamba1Test,
                         testing::Values("mamba", "mamba-untied-bias", "falcon_mamba",
                                         "demo-mamba"),
                         TestName);

// The parts add up to the logit, and every kind of part contributes.
TEST_P(DecomposeTest, PartsAddUpToTheLogit) {
  const AnswerParts parts = DecomposeAnswer(model_, ids_, answer_);
  const at::Tensor last = model_.Forward(ids_, Packing::Whole({static_cast<int64_t>(ids_.size())}));
  const at::Tensor logits = model_.UncappedLogits(last)[-1];
  const double scale = logits.abs().max().item<double>();
  EXPECT_NEAR(parts.logit, logits[answer_].item<double>(),
              1e-6 * Amplification(GetParam()) * scale);
  bool skips = false;
  for (int l = 0; l < model_.layers(); ++l) {
    for (const Mixing& mixing : model_.layer(l).Mix(
             {at::ones({2, model_.config().d_model}), at::ones({2, model_.config().d_model})}))
      skips = skips || mixing.skip.defined();
  }
  double sum = parts.embedding + parts.offset + Sum(parts.skip) + Sum(parts.bias) + Sum(parts.mlp),
         moved = 0;
  ASSERT_EQ(parts.by_token.size(), static_cast<size_t>(model_.layers()));
  for (size_t l = 0; l < parts.by_token.size(); ++l) {
    ASSERT_EQ(parts.by_token[l].size(), ids_.size());
    EXPECT_EQ(Sum(parts.by_token[l]) != 0, !model_.layer(static_cast<int>(l)).mixers().empty());
    EXPECT_EQ(parts.mlp[l] != 0, model_.layer(static_cast<int>(l)).Has(Site::kMlpOut));
    sum += Sum(parts.by_token[l]);
    moved += std::abs(Sum(parts.by_token[l]));
  }
  EXPECT_NEAR(sum, parts.logit, 1e-4 * scale);
  EXPECT_GT(moved, 1e-3 * scale);
  EXPECT_GT(std::abs(parts.embedding), 1e-4 * scale);
  EXPECT_EQ(Sum(parts.skip) != 0, skips);
  EXPECT_EQ(Sum(parts.mlp) != 0, !model_.LayersWith(Site::kMlpOut).empty());
}

// In the last layer a cut removes just what the sources wrote. So its effect on the residual is
// their share. In other layers the softmax or the gated norm changes, too.
TEST_P(DecomposeMamba1Test, CutInTheLastLayerTakesTheShareAway) {
  const int last = model_.layers() - 1;
  const Place resid{Site::kResid, last};
  const auto state = [&](const Variant& variant) {
    return mambascope::Run(model_, {ids_}, {.variants = {variant}, .keep = {resid}})
        .State(resid, 0)[-1];
  };
  const at::Tensor base = state({}), cut = state({Cut{last, {1, 2}, {5}, {}}});
  const double lost =
      (base - cut).dot(model_.LogitDirection(base, answer_).direction).item<double>();
  const std::vector<double> by_token = DecomposeAnswer(model_, ids_, answer_).by_token.back();
  const double share = by_token[1] + by_token[2];
  EXPECT_GT(std::abs(share), 1e-4);
  EXPECT_NEAR(lost, share, 1e-5 * std::max(1.0, std::abs(share)));
}

TEST_P(DecomposeTest, RefusesWhatThePromptOrTheVocabularyLacks) {
  EXPECT_THROW(DecomposeAnswer(model_, ids_, model_.config().vocab), Error);
  EXPECT_THROW(DecomposeAnswer(model_, ids_, -1), Error);
  EXPECT_THROW(DecomposeAnswer(model_, {}, 1), Error);
}

}  // namespace
}  // namespace mambascope
