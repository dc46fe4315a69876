// Compares the noise's scale with the weights in the file, and its draws with NumPy's.
#include "mambascope/experiments/facts/traced_fact.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/random.h"

namespace mambascope {
namespace {

TEST(EmbeddingStdTest, IsOverAllFeaturesOfAllSubjectsTokens) {
  const auto folder = RepositoryFolder() / "models/demo-mamba";
  const Tokenizer tokenizer = Tokenizer::Load(folder);
  const at::Tensor embedding = OpenSafetensors(folder / "model.safetensors")
                                   ->Read("backbone.embeddings.weight")
                                   .to(at::kDouble);
  const std::vector<std::string> subjects = {"Eiffel Tower", "Nile", "Nile", "M\u00fcnchen"};
  std::vector<at::Tensor> rows;
  for (const std::string& subject : subjects) {
    for (const Token& token : tokenizer.Encode(subject)) rows.push_back(embedding[token.id]);
  }
  const at::Tensor features = at::stack(rows).flatten();
  const double want = (features - features.mean()).pow(2).sum().item<double>() /
                      static_cast<double>(features.numel() - 1);
  const Model model = Model::Load(folder);
  EXPECT_NEAR(EmbeddingStd(model, tokenizer, subjects), std::sqrt(want), 1e-6 * std::sqrt(want));
  EXPECT_GT(std::abs(EmbeddingStd(model, tokenizer, {"Nile"}) - std::sqrt(want)),
            1e-4 * std::sqrt(want))
      << "subjects must matter";
}

class FactRunsTest : public testing::Test {
 protected:
  static Prompt MakeIds(const std::vector<int64_t>& ids, Span subject) {
    return {
        .text = "made up", .ids = ids, .tokens = {}, .subject = "made up", .subject_span = subject};
  }
  const Model model_ = Model::Load(GoldenFolder() / "mamba");
  const Prompt clean_ = MakeIds({7, 300, 21, 150}, {1, 3});
  const FactPair noisy_{.relation = {}, .clean = clean_, .corrupt = {}, .answer_id = 3};
  const FactPair swapped_{
      .relation = {}, .clean = clean_, .corrupt = MakeIds({7, 12, 150}, {1, 2}), .answer_id = 3};
};

TEST_F(FactRunsTest, NoiseIsDrawnSampleByTokenByFeatureAndTheSameForEveryFact) {
  const FactRuns runs =
      RunFacts(model_, {noisy_, noisy_}, {}, Noise{.std = 2, .samples = 3, .seed = 5});
  ASSERT_EQ(runs.corrupt.size(), 6u);
  EXPECT_EQ(runs.samples, 3u);
  for (const size_t fact : {size_t{0}, size_t{1}}) {
    NumpyNormal normal(5);
    for (size_t sample = 0; sample < 3; ++sample) {
      const SweepBase& run = runs.corrupt[fact * 3 + sample];
      EXPECT_EQ(run.ids, clean_.ids);
      ASSERT_EQ(run.variant.size(), 2u) << "the subject's two tokens";
      for (size_t t = 0; t < 2; ++t) {
        const auto& add = std::get<Add>(run.variant[t]);
        EXPECT_EQ(add.at.token, static_cast<int64_t>(t) + 1);
        for (int64_t d = 0; d < add.delta.numel(); ++d)
          ASSERT_FLOAT_EQ(add.delta[d].item<float>(), static_cast<float>(2 * normal()))
              << fact << sample << t << d;
      }
    }
  }
}

// The runs of a fact are found by the number of samples, which must be the same for all facts.
TEST_F(FactRunsTest, FactsOfBothCorruptionsTogetherAreRefused) {
  const auto both = [&] {
    RunFacts(model_, {noisy_, swapped_}, {}, Noise{.std = 2, .samples = 3, .seed = 5});
  };
  EXPECT_NE(ErrorOf(both), "no error");
}

}  // namespace
}  // namespace mambascope
