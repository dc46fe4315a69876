// Tests the CounterFact evaluation: measures worked out by hand, records against one whole run per
// prompt and target, and records that lack prompts.
#include "mambascope/experiments/editing/counterfact_evaluation.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/prompt.h"
#include "mambascope/experiments/editing/edit_evaluation.h"
#include "mambascope/experiments/editing/edit_summary.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

using testing::HasSubstr;
using enum PromptKind;

PromptScore MakeScore(double nll_new, double nll_true,
                      const std::vector<bool>& correct_new = {false},
                      const std::vector<bool>& correct_true = {false}) {
  return {{.nll = nll_new, .correct = correct_new},
          TargetScore{.nll = nll_true, .correct = correct_true}};
}

TEST(MeasuresTest, AreWorkedOutByHand) {
  const std::vector<PromptScore> prompts = {
      MakeScore(std::log(2), std::log(4), {true, true}, {true, false}),   // p 1/2 and 1/4
      MakeScore(std::log(10), std::log(5), {true, false}, {true}),        // 1/10 and 1/5
      MakeScore(std::log(5), std::log(2), {false, true}, {true, true})};  // 1/5 and 1/2
  for (PromptKind kind : {kRewrite, kParaphrase, kAttribute}) {
    const Measures m = AveragePrompts(prompts, kind);
    EXPECT_NEAR(*m.success, 1.0 / 3, 1e-12);
    EXPECT_NEAR(*m.magnitude, (0.25 - 0.1 - 0.3) / 3, 1e-12);
    EXPECT_NEAR(m.accuracy, 1.0 / 3, 1e-12);
  }
  const Measures m = AveragePrompts(prompts, kNeighborhood);
  EXPECT_NEAR(*m.success, 2.0 / 3, 1e-12);
  EXPECT_NEAR(*m.magnitude, (-0.25 + 0.1 + 0.3) / 3, 1e-12);
  EXPECT_NEAR(m.accuracy, 2.0 / 3, 1e-12);
}

TEST(MeasuresTest, TiesFail) {
  for (PromptKind kind : {kRewrite, kParaphrase, kNeighborhood, kAttribute}) {
    EXPECT_EQ(AveragePrompts({MakeScore(1.5, 1.5)}, kind).success, 0);
    EXPECT_EQ(AveragePrompts({MakeScore(1.5, 1.5)}, kind).magnitude, 0);
  }
}

// Averages scores over records.
EditMeans Means(const std::vector<RecordScores>& records) {
  std::vector<EditScores> scores;
  for (const RecordScores& record : records) scores.push_back(MakeEditScores(record));
  return AverageScores(scores);
}

class EvaluateRecordsTest : public testing::TestWithParam<std::string> {
 protected:
  TargetScore Looped(const std::string& prompt, const std::string& target) const {
    std::vector<int64_t> ids = EncodePrompt(tokenizer_, prompt, ""),
                         more = EncodeTarget(tokenizer_, target, "");
    const auto length = static_cast<int64_t>(ids.size());
    ids.insert(ids.end(), more.begin(), more.end());
    const at::Tensor log_p = mambascope::Run(model_, {ids}).Logits(0).log_softmax(1);
    TargetScore score;
    for (size_t i = 0; i < more.size(); ++i) {
      const at::Tensor row = log_p[length - 1 + static_cast<int64_t>(i)];
      score.nll -= row[more[i]].item<double>() / static_cast<double>(more.size());
      score.correct.push_back(row.argmax().item<int64_t>() == more[i]);
    }
    return score;
  }
  void ExpectPrompts(const std::vector<PromptScore>& got, const std::vector<std::string>& prompts,
                     const CounterFactRecord& record) const {
    ASSERT_EQ(got.size(), prompts.size());
    for (size_t i = 0; i < prompts.size(); ++i) {
      const TargetScore want_new = Looped(prompts[i], record.target_new),
                        want_true = Looped(prompts[i], record.target_true);
      EXPECT_NEAR(got[i].target_new.nll, want_new.nll, 1e-4 * want_new.nll + 2e-6) << prompts[i];
      EXPECT_NEAR(got[i].target_true->nll, want_true.nll, 1e-4 * want_true.nll + 2e-6)
          << prompts[i];
      EXPECT_EQ(got[i].target_new.correct, want_new.correct);
      EXPECT_EQ(got[i].target_true->correct, want_true.correct);
    }
  }
  c10::NoGradGuard no_grad_;
  Model model_ = Model::Load(RepositoryFolder() / "models" / GetParam());
  Tokenizer tokenizer_ = Tokenizer::Load(RepositoryFolder() / "models" / GetParam());
  std::vector<CounterFactRecord> records_ = [] {
    std::vector<CounterFactRecord> all =
        ReadCounterFact(RepositoryFolder() / "data/demo/counterfact.json");
    all.resize(12);
    return all;
  }();
};

INSTANTIATE_TEST_SUITE_P(Models, EvaluateRecordsTest,
                         testing::Values("demo-mamba", "demo-mamba2", "demo-neox"), TestName);

TEST_P(EvaluateRecordsTest, EqualOneWholeRunPerPromptAndTarget) {
  const auto scores =
      EvaluateRecords(model_, tokenizer_, records_,
                      {.kinds = {kRewrite, kParaphrase, kNeighborhood, kAttribute}, .forward = {}});
  ASSERT_EQ(scores.size(), records_.size());
  for (size_t i = 0; i < 4; ++i) {
    const CounterFactRecord& record = records_[i];
    ExpectPrompts(scores[i].at(kRewrite), {FillPattern(record.pattern, record.subject)}, record);
    ExpectPrompts(scores[i].at(kParaphrase), record.paraphrase_prompts, record);
    ExpectPrompts(scores[i].at(kNeighborhood), record.neighborhood_prompts, record);
    ExpectPrompts(scores[i].at(kAttribute), record.attribute_prompts, record);
  }
  const EditMeans means = Means(scores);
  EXPECT_LT(*means.measures.rewrite.success.mean, 40)
      << "nothing was rewritten: the model says what is true";
  EXPECT_GT(*means.measures.neighborhood.success.mean, 60);
}

// With exchanged targets, a record asks to write what the model already knows. Its neighbors are
// then scored for a false object.
TEST_P(EvaluateRecordsTest, ExchangedTargetsExchangeTheVerdict) {
  std::vector<CounterFactRecord> doctored = records_;
  for (CounterFactRecord& record : doctored) std::swap(record.target_new, record.target_true);
  const EditMeans plain = Means(EvaluateRecords(model_, tokenizer_, records_)),
                  turned = Means(EvaluateRecords(model_, tokenizer_, doctored));
  for (const auto kind :
       {&EditMeasures<MeasureMean>::rewrite, &EditMeasures<MeasureMean>::paraphrase,
        &EditMeasures<MeasureMean>::neighborhood}) {
    const KindMeasures<MeasureMean>&was = plain.measures.*kind, &is = turned.measures.*kind;
    EXPECT_NEAR(*is.success.mean, 100 - *was.success.mean, 1e-9) << "no ties among them";
    EXPECT_NEAR(*is.magnitude.mean, -*was.magnitude.mean, 1e-3);
  }
  EXPECT_GT(*turned.measures.rewrite.accuracy.mean, *plain.measures.rewrite.accuracy.mean);
}

TEST_P(EvaluateRecordsTest, RecordsThatLackPromptsHaveNoScoresOfThem) {
  records_[1].paraphrase_prompts.clear();
  records_[2].neighborhood_prompts.clear();
  const auto scores = EvaluateRecords(model_, tokenizer_, records_);
  EXPECT_EQ(scores[1].count(kParaphrase), 0u);
  EXPECT_EQ(scores[2].count(kNeighborhood), 0u);
  EXPECT_EQ(scores[0].count(kAttribute), 0u) << "not asked for";
  ExpectPrompts(scores[2].at(kParaphrase), records_[2].paraphrase_prompts, records_[2]);
  EXPECT_TRUE(MakeEditScores(scores[1]).rewrite.success);
  EXPECT_FALSE(MakeEditScores(scores[1]).paraphrase.success);
  EXPECT_FALSE(MakeEditScores(scores[2]).neighborhood.accuracy);
  EXPECT_TRUE(Means(scores).score.mean) << "the others have all";
  EXPECT_TRUE(EvaluateRecords(model_, tokenizer_, {}).empty());
}

TEST_P(EvaluateRecordsTest, WithoutATrueAnswerOnlyTheNewObjectIsScored) {
  CounterFactRecord without = records_[0];
  without.target_true = "";
  without.neighborhood_prompts.clear();
  const RecordScores scores = EvaluateRecords(model_, tokenizer_, {without})[0],
                     with = EvaluateRecords(model_, tokenizer_, {records_[0]})[0];
  for (PromptKind kind : {kRewrite, kParaphrase}) {
    const Measures bare = AveragePrompts(scores.at(kind), kind);
    EXPECT_FALSE(bare.success || bare.magnitude);
    EXPECT_EQ(bare.accuracy, AveragePrompts(with.at(kind), kind).accuracy);
  }
}

TEST_P(EvaluateRecordsTest, NeighborsMayHaveTrueAnswersOfTheirOwn) {
  CounterFactRecord record = records_[0];
  record.neighborhood_prompts.resize(1);
  const double of_record =
      EvaluateRecords(model_, tokenizer_, {record})[0].at(kNeighborhood)[0].target_true->nll;
  record.neighborhood_truths = {records_[1].target_new};
  const PromptScore score = EvaluateRecords(model_, tokenizer_, {record})[0].at(kNeighborhood)[0];
  EXPECT_NEAR(score.target_true->nll,
              Looped(record.neighborhood_prompts[0], records_[1].target_new).nll, 1e-3);
  EXPECT_GT(std::abs(score.target_true->nll - of_record), 0.1) << "another answer is scored";
}

TEST_P(EvaluateRecordsTest, WhatHasNoTokensIsRefusedByName) {
  const auto error = [&](auto change) {
    std::vector<CounterFactRecord> doctored = records_;
    change(doctored[3]);
    return ErrorOf([&] { EvaluateRecords(model_, tokenizer_, doctored); });
  };
  const std::string name = fmt::format("record 3 (case_id {})", records_[3].case_id);
  EXPECT_THAT(error([](CounterFactRecord& r) { r.target_new = ""; }),
              HasSubstr("the target_new of " + name));
  EXPECT_THAT(error([](CounterFactRecord& r) { r.neighborhood_prompts.push_back(""); }),
              HasSubstr("a prompt of " + name));
}

}  // namespace
}  // namespace mambascope
