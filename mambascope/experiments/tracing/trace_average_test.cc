// Tests which row of the average a token belongs to, and averages of made-up facts worked out by
// hand.
#include "mambascope/experiments/tracing/trace_average.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mambascope {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Eq;
constexpr auto kNoCell = std::nullopt;

Prompt PromptOfLength(size_t tokens, Span subject) {
  return {.text = {},
          .ids = std::vector<int64_t>(tokens, 0),
          .tokens = {},
          .subject = {},
          .subject_span = subject};
}

std::vector<std::string> Rows(const Prompt& prompt) {
  std::vector<std::string> rows;
  for (int64_t t = 0; t < static_cast<int64_t>(prompt.ids.size()); ++t) {
    const std::optional<size_t> row =
        TraceRow(prompt.subject_span, static_cast<int64_t>(prompt.ids.size()), t);
    rows.emplace_back(row ? kTraceRows[*row] : "none");
  }
  return rows;
}

TEST(TraceRowTest, FollowsTheSubject) {
  EXPECT_THAT(Rows(PromptOfLength(8, {1, 5})),
              ElementsAre("none", "subject_first", "subject_middle", "subject_middle",
                          "subject_last", "further", "further", "last"));
  EXPECT_THAT(Rows(PromptOfLength(4, {0, 2})),
              ElementsAre("subject_first", "subject_last", "further", "last"));
}

TEST(TraceRowTest, SubjectOfOneTokenIsItsLast) {
  EXPECT_THAT(Rows(PromptOfLength(4, {1, 2})),
              ElementsAre("none", "subject_last", "further", "last"));
}

TEST(TraceRowTest, SubjectAtTheEndHasNoLaterRows) {
  EXPECT_THAT(Rows(PromptOfLength(3, {1, 3})),
              ElementsAre("none", "subject_first", "subject_last"));
  EXPECT_THAT(Rows(PromptOfLength(2, {0, 1})), ElementsAre("subject_last", "last"));
}

FactTrace Fact(Span subject, double p_clean, double p_corrupt, const TraceGrid& probs) {
  FactTrace trace;
  trace.fact.clean = PromptOfLength(probs.size(), subject);
  trace.fact.p_clean = p_clean;
  trace.fact.p_corrupt = p_corrupt;
  trace.probs = probs;
  return trace;
}

void ExpectRow(const std::vector<std::optional<double>>& row, const std::vector<double>& want) {
  ASSERT_EQ(row.size(), want.size());
  for (size_t l = 0; l < want.size(); ++l)
    EXPECT_NEAR(row[l].value(), want[l], 1e-12) << "layer " << l;
}

class TraceAverageTest : public testing::Test {
 protected:
  // The effect is 0.8. The rows are none, first, last, further, last.
  const FactTrace two_tokens_ =
      Fact({1, 3}, 0.9, 0.1, {{0.8, 0.8}, {0.5, 0.1}, {0.9, 0.3}, {0.1, 0.2}, {0.1, 0.9}});
  // The effect is 0.4. The rows are first, middle, middle, last, further, further, last. The first
  // middle token has no counterpart.
  const FactTrace four_tokens_ = Fact(
      {0, 4}, 0.6, 0.2,
      {{0.2, 0.2}, {kNoCell, kNoCell}, {0.4, 0.6}, {0.6, 0.2}, {0.3, 0.2}, {0.5, 0.2}, {0.2, 0.6}});
  const FactTrace no_effect_ = Fact({0, 1}, 0.205, 0.2, {{1.0, 1.0}, {1.0, 1.0}});
  const FactTrace wrong_way_ = Fact({0, 1}, 0.1, 0.9, {{1.0, 1.0}, {1.0, 1.0}});
};

TEST_F(TraceAverageTest, IsTheMeanOverFactsOfTheMeanOverAFactsTokens) {
  const TraceAverage average = AverageTraces({two_tokens_, four_tokens_});
  ExpectRow(average.ie[0], {(0.5 + 0) / 2, (0 + 0) / 2.0});
  ExpectRow(average.ie[1], {0.5, 1});
  ExpectRow(average.ie[2], {(1 + 1) / 2.0, (0.25 + 0) / 2});
  ExpectRow(average.ie[3], {(0 + 0.5) / 2, (0.125 + 0) / 2});
  ExpectRow(average.ie[4], {(0 + 0) / 2.0, (1 + 1) / 2.0});
  ExpectRow(average.as_published[0], {(0.5 / 0.8 + 0.2 / 0.4) / 2, (0.1 / 0.8 + 0.2 / 0.4) / 2});
  ExpectRow(average.as_published[1], {0.4 / 0.4, 0.6 / 0.4});
  ExpectRow(average.as_published[3], {(0.1 / 0.8 + 0.4 / 0.4) / 2, (0.2 / 0.8 + 0.2 / 0.4) / 2});
  EXPECT_THAT(average.facts_per_row, ElementsAre(2, 1, 2, 2, 2));
  EXPECT_EQ(average.guarded, 0);
}

TEST_F(TraceAverageTest, FactsWithoutAnEffectAreLeftOutAndCounted) {
  const TraceAverage with = AverageTraces({no_effect_, two_tokens_, wrong_way_}),
                     without = AverageTraces({two_tokens_});
  EXPECT_EQ(with.guarded, 2);
  EXPECT_EQ(without.guarded, 0);
  EXPECT_EQ(with.ie, without.ie);
  EXPECT_EQ(with.as_published, without.as_published);
  EXPECT_THAT(with.facts_per_row, ElementsAre(1, 0, 1, 1, 1));
}

TEST_F(TraceAverageTest, RowThatNoFactHasIsEmpty) {
  EXPECT_THAT(AverageTraces({two_tokens_}).ie[1], Each(Eq(kNoCell)));
  const TraceAverage nothing = AverageTraces({no_effect_});
  EXPECT_EQ(nothing.ie.size(), kTraceRows.size());
  EXPECT_THAT(nothing.ie, Each(ElementsAre(Eq(kNoCell), Eq(kNoCell))));
  EXPECT_THAT(nothing.facts_per_row, Each(0));
  EXPECT_THAT(AverageTraces({}).ie, Each(testing::IsEmpty()));
}

TEST_F(TraceAverageTest, IntervalIsStudentsOfTheFacts) {
  const TraceAverage average = AverageTraces({two_tokens_, four_tokens_});
  const auto [low, high] = average.ci95[2][1].value();  // from 0.25 and 0, 1 degree of freedom
  EXPECT_NEAR((low + high) / 2, 0.125, 1e-12);
  EXPECT_NEAR(high - low, 2 * 12.7062 * 0.125, 1e-4);
  EXPECT_EQ(average.ci95[1][0], std::nullopt) << "one fact";
}

TEST_F(TraceAverageTest, IsolationTakesTheInputsEffectsFromTheOutputs) {
  FactTrace fact = two_tokens_;
  fact.ssm_out = fact.gate = fact.probs;
  for (auto& row : fact.ssm_out) {
    for (auto& p : row) p = *p / 2;
  }
  for (auto& row : fact.gate) {
    for (auto& p : row) p = 0.1;  // as in the corrupted run: no effect
  }
  const TraceAverage isolated = IsolateOutputProjection({fact});
  // At the first row and layer 0, IE is (0.5 - 0.1) / 0.8 of mixer_out, (0.25 - 0.1) / 0.8 of
  // ssm_out.
  ExpectRow(isolated.ie[0], {(0.4 - 0.15) / 0.8, (0 - (0.05 - 0.1)) / 0.8});
  ExpectRow(isolated.as_published[0], {(0.5 - 0.25 - 0.1) / 0.8, (0.1 - 0.05 - 0.1) / 0.8});
  EXPECT_THAT(isolated.facts_per_row, ElementsAre(1, 0, 1, 1, 1));
}

// d is -1 in the corrupted run and 3 in the clean one.
TEST_F(TraceAverageTest, LogitDifferencesAreNormalisedByTheirOwnEffect) {
  FactTrace fact = two_tokens_, none = two_tokens_;
  fact.fact.other_answer_id = 5;
  fact.fact.logit_diff_clean = 3;
  fact.fact.logit_diff_corrupt = -1;
  fact.logit_diff = {{9, 9}, {-1, 1}, {3, 0}, {-1, -1}, {-2, 3}};
  const TraceAverage average = AverageLogitDiffs({fact, none});
  EXPECT_EQ(average.guarded, 1) << "the fact without another answer";
  ExpectRow(average.ie[0], {0, 0.5});
  ExpectRow(average.ie[2], {1, 0.25});
  ExpectRow(average.ie[4], {-0.25, 1});
  EXPECT_THAT(average.as_published, testing::IsEmpty());
  fact.fact.logit_diff_clean = -0.95;
  EXPECT_EQ(AverageLogitDiffs({fact}).guarded, 1) << "below the guard";
  EXPECT_EQ(AverageTraces({fact}).guarded, 0) << "p(answer) has its own guard";
}

}  // namespace
}  // namespace mambascope
