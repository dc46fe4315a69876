// Tests operators made from prompts. They are exact on a model that is linear. On other models they
// are the means that the paper defines.
#include "mambascope/experiments/lre/estimate.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/experiments/lre/predictions.h"
#include "mambascope/model/family.h"

namespace mambascope {
namespace {

// A Llama that is a linear map of its embeddings. Queries of 0 attend to all tokens equally, and
// there is no MLP. The norms' eps is so large that they only multiply by weight / sqrt(eps) = 1.
class LinearSource : public WeightSource {
 public:
  LinearSource() { at::manual_seed(3); }
  bool Has(const std::string&) const override { return true; }
  at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape) const override {
    if (name.ends_with("norm.weight")) return at::full(shape, 1e6);
    if (name.ends_with("q_proj.weight") || name.ends_with("down_proj.weight"))
      return at::zeros(shape);
    const bool projects = name.ends_with("_proj.weight");
    at::Tensor& weight = weights_[name];
    if (!weight.defined()) weight = at::randn(shape) * (projects ? 0.4 : 1.0);
    return weight;
  }

 private:
  mutable std::map<std::string, at::Tensor> weights_;
};

constexpr int64_t kWidth = 16, kTokens = 6;

Config LinearConfig(int64_t vocab) {
  return ParseConfig({{"model_type", "llama"},
                      {"hidden_size", kWidth},
                      {"intermediate_size", 8},
                      {"num_hidden_layers", 2},
                      {"num_attention_heads", 2},
                      {"num_key_value_heads", 2},
                      {"rms_norm_eps", 1e12},
                      {"tie_word_embeddings", false},
                      {"vocab_size", vocab}},
                     "linear");
}

// Makes prompts that differ only in the subject.
std::vector<PromptToken> Prompts(const std::vector<int64_t>& subjects) {
  std::vector<PromptToken> prompts;
  for (int64_t subject : subjects) prompts.push_back({{5, 9, subject, 17, 3, 8}, 2});
  return prompts;
}

class LinearModelTest : public testing::Test {
 protected:
  at::Tensor Weight(const std::string& name) const { return source_.Get(name, {kWidth, kWidth}); }

  const Tokenizer tokenizer_ = Tokenizer::Load(RepositoryFolder() / "models/demo-mamba");
  const LinearSource source_;
  const Model model_{LinearConfig(tokenizer_.vocab_size()), source_};
};

TEST_F(LinearModelTest, TheOperatorIsTheMapItself) {
  const LreEstimate estimate = EstimateLre(model_, Prompts({100, 200, 300}), {kEmbedLayer, 0, 1});
  // The last block reads the mean over the prompt's tokens.
  const at::Tensor want = Weight("model.layers.1.self_attn.o_proj.weight")
                              .mm(Weight("model.layers.1.self_attn.v_proj.weight")) /
                          kTokens;
  EXPECT_LT(MaxDifference(estimate.w[1], want), 1e-5);
  EXPECT_GT(want.abs().max().item<double>(), 0.05);
  EXPECT_EQ(estimate.w[2].abs().max().item<double>(), 0)
      << "nothing reads the last block's output at another token";
}

// From the embedding on, everything between the subject and the answer is linear. So the operator
// predicts what the model predicts for other subjects. The held-out operators do so for the
// training subjects.
TEST_F(LinearModelTest, FaithfulnessIsExact) {
  const std::vector<PromptToken> train = Prompts({100, 200, 300}),
                                 test = Prompts({400, 500, 600, 700, 800});
  const LreEstimate estimate = EstimateLre(model_, train, {kEmbedLayer});
  const PredictedSamples predicted =
      PredictSamples(model_, tokenizer_, std::vector<Sample>(5), test);
  std::vector<NextTokenPrediction> predictions = predicted.predictions;
  std::vector<int64_t> tokens;
  for (NextTokenPrediction& prediction : predictions) {
    prediction.object = prediction.text;
    tokens.push_back(prediction.token);
  }
  const Place at = BlockOutput(kEmbedLayer);
  const at::Tensor z = estimate.Operator(0)(TokenStates(model_, test, {at}).at(at));
  EXPECT_LT(MaxDifference(z, predicted.z), 1e-4);
  const at::Tensor log_p = model_.Unembed(predicted.z)
                               .log_softmax(1)
                               .gather(1, RowIndex(tokens, z).unsqueeze(1))
                               .squeeze(1);
  const std::vector<PredictionScore> scores = ScorePredictions(model_, tokenizer_, z, predictions);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(scores[i].right && scores[i].right_in_3);
    EXPECT_NEAR(scores[i].log_p, log_p[static_cast<int64_t>(i)].item<double>(), 1e-3);
  }
  EXPECT_LT(MaxDifference(estimate.held_out_wh[0] + estimate.held_out_b[0], estimate.z), 1e-4);
  const std::vector<PredictionScore> of_mean =
      ScorePredictions(model_, tokenizer_, 0 * z + z.mean(0), predictions);
  EXPECT_FALSE(std::all_of(of_mean.begin(), of_mean.end(), [](const PredictionScore& j) {
    return j.right;
  })) << "all say the same anyway";
}

// An inverse of full rank moves one subject's last state to another's.
TEST_F(LinearModelTest, TheInverseGivesTheOtherAnswer) {
  const LreEstimate estimate = EstimateLre(model_, Prompts({100, 200}), {kEmbedLayer});
  const at::Tensor dh = LowRankInverse(estimate.w[0], kWidth)(
      (estimate.z[1] - estimate.z[0]).unsqueeze(0), {kWidth})[0];
  EXPECT_LT(MaxDifference(estimate.Operator(0)(estimate.h[0][0] + dh[0]), estimate.z[1]), 1e-3);
}

class LreEstimateTest : public testing::TestWithParam<std::string> {
 protected:
  const Model model_ = Model::Load(GoldenFolder() / GetParam());
  const std::vector<PromptToken> prompts_ = {
      {{7, 30, 21, 150, 9, 4}, 2}, {{12, 33, 4, 60}, 1}, {{99, 12, 33}, 2}};
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, LreEstimateTest,
                         testing::Values("mamba", "mamba2", "gpt_neox"), TestName);

TEST_P(LreEstimateTest, IsTheMeanOverPrompts) {
  const std::vector<int> layers = {kEmbedLayer, 0};
  int64_t done = 0;
  const LreEstimate estimate = EstimateLre(model_, prompts_, layers, {}, [&] { ++done; });
  EXPECT_EQ(done, 3);
  std::vector<at::Tensor> w, b;
  for (const PromptToken& prompt : prompts_) {
    const StateJacobians j = Jacobians(model_, prompt, {0});
    w.push_back(j.w[0]);
    b.push_back(j.z - j.w[0].mv(j.h[0]));
  }
  const at::Tensor want_w = at::stack(w).mean(0), want_b = at::stack(b).mean(0);
  EXPECT_LT(MaxDifference(estimate.w[1], want_w), 1e-5 * (1 + want_w.abs().max().item<double>()));
  EXPECT_LT(MaxDifference(estimate.b[1], want_b), 1e-4 * (1 + want_b.abs().max().item<double>()));
  // Compares with the operator of the other two prompts, at the second prompt.
  const LreEstimate others = EstimateLre(model_, {prompts_[0], prompts_[2]}, layers);
  for (int64_t l : {0, 1}) {
    const at::Tensor wh = others.w[l].mv(estimate.h[l][1]);
    EXPECT_LT(MaxDifference(estimate.held_out_wh[l][1], wh),
              1e-4 * (1 + wh.abs().max().item<double>()));
    EXPECT_LT(MaxDifference(estimate.held_out_b[l][1], others.b[l]),
              1e-4 * (1 + others.b[l].abs().max().item<double>()));
  }
}

TEST(LinearRegressionTest, FitsWhatItIsGivenWithTheSmallestMatrix) {
  at::manual_seed(1);
  const at::Tensor h = at::randn({5, 12}), z = at::randn({5, 12});
  const LreOperator fit = RegressionOperator(3, h, z);
  EXPECT_EQ(fit.layer, 3);
  EXPECT_LT(MaxDifference(fit(h), z), 1e-4);
  const at::Tensor away = at::randn({12}), hc = h - h.mean(0);
  // A direction in which no samples differ.
  const at::Tensor orthogonal = away - hc.t().mm(at::linalg_pinv(hc.t())).mv(away);
  EXPECT_LT(fit.w.mv(orthogonal).abs().max().item<double>(), 1e-4);
  // With more samples than features, it is the least-squares solution.
  const at::Tensor many = at::randn({40, 4}), map = at::randn({4, 4}), shift = at::randn({4});
  const LreOperator exact = RegressionOperator(0, many, many.mm(map.t()) + shift);
  EXPECT_LT(MaxDifference(exact.w, map), 1e-4);
  EXPECT_LT(MaxDifference(exact.b, shift), 1e-4);
}

TEST(TranslationTest, AddsTheMeanDifference) {
  const at::Tensor h = at::tensor({1.f, 2.f, 3.f, 5.f}).view({2, 2}),
                   z = at::tensor({2.f, 2.f, 4.f, 1.f}).view({2, 2});
  EXPECT_EQ(MaxDifference(TranslationOperator(0, h, z)(h[0]), at::tensor({2.f, 0.f})), 0);
}

}  // namespace
}  // namespace mambascope
