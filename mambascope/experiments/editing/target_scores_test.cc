// Compares scores of targets with one whole run per prompt and target, and with numbers worked out
// by hand.
#include "mambascope/experiments/editing/target_scores.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/prompt.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/generate.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Scores every target token by the log-softmax of its row in one whole run.
TargetScore Looped(const Model& model, std::vector<int64_t> prompt,
                   const std::vector<int64_t>& target) {
  const auto length = static_cast<int64_t>(prompt.size());
  prompt.insert(prompt.end(), target.begin(), target.end());
  const at::Tensor log_p =
      mambascope::Run(model, {prompt}).Logits(0).to(at::kDouble).log_softmax(1);
  TargetScore score;
  for (int64_t i = 0; i < static_cast<int64_t>(target.size()); ++i) {
    const at::Tensor row = log_p[length - 1 + i];
    score.nll -=
        row[target[static_cast<size_t>(i)]].item<double>() / static_cast<double>(target.size());
    score.correct.push_back(row.argmax().item<int64_t>() == target[static_cast<size_t>(i)]);
  }
  return score;
}

void ExpectScores(const Model& model, const std::vector<Question>& questions,
                  const std::vector<std::vector<TargetScore>>& scores) {
  ASSERT_EQ(scores.size(), questions.size());
  for (size_t q = 0; q < questions.size(); ++q) {
    ASSERT_EQ(scores[q].size(), questions[q].targets.size());
    for (size_t t = 0; t < scores[q].size(); ++t) {
      const TargetScore want = Looped(model, questions[q].prompt, questions[q].targets[t]);
      EXPECT_NEAR(scores[q][t].nll, want.nll, 1e-4 * want.nll + 2e-6) << q << " " << t;
      EXPECT_EQ(scores[q][t].correct, want.correct) << q << " " << t;
    }
  }
}

class TargetScoresTest : public testing::TestWithParam<std::string> {
 protected:
  std::vector<int64_t> Ids(int64_t n, uint64_t seed) const {
    at::manual_seed(seed);
    return ToVector(at::randint(0, model_.config().vocab, {n}));
  }
  // Returns `n` tokens, each the most probable one after the tokens before.
  std::vector<int64_t> Greedy(std::vector<int64_t> prompt, int64_t n) const {
    const auto length = static_cast<int64_t>(prompt.size());
    for (int64_t i = 0; i < n; ++i)
      prompt.push_back(mambascope::Run(model_, {prompt}).LastLogits().argmax().item<int64_t>());
    return {prompt.begin() + length, prompt.end()};
  }
  c10::NoGradGuard no_grad_;
  Model model_ = Model::Load(GoldenFolder() / GetParam());
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, TargetScoresTest, testing::ValuesIn(TinyCheckpoints()),
                         TestName);

TEST_P(TargetScoresTest, EqualOneWholeRunPerTarget) {
  const std::vector<int64_t> a = Ids(6, 1), b = Ids(4, 2), c = Ids(1, 3);
  std::vector<int64_t> almost = Greedy(b, 3);
  almost[1] = (almost[1] + 1) % model_.config().vocab;
  const std::vector<Question> questions = {{a, {Ids(1, 4), Ids(3, 5), Greedy(a, 2)}},
                                           {b, {Ids(2, 6), almost, Greedy(b, 1)}},
                                           {a, {Ids(2, 7)}},  // the same prompt again
                                           {c, {}},
                                           {c, {Ids(5, 8), Ids(5, 8)}}};
  const auto scores = ScoreTargets(model_, questions);
  ExpectScores(model_, questions, scores);
  EXPECT_THAT(scores[0][2].correct, ElementsAre(true, true));
  EXPECT_TRUE(scores[0][2].AllCorrect());
  EXPECT_THAT(scores[1][1].correct, ElementsAre(true, false, testing::_));
  EXPECT_FALSE(scores[1][1].AllCorrect());
  EXPECT_TRUE(scores[1][2].AllCorrect());
  EXPECT_GT(std::abs(scores[0][0].nll - scores[0][1].nll), 1e-3) << "the targets are not alike";
  EXPECT_EQ(scores[4][0].nll, scores[4][1].nll);
  ExpectScores(model_, questions, ScoreTargets(model_, questions, {.batch_rows = 5, .waves = 2}));
}

TEST_P(TargetScoresTest, PerplexityIsThatOfAllTokensButTheFirst) {
  const std::vector<int64_t> a = Ids(7, 1), b = Ids(2, 2);
  const std::vector<double> perplexities = Perplexities(model_, {a, b});
  EXPECT_NEAR(perplexities[0], std::exp(Looped(model_, {a[0]}, {a.begin() + 1, a.end()}).nll),
              1e-3 * perplexities[0]);
  EXPECT_NEAR(perplexities[1], std::exp(Looped(model_, {b[0]}, {b[1]}).nll),
              1e-3 * perplexities[1]);
  EXPECT_NE(perplexities[0], perplexities[1]);
}

TEST_P(TargetScoresTest, WhatHasNoTokensIsRefused) {
  EXPECT_THAT(ErrorOf([&] {
                ScoreTargets(model_, {{{1}, {{2}}}, {{}, {{2}}}});
              }),
              HasSubstr("prompt 1 is empty"));
  EXPECT_THAT(ErrorOf([&] {
                ScoreTargets(model_, {{{1}, {{2}}}, {{1}, {{2}, {}}}});
              }),
              HasSubstr("a target of prompt 1 is empty"));
  EXPECT_THAT(ErrorOf([&] {
                ScoreTargets(model_, {{{1}, {{2, model_.config().vocab}}}});
              }),
              HasSubstr("outside the model's vocabulary"));
  EXPECT_THAT(ErrorOf([&] {
                ScoreTargets(model_, {{{1}, {{-1, 2}}}});
              }),
              HasSubstr("token id -1 is outside"));
  EXPECT_THAT(ErrorOf([&] {
                Perplexities(model_, {{1, 2}, {1}});
              }),
              HasSubstr("text 1 has fewer than two tokens"));
  EXPECT_TRUE(ScoreTargets(model_, {}).empty());
}

TEST(TargetScoreTest, AccuracyIsTheShareOfCorrectTokens) {
  const TargetScore score{.nll = 1, .correct = {true, false, true, true}};
  EXPECT_EQ(score.Accuracy(), 0.75);
  EXPECT_FALSE(score.AllCorrect());
  EXPECT_TRUE((TargetScore{.nll = 1, .correct = {true, true}}).AllCorrect());
}

class TargetScoresDemoTest : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Models, TargetScoresDemoTest,
                         testing::Values("demo-mamba", "demo-mamba2", "demo-neox"), TestName);

TEST_P(TargetScoresDemoTest, EqualOneWholeRunPerTarget) {
  c10::NoGradGuard no_grad;
  const Model model = Model::Load(RepositoryFolder() / "models" / GetParam());
  const Tokenizer tokenizer = Tokenizer::Load(RepositoryFolder() / "models" / GetParam());
  std::vector<Question> questions;
  for (const char* prompt : {"The composer of Night on Bald Mountain was",
                             "The composer of Boris Godunov was", "The capital of France is"}) {
    Question question{MakePrompt(tokenizer, prompt).ids, {}};
    for (const char* target : {"Gustav Holst", "Modest Mussorgsky", " Paris"})
      question.targets.push_back(EncodeTarget(tokenizer, target, ""));
    question.targets.push_back(Generate(model, {question.prompt}, {.tokens = 2}).front());
    questions.push_back(question);
  }
  const auto scores = ScoreTargets(model, questions);
  ExpectScores(model, questions, scores);
  for (const auto& score : scores) EXPECT_TRUE(score[3].AllCorrect());
  EXPECT_LT(scores[1][1].nll, scores[1][0].nll);
}

TEST(EncodeTest, HaveOneSpaceBeforeThem) {
  const Tokenizer tokenizer = Tokenizer::Load(RepositoryFolder() / "models/demo-mamba");
  const std::vector<int64_t> ids = EncodeTarget(tokenizer, "Paris", "the target");
  EXPECT_EQ(tokenizer.Decode(ids), " Paris");
  EXPECT_EQ(EncodeTarget(tokenizer, " Paris", "the target"), ids);
  EXPECT_EQ(tokenizer.Decode(EncodePrompt(tokenizer, "Paris", "the prompt")), "Paris");
  EXPECT_EQ(ErrorOf([&] { EncodePrompt(tokenizer, "", "a prompt of record 3"); }),
            "a prompt of record 3 '' has no tokens");
  EXPECT_EQ(ErrorOf([&] { EncodeTarget(tokenizer, "", "the target_new of record 3"); }),
            "the target_new of record 3 '' has no tokens");
}

}  // namespace
}  // namespace mambascope
