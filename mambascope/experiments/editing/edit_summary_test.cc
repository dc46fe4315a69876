// Tests means and intervals over edited records against numbers worked out by hand, and the
// interval of S against the jackknife.
#include "mambascope/experiments/editing/edit_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/experiments/editing/edit_evaluation.h"
#include "mambascope/experiments/editing/edit_test_support.h"
#include "mambascope/experiments/statistics.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr double kT3 = 3.18245;  // 97.5 % quantile of Student's t, 3 degrees of freedom

const EditSweepRow& Row(const EditSweepSummary& summary, size_t projection, size_t row) {
  return summary.projections[projection].rows[row];
}

std::vector<double> Values(const EditSweepRow& row) {
  std::vector<double> values;
  ForEachMeasure(row.means.measures, [&](const MeasureName&, const MeasureMean& mean) {
    values.push_back(mean.mean.value_or(NAN));
  });
  return values;
}

TEST(EditSummaryTest, MeansAreInPercentAndWorkedOutByHand) {
  const EditSweepSummary summary = SummarizeSweep(SmallSweepRecords());
  const EditSweepRow& row = Row(summary, 0, 0);
  EXPECT_THAT(Values(row), ElementsAre(75, 25, 100, 75, -50, 50, 75, 12.5, 0))
      << "S, D and A of E, P and N";
  EXPECT_DOUBLE_EQ(*row.means.score.mean, 75);
  EXPECT_EQ(row.means.records, 4);
  EXPECT_EQ(summary.pre.records, 4);
  EXPECT_EQ(summary.pre.measures.paraphrase.success.mean, 25);
  EXPECT_EQ(summary.pre.measures.neighborhood.success.mean, 75);
  EXPECT_EQ(summary.pre.score.mean, 0) << "the harmonic mean with an ES of 0";
  EXPECT_DOUBLE_EQ(*Row(summary, 0, 1).means.score.mean, 50) << "3 / (1/100 + 1/25 + 1/100)";
}

TEST(EditSummaryTest, ScoreIsOfRoundedPercentages) {
  const auto record = [](double e, double p, double n) {
    return EditScores{
        .rewrite = {.success = e}, .paraphrase = {.success = p}, .neighborhood = {.success = n}};
  };
  const EditMeans means = AverageScores({record(1, 0.5, 0.75), record(0, 1, 1), record(1, 0, 0.5)});
  const MeasureMean& es = means.measures.rewrite.success;
  EXPECT_NEAR(*es.mean, 200.0 / 3, 1e-9);
  EXPECT_EQ(es.interval->first, 0) << "66.7 - 4.30265 * 100 / 3, cut";
  EXPECT_EQ(es.interval->second, 100);
  EXPECT_NEAR(*means.measures.paraphrase.success.mean, 50, 1e-9);
  EXPECT_NEAR(*means.measures.neighborhood.success.mean, 75, 1e-9);
  EXPECT_EQ(*means.score.mean, 3 / (1 / 66.67 + 1 / 50.0 + 1 / 75.0));
  EXPECT_EQ(AverageScores({record(1, 1, 0)}).score.mean, 0) << "NS is 0";
  EXPECT_EQ(AverageScores({}).records, 0);
  EXPECT_FALSE(AverageScores({}).score.mean);
}

TEST(EditSummaryTest, IntervalsAreWorkedOutByHand) {
  const EditSweepSummary summary = SummarizeSweep(SmallSweepRecords());
  const EditMeans& means = Row(summary, 0, 0).means;
  // The values are 100, 100, 100, 0: variance 2500, standard error 25.
  EXPECT_EQ(means.measures.rewrite.success.interval, std::pair(0.0, 100.0))
      << "75 - 79.6 and 75 + 79.6: shares have bounds";
  // Each of the three shares counts a third. PS and NS vary oppositely, so only ES is left.
  EXPECT_NEAR(means.score.interval->first, 75 - kT3 * 25 / 3, 0.1);
  EXPECT_EQ(means.score.interval->second, 100) << "75 + 26.5";
  EXPECT_EQ(summary.WidestHalfInterval(), 50);
}

TEST(EditSummaryTest, DifferencesHaveNoBounds) {
  const EditMeans means =
      AverageScores({{.rewrite = {.magnitude = 1}}, {.rewrite = {.magnitude = -0.5}}});
  EXPECT_LT(means.measures.rewrite.magnitude.interval->first, -100);
  EXPECT_GT(means.measures.rewrite.magnitude.interval->second, 100);
}

TEST(EditSummaryTest, SaysWhatEditsTook) {
  std::vector<RecordResult> records = SmallSweepRecords();
  RecordEdit& edit = records[0].edits[1];  // W_o at layer 2
  edit.stopped = "steps";
  edit.steps = 20;
  edit.seconds = 1.25;
  edit.change_norm = 3.5;
  const EditSweepRow row = Row(SummarizeSweep(records), 0, 0);
  EXPECT_EQ(row.stopped,
            (std::map<std::string, int64_t>{{"loss", 3}, {"probability", 0}, {"steps", 1}}));
  EXPECT_EQ(
      (std::vector<double>{row.steps, row.seconds_per_edit, row.change_norm, row.weight_norm}),
      (std::vector<double>{12.5, 0.5, 2, 30}));
  EXPECT_DOUBLE_EQ(row.ChangePercent(), 20.0 / 3);
}

TEST(EditSummaryTest, OrdersProjectionsAsTheyComeAndLayersUpwards) {
  const EditSweepSummary summary = SummarizeSweep(SmallSweepRecords());
  std::vector<std::string> places;
  for (const ProjectionSummary& projection : summary.projections) {
    for (const EditSweepRow& row : projection.rows)
      places.push_back(row.projection + std::to_string(row.layer));
  }
  EXPECT_THAT(places, ElementsAre("W_o2", "W_o10", "W_a2"));
  EXPECT_THAT(summary.Layers(), ElementsAre(2, 10));
  EXPECT_EQ(summary.Best(), &Row(summary, 0, 0));
  EXPECT_EQ(summary.projections[1].Best(), &Row(summary, 1, 0));
}

TEST(EditSummaryTest, LeavesOutRecordsWithoutPromptsOfAKind) {
  std::vector<RecordResult> records = SmallSweepRecords();
  records[0].pre.neighborhood.success.reset();
  records[1].pre.neighborhood.success.reset();
  for (RecordResult& record : records) {
    for (RecordEdit& edit : record.edits) edit.scores.paraphrase.success.reset();
  }
  const EditSweepSummary summary = SummarizeSweep(records);
  EXPECT_EQ(summary.pre.measures.neighborhood.success.mean, 50) << "of the last two";
  EXPECT_EQ(summary.pre.records, 4);
  EXPECT_TRUE(summary.pre.score.mean);
  const EditMeans& means = Row(summary, 0, 0).means;
  EXPECT_EQ(means.measures.rewrite.success.mean, 75);
  for (const MeasureMean& none : {means.measures.paraphrase.success, means.score})
    EXPECT_FALSE(none.mean || none.interval);
  EXPECT_EQ(summary.Best(), nullptr);
}

TEST(EditSummaryTest, GivesNoIntervalOfOneRecord) {
  std::vector<RecordResult> records = SmallSweepRecords();
  records.resize(1);
  const EditMeans means = Row(SummarizeSweep(records), 0, 0).means;
  EXPECT_EQ(means.measures.rewrite.success.mean, 100);
  EXPECT_TRUE(means.score.mean);
  EXPECT_FALSE(means.measures.rewrite.success.interval || means.score.interval);
}

TEST(EditSummaryTest, HasMeasuresOfTextsWhereSomeRecordHasThem) {
  std::vector<RecordResult> records = SmallSweepRecords();
  EXPECT_FALSE(Row(SummarizeSweep(records), 0, 0).means.measures.texts);
  records[0].edits[1].scores.texts = {6, std::nullopt};
  // The second record has its edits in reverse order; this one is in the middle either way.
  records[1].edits[1].scores.texts = {5, std::nullopt};
  const auto texts = Row(SummarizeSweep(records), 0, 0).means.measures.texts;
  EXPECT_EQ(texts->entropy.mean, 550);
  EXPECT_FALSE(texts->reference.mean);
}

// Returns the jackknife's standard error of S, which leaves out one record at a time.
double JackknifeError(const std::vector<RecordResult>& records, size_t place) {
  std::vector<double> scores;
  const double others = static_cast<double>(records.size()) - 1;
  for (size_t left_out = 0; left_out < records.size(); ++left_out) {
    std::array<double, 3> means = {};
    for (size_t r = 0; r < records.size(); ++r) {
      if (r == left_out) continue;
      const auto parts = ScoreParts(records[r].edits[place].scores);
      for (size_t k = 0; k < 3; ++k) means[k] += *parts[k] / others;
    }
    scores.push_back(300 / (1 / means[0] + 1 / means[1] + 1 / means[2]));
  }
  const double mean = Mean(scores), n = static_cast<double>(scores.size());
  double squares = 0;
  for (double s : scores) squares += (s - mean) * (s - mean);
  return std::sqrt((n - 1) / n * squares);
}

TEST(EditSummaryTest, IntervalOfSIsTheJackknifes) {
  const std::vector<RecordResult> records = RealisticSweepRecords(6, 150);
  const EditSweepSummary summary = SummarizeSweep(records);
  for (size_t place : {0u, 3u, 9u, 16u}) {
    const auto interval = *Row(summary, place / 6, place % 6).means.score.interval;
    const double half = (interval.second - interval.first) / 2;
    EXPECT_NEAR(half / StudentT(149), JackknifeError(records, place), 0.03 * half) << place;
  }
}

TEST(EditSummaryTest, OfZsreIsTheHarmonicMeanOfTokenAccuracies) {
  const auto score = [](const std::vector<bool>& correct) {
    return TargetScore{.nll = 1, .correct = correct};
  };
  const EditMeans means = AverageScores(
      {MakeEditScores(
           ZsreScores{score({true, true}), score({true, false}), score({false, true, true, true})}),
       MakeEditScores(ZsreScores{score({true}), score({false}), score({true, false})})});
  EXPECT_EQ(means.measures.rewrite.token_accuracy.mean, 100);
  EXPECT_EQ(means.measures.paraphrase.token_accuracy.mean, 25);
  EXPECT_EQ(means.measures.neighborhood.token_accuracy.mean, 62.5);
  EXPECT_EQ(means.measures.rewrite.accuracy.mean, 100);
  EXPECT_EQ(means.measures.paraphrase.accuracy.mean, 0) << "no answer is wholly correct";
  EXPECT_FALSE(means.measures.rewrite.success.mean) << "zsRE has none";
  EXPECT_NEAR(*means.score.mean, 3 / (1 / 100.0 + 1 / 25.0 + 1 / 62.5), 1e-9);
  const std::vector<NamedMean> principal = PrincipalMeans(means);
  ASSERT_THAT(principal, SizeIs(4));
  EXPECT_EQ(principal[0].key, "rewrite_acc");
  EXPECT_EQ(principal[2].value.mean, 62.5);
}

}  // namespace
}  // namespace mambascope
