// Results of the same facts are joined, and others are not.
#include "mambascope/reports/merge_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TraceResult JoinableTrace(const std::string& model, Site site, const std::string& subject) {
  TraceResult result{.options = {{"command", "trace"}, {"model", model}},
                     .name = model,
                     .site = site,
                     .facts = {}};
  for (const char* verb : {" is in", " lies in"}) {
    const Prompt clean{.text = subject + verb,
                       .ids = {1, 2},
                       .tokens = {subject, verb},
                       .subject = {},
                       .subject_span = {0, 1}};
    FactTrace trace{.fact = {.relation = "city", .clean = clean}, .probs = {{0.5}, {0.5}}};
    trace.fact.p_clean = 1;
    result.facts.push_back(trace);
  }
  result.summary = SummarizeTraces(result.facts);
  return result;
}

ResultFile JoinableFile(const std::string& file, const TraceResult& result) {
  return {.file = file, .result = TraceResults{{result}}, .runs = {result.options}};
}

TEST(MergeRunsTest, ModelsAndSitesOfTheSameFactsBecomeOneResult) {
  const auto files = MergeRuns({JoinableFile("1", JoinableTrace("a", Site::kResid, "Paris")),
                                JoinableFile("2", JoinableTrace("a", Site::kGate, "Paris")),
                                JoinableFile("3", JoinableTrace("b", Site::kResid, "Paris")),
                                JoinableFile("4", JoinableTrace("b", Site::kGate, "Paris"))});
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_EQ(files[0].file, "1");
  EXPECT_THAT(files[0].more, ElementsAre("2", "3", "4"));
  EXPECT_THAT(files[0].runs, SizeIs(4));
  const auto& results = std::get<TraceResults>(files[0].result);
  ASSERT_THAT(results, SizeIs(2));
  ASSERT_THAT(results[1], SizeIs(2));
  EXPECT_EQ(results[1][0].name, "b");
  EXPECT_EQ(results[1][0].site, Site::kResid);
  EXPECT_EQ(results[0][1].site, Site::kGate);
}

TEST(MergeRunsTest, OtherFactsStayAlone) {
  EXPECT_THAT(MergeRuns({JoinableFile("1", JoinableTrace("a", Site::kResid, "Paris")),
                         JoinableFile("2", JoinableTrace("b", Site::kResid, "Rome"))}),
              SizeIs(2));
}

TEST(MergeRunsTest, AModelThatLacksASiteIsNotJoined) {
  EXPECT_THAT(MergeRuns({JoinableFile("1", JoinableTrace("a", Site::kResid, "Paris")),
                         JoinableFile("2", JoinableTrace("a", Site::kGate, "Paris")),
                         JoinableFile("3", JoinableTrace("b", Site::kResid, "Paris"))}),
              SizeIs(3));
}

TEST(MergeRunsTest, TheSameRunTwiceIsNotJoined) {
  EXPECT_THAT(MergeRuns({JoinableFile("1", JoinableTrace("a", Site::kResid, "Paris")),
                         JoinableFile("2", JoinableTrace("a", Site::kResid, "Paris"))}),
              SizeIs(2));
}

}  // namespace
}  // namespace mambascope
