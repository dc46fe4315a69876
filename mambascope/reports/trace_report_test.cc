// Causal traces and path-specific effects as figures and text, on results made up by hand.
#include "mambascope/reports/trace_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/reports/fact_text.h"
#include "mambascope/reports/paths_report.h"
#include "mambascope/reports/trace_figures.h"
#include "mambascope/reports/traced_fact_test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// `facts` facts of three tokens in two layers. Only the subject restores the answer, by half.
TraceResult MakeTraces(size_t facts) {
  TraceResult result{.options = {{"model", "models/tiny"}, {"relations", {"data/relations"}}},
                     .site = Site::kSsmOut,
                     .facts = {}};
  for (size_t i = 0; i < facts; ++i)
    result.facts.push_back(
        {.fact = MakeTracedFact("Paris"), .probs = {{0.375, 0.375}, {0.25, 0.25}, {0.25, 0.25}}});
  result.summary = SummarizeTraces(result.facts);
  return result;
}

std::string Title(const std::string& page) {
  const size_t begin = page.find("<title>") + 7;
  return page.substr(begin, page.find("</title>") - begin);
}

TEST(TraceReportTest, TitlesNameSiteDataWindowAndModel) {
  TraceResult result = MakeTraces(2);
  EXPECT_EQ(Title(HtmlPage(TracePage(result))),
            "Causal trace of ssm_out: 2 facts of relations (tiny)");
  EXPECT_EQ(AverageHeatMap(result).subtitle,
            "tiny; 2 facts of relations; corrupted by another subject; window of 1 layer");
  result.window = 3;
  result.site = Site::kResid;
  EXPECT_EQ(Title(HtmlPage(TracePage(result))),
            "Causal trace of resid in windows of 3 layers: 2 facts of relations (tiny)");
  result = MakeTraces(1);
  EXPECT_EQ(Title(HtmlPage(TracePage(result))), "Causal trace of ssm_out: Paris is in (tiny)");
  EXPECT_EQ(
      FactHeatMap(result, result.facts[0]).subtitle,
      "tiny; Paris is in; corrupted by Rome; window of 1 layer; * marks the subject's tokens");
}

TEST(TraceReportTest, TitlesNameNoiseAndTheMetric) {
  TraceResult result = MakeTraces(2);
  result.metric = Metric::kLogitDiff;
  EXPECT_EQ(Title(HtmlPage(TracePage(result))),
            "Causal trace of ssm_out: 2 facts of relations (tiny, logit difference)");
  EXPECT_THAT(Title(HtmlPage(TracePage(TraceResults{{result, result}}))),
              HasSubstr("(tiny, logit diff"));
  for (FactTrace& trace : result.facts) trace.fact.corrupt.reset();
  result.metric = Metric::kProbability;
  EXPECT_EQ(Title(HtmlPage(TracePage(result))),
            "Causal trace of ssm_out: 2 facts of relations (tiny, noise)");
}

TEST(FactsTextTest, LeavesOutKnowledgeThatWasNotTested) {
  RelationCount relation{.name = "capital", .facts = 2, .chosen = 2};
  EXPECT_THAT(FactsText(2, {relation}),
              AllOf(HasSubstr("2 facts,     2 chosen"), Not(HasSubstr("known"))));
  relation.tested = relation.known = 2;
  EXPECT_THAT(FactsText(2, {relation}), HasSubstr("2 tested,     2 known,     2 chosen"));
}

TEST(TraceReportTest, FactsOfAPageShareTheirColourScale) {
  TraceResult result = MakeTraces(2);
  EXPECT_EQ(FactHeatMap(result, result.facts[0]).domain, std::pair(0.0, 0.5));
  result.facts[1].probs[0][1] = 0.875;
  EXPECT_EQ(FactHeatMap(result, result.facts[0]).domain, std::pair(0.0, 0.875));
}

TEST(TraceReportTest, AveragesWithIsolatedInputsShareTheirColourScale) {
  TraceResult result = MakeTraces(2);
  result.site = Site::kMixerOut;
  for (FactTrace& trace : result.facts) trace.ssm_out = trace.gate = trace.probs;
  result.facts[0].gate[2][0] = 0.75;  // an effect of 2, and of 0 in the other fact
  result.summary = SummarizeTraces(result.facts);
  EXPECT_EQ(AverageHeatMap(result).domain, std::pair(-1.0, 1.0)) << "the difference has signs";
  EXPECT_THAT(HtmlPage(TracePage(result)),
              HasSubstr("Causal trace of mixer_out and its inputs: 2 facts of relations"));
}

TEST(TraceReportTest, ExplainsHatchedCells) {
  TraceResult result = MakeTraces(1);
  EXPECT_THAT(HtmlPage(TracePage(result)), Not(HasSubstr("hatched")));
  EXPECT_THAT(TraceText(result), Not(HasSubstr("no such token")));
  result.facts[0].probs[1] = {std::nullopt, std::nullopt};
  EXPECT_THAT(HtmlPage(TracePage(result)), HasSubstr("hatched"));
  EXPECT_THAT(FactHeatMap(result, result.facts[0]).missing, HasSubstr("in the corrupted prompt"));
  EXPECT_THAT(TraceText(result), HasSubstr("? no such token in the corrupted prompt"));
}

TEST(TraceReportTest, CountsFactsThatAreLeftOut) {
  TraceResult result = MakeTraces(3);
  EXPECT_THAT(HtmlPage(TracePage(result)), Not(HasSubstr("left out")));
  result.facts[0].fact.p_corrupt = result.facts[0].fact.p_clean;
  result.summary = SummarizeTraces(result.facts);
  EXPECT_THAT(HtmlPage(TracePage(result)), HasSubstr("1 fact is left out"));
  EXPECT_THAT(TraceText(result), HasSubstr("1 fact is left out"));
}

TEST(TraceReportTest, FactsOfWhichNoneQualifiesHaveNoAverage) {
  TraceResult result = MakeTraces(2);
  for (FactTrace& trace : result.facts) trace.fact.p_corrupt = trace.fact.p_clean;
  result.summary = SummarizeTraces(result.facts);
  EXPECT_THAT(HtmlPage(TracePage(result)),
              AllOf(HasSubstr("None of the 2 facts qualifies"), Not(HasSubstr("trace_average")),
                    HasSubstr("trace_ssm_out")));
  EXPECT_THAT(TraceText(result), HasSubstr("None of the 2 facts qualifies"));
}

// The other answer's logit is 2 above the answer's after the corrupted prompt.
TraceResult WithLogits(TraceResult result) {
  result.metric = Metric::kLogitDiff;
  for (FactTrace& trace : result.facts) {
    trace.fact.other_answer_id = 8;
    trace.fact.other_answer = " Italy";
    trace.fact.logit_diff_clean = 2;
    trace.fact.logit_diff_corrupt = -2;
    trace.logit_diff = {{2, 1}, {-2, -2}, {-2, -3}};
  }
  result.summary = SummarizeTraces(result.facts, result.metric);
  return result;
}

TEST(TraceReportTest, ShowsTheLogitDifferenceIfItIsTheMetric) {
  const TraceResult result = WithLogits(MakeTraces(2));
  const Grid fact = FactHeatMap(result, result.facts[0]);
  EXPECT_EQ(fact.title, "logit of \u00b7France less that of \u00b7Italy with ssm_out restored");
  EXPECT_EQ(fact.values, result.facts[0].logit_diff);
  EXPECT_EQ(fact.domain, std::pair(-3.0, 2.0));
  EXPECT_EQ(fact.references[1].value, -2);
  EXPECT_EQ(AverageHeatMap(result).values[2][1], 0.75);
  EXPECT_THAT(AverageHeatMap(result).title, HasSubstr("on the logit difference"));
  EXPECT_THAT(HtmlPage(TracePage(result)), HasSubstr("(d - d_corrupt) / (d_clean - d_corrupt)"));
  EXPECT_THAT(HtmlPage(TracePage(WithLogits(MakeTraces(1)))), HasSubstr("Italy (token 8)"));
}

TEST(TraceReportTest, ModelsAndSitesArePanelsThatAreNamed) {
  TraceResult resid = MakeTraces(2), gate = MakeTraces(2);
  resid.site = Site::kResid;
  gate.site = Site::kGate;
  resid.name = gate.name = "tiny";
  TraceResult other = resid, other_gate = gate;
  other.name = other_gate.name = "large";
  EXPECT_EQ(HtmlPage(TracePage(TraceResults{{resid}})), HtmlPage(TracePage(resid)));
  EXPECT_EQ(TraceText(TraceResults{{resid}}), TraceText(resid));
  const std::string sites = HtmlPage(TracePage(TraceResults{{resid, gate}})),
                    both = HtmlPage(TracePage(TraceResults{{resid, gate}, {other, other_gate}}));
  EXPECT_EQ(Title(sites), "Causal trace of resid, gate: 2 facts of relations (tiny)");
  EXPECT_EQ(Title(both), "Causal trace of resid, gate: 2 facts of relations (tiny, large)");
  EXPECT_THAT(both, AllOf(HasSubstr("large, gate"), HasSubstr("tiny, resid")));
  EXPECT_THAT(TraceText(TraceResults{{resid, gate}, {other, other_gate}}),
              HasSubstr("large, gate: Average"));
  for (FactTrace& trace : other.facts) trace.fact.p_corrupt = trace.fact.p_clean;
  other.summary = SummarizeTraces(other.facts);
  EXPECT_THAT(HtmlPage(TracePage(TraceResults{{resid}, {other}})),
              HasSubstr("None of the 2 facts qualifies"));
}

PathsResult MakePaths(size_t facts, double restored) {
  PathsResult result{.options = {{"model", "models/tiny"}, {"relations", {"data/relations"}}},
                     .at = "subject_last",
                     .conditions = {"recovery", "gate"},
                     .facts = {}};
  for (size_t i = 0; i < facts; ++i)
    result.facts.push_back({.fact = MakeTracedFact("Paris"),
                            .conditions = result.conditions,
                            .probs = {{0.25, restored}, {0.25, 0.25 + 0.01 * double(i)}}});
  result.average = AveragePaths(result.facts);
  return result;
}

TEST(PathsReportTest, OneFactHasNoBandsToExplain) {
  const auto subtitle = [](size_t facts) {
    return LineChartSpec(PathsChart(MakePaths(facts, 0.375))).at("title").at("subtitle").at(0);
  };
  EXPECT_EQ(subtitle(1), "tiny; Paris is in");
  EXPECT_EQ(subtitle(2), "tiny; 2 facts of relations; bands: 95% confidence intervals over facts");
}

TEST(PathsReportTest, TheAxisGoesFrom0To1AndToLargerEffects) {
  EXPECT_EQ(PathsChart(MakePaths(1, 0.251)).domain, std::pair(0.0, 1.0));
  EXPECT_EQ(PathsChart(MakePaths(1, 0.75)).domain, std::pair(0.0, 2.0));
  EXPECT_THAT(Title(HtmlPage(PathsPage(MakePaths(2, 0.5)))),
              AllOf(HasSubstr("last token: 2 facts of relations (tiny)"), HasSubstr("subject")));
}

TEST(PathsReportTest, FactsOfWhichNoneQualifiesHaveNoCurves) {
  PathsResult result = MakePaths(2, 0.375);
  for (FactPaths& paths : result.facts) paths.fact.p_corrupt = paths.fact.p_clean;
  result.average = AveragePaths(result.facts);
  EXPECT_THAT(HtmlPage(PathsPage(result)), HasSubstr("None of the 2 facts qualifies"));
  EXPECT_THAT(PathsText(result), HasSubstr("None of the 2 facts qualifies"));
}

TEST(PathsReportTest, ModelsAndTokensArePanelsThatAreNamed) {
  PathsResult subject = MakePaths(2, 0.375), last = subject;
  subject.name = last.name = "tiny";
  last.at = "prompt_last";
  PathsResult other = subject, other_last = last;
  other.name = other_last.name = "large";
  other.conditions = other_last.conditions = {"recovery", "mlp_out"};
  EXPECT_EQ(HtmlPage(PathsPage(PathsResults{{subject}})), HtmlPage(PathsPage(subject)));
  const std::string page = HtmlPage(PathsPage(PathsResults{{subject, last}, {other, other_last}}));
  EXPECT_EQ(Title(page),
            "Path-specific effects at the subject&#39;s last token and the prompt&#39;s last "
            "token: 2 facts "
            "of relations (tiny, large)");
  EXPECT_THAT(page, HasSubstr("large, the prompt's last token"));
  for (FactPaths& paths : subject.facts) paths.fact.corrupt.reset();
  EXPECT_THAT(Title(HtmlPage(PathsPage(subject))), HasSubstr("(tiny, noise)"));
  EXPECT_THAT(Title(HtmlPage(PathsPage(PathsResults{{subject}, {other}}))),
              HasSubstr("(tiny, large, noise)"));
  EXPECT_THAT(PathsText(PathsResults{{subject, last}}), HasSubstr("at the prompt's last token"));
}

}  // namespace
}  // namespace mambascope
