// Tests how records of both data sets are prepared for edits, scored and chosen.
#include "mambascope/experiments/editing/edit_evaluation.h"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/experiments/editing/mass_edit.h"
#include "mambascope/experiments/editing/record_choice.h"

namespace mambascope {
namespace {

using testing::HasSubstr;

ZsreRecord FranceQuestion() {
  return {"The capital of {} is called", "France",  "France has its capital in", {"Paris"}, "Rome",
          "People in Japan speak",       "Japanese"};
}

TEST(DatasetRecordTest, ZsreWritesTheAltWhereThereIsOne) {
  ZsreRecord question = FranceQuestion();
  const EditRecord with_alt = MakeDatasetRecord(question, 7).record;
  EXPECT_EQ(with_alt.case_id, 7);
  EXPECT_EQ(with_alt.target_new, "Rome");
  EXPECT_EQ(with_alt.target_true, "Paris");
  question.alt = "";
  EXPECT_EQ(MakeDatasetRecord(question, 7).record.target_new, "Paris");
}

TEST(DatasetRecordTest, TheDigestIsOfWhatItIsEvaluatedBy) {
  CounterFactRecord record;
  record.pattern = "{} is in";
  record.subject = "Louvre";
  const std::string digest = MakeDatasetRecord(record).record.digest;
  EXPECT_EQ(MakeDatasetRecord(record).record.digest, digest);
  record.paraphrase_prompts = {"Where is the Louvre? In"};
  EXPECT_NE(MakeDatasetRecord(record).record.digest, digest);
}

class EditEvaluatorTest : public testing::Test {
 protected:
  c10::NoGradGuard no_grad_;
  Model model_ = Model::Load(RepositoryFolder() / "models/demo-mamba");
  Tokenizer tokenizer_ = Tokenizer::Load(RepositoryFolder() / "models/demo-mamba");
  std::vector<DatasetRecord> records_ = [] {
    std::vector<DatasetRecord> records;
    for (const CounterFactRecord& record :
         ReadCounterFact(RepositoryFolder() / "data/demo/counterfact.json")) {
      if (records.size() < 6) records.push_back(MakeDatasetRecord(record));
    }
    return records;
  }();
};

TEST_F(EditEvaluatorTest, EachBenchmarkHasItsMeasures) {
  const EditEvaluator evaluate(tokenizer_);
  const EditScores counterfact = evaluate(model_, records_[0]);
  EXPECT_EQ(counterfact.benchmark, EditBenchmark::kCounterFact);
  EXPECT_TRUE(counterfact.rewrite.success && counterfact.paraphrase.magnitude &&
              counterfact.neighborhood.accuracy);
  EXPECT_FALSE(counterfact.rewrite.token_accuracy || counterfact.texts);
  const EditScores zsre = evaluate(model_, MakeDatasetRecord(FranceQuestion(), 0));
  EXPECT_EQ(zsre.benchmark, EditBenchmark::kZsre);
  EXPECT_TRUE(zsre.rewrite.token_accuracy && zsre.paraphrase.accuracy);
  EXPECT_FALSE(zsre.rewrite.success || zsre.neighborhood.magnitude);
}

TEST_F(EditEvaluatorTest, TextsAreMeasuredWhereTheyAreGenerated) {
  const EditScores scores =
      EditEvaluator(tokenizer_, TextMeasuresOptions{.tokens = 8})(model_, records_[0]);
  ASSERT_TRUE(scores.texts);
  EXPECT_GT(*scores.texts->entropy, 0);
  EXPECT_FALSE(scores.texts->reference) << "without references";
}

TEST_F(EditEvaluatorTest, ChoosesKnownRecordsUpToTheLimit) {
  for (size_t i = 0; i < 3; ++i) records_[i].record.target_true = "zebra crossing";
  const auto choose = [&](const RecordChoiceOptions& options) {
    return ChooseRecords(model_, tokenizer_, records_, options);
  };
  const ChosenRecords known = choose({});
  EXPECT_EQ(known.choice.of, 6);
  EXPECT_EQ(known.choice.tested, 6);
  EXPECT_EQ(known.choice.chosen, static_cast<int64_t>(known.records.size()));
  EXPECT_LE(known.records.size(), 3u);
  for (const DatasetRecord& record : known.records)
    EXPECT_NE(record.record.target_true, "zebra crossing");
  const ChosenRecords two = choose({.limit = 2, .keep = RecordChoiceOptions::Keep::kAll});
  EXPECT_EQ(two.records.size(), 2u);
  EXPECT_EQ(two.choice.tested, 2);
  for (DatasetRecord& record : records_) record.record.target_true = "zebra crossing";
  EXPECT_THAT(ErrorOf([&] { choose({}); }), HasSubstr("no record (6 tested)"));
}

TEST(EditCountsTest, AreAllRecordsUnlessAskedFor) {
  EXPECT_EQ(EditCounts({}, 5), std::set<int64_t>{5});
  EXPECT_EQ(EditCounts({4, 1, 4}, 5), (std::set<int64_t>{1, 4}));
  EXPECT_THAT(ErrorOf([] {
                EditCounts({1, 6}, 5);
              }),
              HasSubstr("--edits 6 exceeds the number of records to edit, 5"));
}

}  // namespace
}  // namespace mambascope
