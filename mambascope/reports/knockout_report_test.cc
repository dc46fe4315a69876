// Knockouts as figures, on results made up by hand.
#include "mambascope/reports/knockout_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "mambascope/experiments/knockout/knockout_test_support.h"
#include "mambascope/figures/palette.h"
#include "mambascope/reports/knockout_page.h"
#include "mambascope/reports/knockout_text.h"

namespace mambascope {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;
using enum KnockoutMeasure;

TEST(KnockoutChartTest, HasChangeAndAccuracyOfEverySource) {
  const std::vector<LineChart> changes =
                                   KnockoutCharts(WithSummary(MakeKnockouts("m", 3)), kChange),
                               accuracies =
                                   KnockoutCharts(WithSummary(MakeKnockouts("m", 3)), kAccuracy);
  ASSERT_EQ(changes.size(), 1u);
  ASSERT_EQ(accuracies.size(), 1u);
  EXPECT_THAT(changes[0].x, ElementsAre("0", "1", "2"));
  EXPECT_THAT(changes[0].curves[0].values, ElementsAre(0, -25, -50));
  EXPECT_THAT(changes[0].curves[1].values, ElementsAre(0, 0, 0));
  EXPECT_THAT(accuracies[0].curves[0].values, ElementsAre(100, 0, 100));
  EXPECT_EQ(changes[0].references[0].value, 0);
  EXPECT_EQ(accuracies[0].references[0].value, 100);
}

// A page shows one panel for each target; with groups of channels one for each pair, which compares
// them.
TEST(KnockoutChartTest, TargetsHaveTheirOwnAndGroupsAreCompared) {
  KnockoutResult result = MakeKnockouts("m", 2);
  result.channels = {"all", "fast"};
  result.mixers = {"all", "all"};
  result.flows = {{"subject", "last", 0}, {"subject", "last", 1}};
  const std::vector<LineChart> charts = KnockoutCharts(WithSummary(result), kChange);
  ASSERT_EQ(charts.size(), 1u);
  ASSERT_EQ(charts[0].curves.size(), 2u);
  EXPECT_EQ(charts[0].curves[1].name, "fast");
  EXPECT_THAT(charts[0].title, HasSubstr("from subject to last"));
  result.channels = {"all"};
  result.mixers = {"all"};
  result.flows = {{"subject", "last", 0}, {"subject", "subject", 0}};
  EXPECT_EQ(KnockoutCharts(WithSummary(result), kChange).size(), 2u);
}

TEST(KnockoutChartTest, SetsHaveTheFieldsColoursAndNoTwoTheSame) {
  KnockoutResult result = MakeKnockouts("m", 2);
  const std::vector<std::string> sets = {"0,1", "last",  "subject", "relation",
                                         "all", "first", "context", "subject_last"};
  result.flows.clear();
  for (const std::string& set : sets) result.flows.push_back({set, "last", 0});
  const std::vector<AnswerCell> cells = {{0.5, true}, {0.5, true}};
  result.facts = {
      MakeKnockedFact("", 0.5, std::vector<std::vector<AnswerCell>>(sets.size(), cells))};
  std::set<std::string_view> colours;
  std::map<std::string, std::string_view> of;
  const LineChart chart = KnockoutCharts(WithSummary(result), kChange)[0];
  for (const Curve& curve : chart.curves) {
    of[curve.name] = kCurveColours.at(curve.tone.value()).on_white;
    colours.insert(of[curve.name]);
  }
  EXPECT_EQ(colours.size(), sets.size());
  EXPECT_EQ(of["first"], "#0072b2") << "blue";
  EXPECT_EQ(of["last"], "#c94f00") << "orange";
  EXPECT_EQ(of["subject"], "#009682") << "green";
  EXPECT_EQ(of["relation"], "#7c6cf0") << "purple";
}

// Windows of 1 and of 2 layers in a model of 3 layers.
KnockoutResult TwoLengths() {
  KnockoutResult result = MakeKnockouts("m", 3);
  result.lengths = {{1, {0, 1, 2}}, {2, {0, 1}}};
  result.flows = {{"subject", "last", 0, 0},
                  {"subject", "last", 0, 1},
                  {"all", "last", 0, 0},
                  {"all", "last", 0, 1}};
  const std::vector<AnswerCell> long_cells = {{0.5, true}, {0.25, true}, {0.5, true}},
                                short_cells = {{0.125, false}, {0.5, true}};
  for (KnockedFact& fact : result.facts)
    fact = MakeKnockedFact("", 0.5, {long_cells, short_cells, long_cells, short_cells});
  return WithSummary(result);
}

TEST(KnockoutChartTest, LengthsOfWindowsAreCurvesOverTheSamePlaces) {
  const std::vector<LineChart> charts = KnockoutCharts(TwoLengths(), kChange);
  ASSERT_EQ(charts.size(), 2u) << "a chart per source";
  EXPECT_THAT(charts[0].title, HasSubstr("from subject, by length of the windows"));
  EXPECT_THAT(charts[0].x, ElementsAre("0", "1", "2"));
  ASSERT_EQ(charts[0].curves.size(), 2u);
  EXPECT_EQ(charts[0].curves[0].name, "windows of 1 layer");
  EXPECT_EQ(charts[0].curves[1].name, "windows of 2 layers");
  EXPECT_THAT(charts[0].curves[0].values, ElementsAre(0, -50, 0));
  EXPECT_THAT(charts[0].curves[1].values, ElementsAre(-75, 0, std::nullopt));
  EXPECT_THAT(charts[0].subtitle, HasSubstr("windows of 1 and 2 layers"));
}

TEST(KnockoutPageTest, LengthsOfWindowsAreComparedInPanels) {
  const LinePanels figure = WindowPanels(TwoLengths(), kAccuracy);
  ASSERT_EQ(figure.panels.size(), 2u);
  EXPECT_EQ(figure.panels[1].title, "from all to last");
  EXPECT_THAT(figure.panels[1].curves[1].values, ElementsAre(0, 100, std::nullopt));
  EXPECT_THAT(HtmlPage(KnockoutPage({TwoLengths()})), HasSubstr("a curve for each length"));
}

TEST(KnockoutTextTest, RowsNameTheLengthsOfWindows) {
  const std::string text = KnockoutText(TwoLengths());
  EXPECT_THAT(text, HasSubstr("subject (w = 2)"));
  EXPECT_THAT(text, HasSubstr("lowest -75.0 % (layer 0), highest 0.0 %"));
  EXPECT_THAT(text, HasSubstr("? no window of this length begins there"));
}

TEST(DepthChartTest, LengthsOfWindowsHaveTheirOwnCharts) {
  KnockoutResult other = TwoLengths();
  other.name = "n";
  const std::vector<LineChart> charts = DepthCharts({TwoLengths(), other}, kChange);
  ASSERT_EQ(charts.size(), 4u);
  EXPECT_THAT(charts[1].title, HasSubstr("windows of 2 layers"));
  EXPECT_THAT(charts[1].curves[0].values[0], Optional(DoubleNear(-75, 1e-9)));
}

TEST(DepthChartTest, EachModelHasItsOwnPointsAndNoOthers) {
  const std::vector<KnockoutResult> results = {WithSummary(MakeKnockouts("small", 3)),
                                               WithSummary(MakeKnockouts("large", 5))};
  const std::vector<LineChart> charts = DepthCharts(results, kChange);
  ASSERT_EQ(charts.size(), 2u) << "of two sources";
  ASSERT_EQ(charts[0].x.size(), 101u);
  EXPECT_EQ(charts[0].x[25], "25");
  EXPECT_EQ(charts[0].curves[0].name, "small (w = 3)");
  for (size_t depth = 0; depth <= 100; ++depth) {
    EXPECT_EQ(charts[0].curves[0].values[depth].has_value(), depth % 50 == 0) << depth;
    EXPECT_EQ(charts[0].curves[1].values[depth].has_value(), depth % 25 == 0) << depth;
  }
  EXPECT_THAT(charts[0].curves[0].values[50], Optional(DoubleNear(-25, 1e-9)));
  EXPECT_THAT(charts[0].curves[1].values[25], Optional(DoubleNear(-12.5, 1e-9)));
  EXPECT_EQ(charts[0].missing, LineChart::Missing::kBridge);
}

TEST(DepthChartTest, ModelWithOneWindowIsAPoint) {
  KnockoutResult one = MakeKnockouts("one", 2);
  one.lengths[0].x = {0};
  for (KnockedFact& fact : one.facts) {
    for (auto& cells : fact.cells) cells.resize(1);
  }
  const std::vector<LineChart> charts =
      DepthCharts({WithSummary(one), WithSummary(MakeKnockouts("two", 2))}, kChange);
  EXPECT_THAT(charts[0].curves[0].values[0], Optional(0.0));
  EXPECT_FALSE(charts[0].curves[0].values[100].has_value());
}

TEST(KnockoutHeatMapTest, ShowsDifferencesOnASymmetricScale) {
  KnockoutResult result = MakeKnockouts("m", 2);
  KnockedFact& fact = result.facts[0];
  fact.heatmap = {
      {{0.5, true}, {0.25, true}}, {{0.625, true}, {0.5, true}}, {{0.5, true}, {0.5, true}}};
  const Grid grid = KnockoutHeatMap(result, fact, 0.3);
  EXPECT_THAT(grid.values,
              ElementsAre(ElementsAre(0, -0.25), ElementsAre(0.125, 0), ElementsAre(0, 0)));
  EXPECT_EQ(grid.domain, std::pair(-0.3, 0.3));
  EXPECT_THAT(grid.marked_rows, ElementsAre(0));
  EXPECT_EQ(grid.picked_row, 0) << "of the largest difference";
  EXPECT_THAT(grid.title, HasSubstr("Italy"));
  EXPECT_THAT(grid.subtitle, HasSubstr("0.5"));
  EXPECT_THAT(grid.title, HasSubstr("last token:")) << "all channels need no words";
  EXPECT_THAT(grid.subtitle, HasSubstr("m; Rome is in; mode cut; windows of 3 layers"));
  EXPECT_THAT(HtmlPage(KnockoutPage({WithSummary(result)})),
              HasSubstr("does not read one token (row)"));
}

TEST(KnockoutHeatMapTest, ColumnsAreNamedByTheirWindows) {
  KnockoutResult result = MakeKnockouts("m", 2);
  EXPECT_EQ(KnockoutHeatMap(result, result.facts[0], 1).column_title, "first layer of the window");
  EXPECT_THAT(HtmlPage(KnockoutPage({WithSummary(result)})), HasSubstr("In 3 layers from x on"));
  result.windows = KnockoutResult::Windows::kAround;
  EXPECT_EQ(KnockoutHeatMap(result, result.facts[0], 1).column_title,
            "layer in the middle of the window");
  EXPECT_THAT(HtmlPage(KnockoutPage({WithSummary(result)})), HasSubstr("In 3 layers around x"));
}

TEST(KnockoutHeatMapTest, SaysThatItIsOfTheFirstGroup) {
  KnockoutResult result = MakeKnockouts("m", 2);
  result.channels = {"fast", "all"};
  result.mixers = {"all", "all"};
  result.facts[0].heatmap = std::vector<std::vector<AnswerCell>>(3, {{0.5, true}, {0.25, true}});
  EXPECT_THAT(KnockoutHeatMap(result, result.facts[0], 1).title, HasSubstr("last token (fast):"));
  EXPECT_THAT(HtmlPage(KnockoutPage({WithSummary(result)})),
              HasSubstr("does not read one token (fast) (row)"));
}

TEST(KnockoutPageTest, SaysWhichFactsHaveNothingToSever) {
  KnockoutResult result = MakeKnockouts("m", 2);
  EXPECT_THAT(HtmlPage(KnockoutPage({WithSummary(result)})), Not(HasSubstr("counts as no change")));
  result.facts[1].sources[0] = 0;
  EXPECT_THAT(HtmlPage(KnockoutPage({WithSummary(result)})), HasSubstr("subject in 1 of 2 facts"));
}

TEST(KnockoutPageTest, ChartsOfChangesShareTheirAxis) {
  KnockoutResult result = MakeKnockouts("m", 3);
  result.flows = {{"subject", "last", 0}, {"subject", "subject", 0}};
  result.facts[0].cells[1][2].p = 0.625;
  std::vector<LineChart> charts = KnockoutCharts(WithSummary(result), kChange);
  ASSERT_EQ(charts.size(), 2u);
  EXPECT_EQ(charts[0].domain, charts[1].domain);
  EXPECT_LE(charts[1].domain->first, -50) << "the other chart's change";
  for (KnockedFact& fact : result.facts) fact.cells[0] = fact.cells[1];
  result.facts[0].cells[0][2].p = result.facts[0].cells[1][2].p = 0.501;
  charts = KnockoutCharts(WithSummary(result), kChange);
  EXPECT_EQ(charts[0].domain, std::pair(-10.0, 5.0)) << "noise stays small";
}

TEST(KnockoutPageTest, OneFactHasNoAccuracyToDrawAndNoBands) {
  KnockoutResult result = WithSummary(MakeKnockouts("m", 2));
  EXPECT_THAT(HtmlPage(KnockoutPage({result})), HasSubstr("knockout_accuracy"));
  EXPECT_THAT(HtmlPage(KnockoutPage({result})), HasSubstr("confidence intervals"));
  result.facts.resize(1);
  EXPECT_THAT(HtmlPage(KnockoutPage({WithSummary(result)})), Not(HasSubstr("knockout_accuracy")));
  EXPECT_THAT(HtmlPage(KnockoutPage({WithSummary(result)})),
              Not(HasSubstr("confidence intervals")));
}

TEST(KnockoutPageTest, TitleNamesModeWindowDataAndModels) {
  KnockoutResult result = MakeKnockouts("m", 2);
  result.options["relations"] = {"data/demo/relations/"};
  const auto title = [](const std::vector<KnockoutResult>& results) {
    const std::string page = HtmlPage(KnockoutPage(results));
    const size_t begin = page.find("<title>") + 7;
    return page.substr(begin, page.find("</title>") - begin);
  };
  EXPECT_EQ(title({WithSummary(result)}),
            "Knockout (cut), windows of 3 layers: 2 facts of relations (m)");
  KnockoutResult other = result;
  other.name = "n";
  EXPECT_EQ(title({WithSummary(result), WithSummary(other)}),
            "Knockout (cut): 2 facts of relations (m, n)");
  result.mode = "cut-conv";
  result.lengths[0].window = 1;
  result.facts.resize(1);
  EXPECT_EQ(title({WithSummary(result)}),
            "Knockout (cut-conv), windows of 1 layer: Rome is in (m)");
}

}  // namespace
}  // namespace mambascope
