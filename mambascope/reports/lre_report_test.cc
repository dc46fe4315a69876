#include "mambascope/reports/lre_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/figures/browser_test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

LreMeans MakeMeans(double faithfulness, double identity, double causality) {
  return {.faithfulness = {faithfulness},
          .causality = {causality},
          .identity = {identity},
          .translation = {30},
          .regression = {40},
          .beta = 2.5,
          .rank = 16};
}

RelationResult MakeRelation(const std::string& name, int range, double faithfulness) {
  return {.name = name,
          .kind = range > 4 ? "factual" : "bias",
          .range = range,
          .chance = 100.0 / range,
          .known = 12,
          .layer = 3,
          .causal_layer = kEmbedLayer,
          .chosen = MakeMeans(faithfulness, 3, 20),
          .by_layer = {{kEmbedLayer, MakeMeans(10, 1, 5)},
                       {3, MakeMeans(faithfulness, 2, faithfulness / 2)}}};
}

RelationResult MakeSkipped(const std::string& name, const std::string& reason) {
  return {.name = name, .kind = "bias", .skipped = reason};
}

// Two relations and one that was skipped.
std::vector<RelationResult> SmallRelations() {
  return {MakeRelation("country <capital>", 10, 40), MakeRelation("gender", 2, 90),
          MakeSkipped("tiny", "it has 2 samples")};
}

LreResult SmallResult() { return MakeLreResult({{"model", "demo"}}, SmallRelations()); }

TEST(LreReportTest, RelationsStandFromTheMostFaithfulWithTheirBaselines) {
  const DotPlot plot = LreRelationsPlot(SmallResult());
  EXPECT_THAT(plot.rows, ElementsAre("gender (3)", "country <capital> (3)"));
  ASSERT_EQ(plot.series.size(), 5u);
  EXPECT_THAT(plot.series[0].values, ElementsAre(90, 40));
  EXPECT_EQ(plot.series[1].name, "identity");
  EXPECT_THAT(plot.series[1].values, ElementsAre(3, 3)) << "at the chosen layers";
  EXPECT_EQ(plot.series[4].name, "chance");
  EXPECT_TRUE(plot.series[4].is_reference);
  EXPECT_THAT(plot.series[4].values, ElementsAre(50, 10));
}

TEST(LreReportTest, LayersAreMeansOverRelations) {
  const LineChart chart = LreLayersChart(SmallResult());
  EXPECT_THAT(chart.x, ElementsAre("embed", "3"));
  EXPECT_THAT(chart.at, ElementsAre(-1, 3));
  EXPECT_THAT(chart.curves[0].values, ElementsAre(10, 65));
  EXPECT_THAT(chart.curves[1].values, ElementsAre(5, 32.5));
  EXPECT_THAT(chart.curves[0].band, IsEmpty()) << "an interval of two relations says nothing";
  EXPECT_EQ(chart.references[0].value, 30);
}

TEST(LreReportTest, ThreeRelationsHaveIntervals) {
  std::vector<RelationResult> relations = SmallRelations();
  relations.push_back(MakeRelation("third", 4, 60));
  const LreResult result = MakeLreResult({{"model", "demo"}}, relations);
  EXPECT_TRUE(LreLayersChart(result).curves[0].band.at(1).has_value());
  EXPECT_THAT(LreText(result), HasSubstr("causality 20.0 [20.0, 20.0] %. Brackets are 95%"));
}

TEST(LreReportTest, ScatterHasARelationsRangeAndTheCurveOfChance) {
  const Scatter scatter = LreRangeScatter(SmallResult());
  ASSERT_EQ(scatter.points.size(), 2u);
  EXPECT_EQ(scatter.points[0].x, 10);
  EXPECT_EQ(scatter.points[0].y, 40);
  EXPECT_EQ(scatter.points[0].group, "factual");
  EXPECT_DOUBLE_EQ(scatter.guide.front().second, 50);
  EXPECT_NEAR(scatter.guide.back().second, 10, 1e-9);
}

TEST(LreReportTest, TextHasALinePerRelationAndWhatWasSkipped) {
  std::vector<RelationResult> relations = SmallRelations();
  relations[0].chosen.faithfulness.std = 12.5;
  relations[1].trials = {{.skipped = "few"}, {.known = 3}};
  EXPECT_EQ(LreText(MakeLreResult({{"model", "demo"}}, relations)),
            R"(relation             known chance    faithful layer beta      causal layer  rank
gender                  12   50.0        90.0     3  2.5        20.0 embed    16
country <capital>       12   10.0  40.0 ±12.5     3  2.5        20.0 embed    16
Percent. ± is followed by one standard deviation over trials.
2 relations: faithfulness 65.0 %, causality 20.0 %.
skipped tiny: it has 2 samples
skipped gender (1 of 2 trials, reason of the first): few
)");
}

// Trials that chose layers 3 and 5, where layer 5 is the best one on average.
RelationResult DifferingRelation() {
  RelationResult relation = MakeRelation("gender", 2, 90);
  relation.by_layer.push_back({5, MakeMeans(95, 2, 30)});
  relation.by_layer.back().means.faithfulness.std = 1.5;
  relation.by_layer.back().means.beta = 4;
  relation.trials = {{.layer = 3, .causal_layer = 3}, {.layer = 5, .causal_layer = 3}};
  return relation;
}

TEST(LreReportTest, TextSaysWhereTrialsChoseDifferentLayers) {
  RelationResult relation = DifferingRelation();
  const auto text = [&] { return LreText(MakeLreResult({{"model", "demo"}}, {relation})); };
  EXPECT_EQ(text(),
            R"(relation             known chance    faithful   layer beta      causal   layer  rank
gender                  12   50.0        90.0 differs    -        20.0   embed    16
    faithful: trials chose layers 3, 5. The best layer on average is 5, with 95.0 ±1.5 and beta 4.
)");
  relation.by_layer[1].means.faithfulness.mean = 97;
  EXPECT_THAT(text(), HasSubstr("The best layer on average is 3, with 97.0 and beta 2.5."));
  relation.trials[1].layer = 3;
  EXPECT_THAT(text(), AllOf(HasSubstr("90.0     3  2.5"), Not(HasSubstr("differs"))));
  relation.trials[1].causal_layer = 5;
  EXPECT_THAT(text(), HasSubstr("causal: trials chose layers 3, 5. The best layer on average is "
                                "3, with 45.0 and rank 16."));
  EXPECT_THAT(text(), HasSubstr("differs     -\n"));
}

TEST(LreReportTest, PlotNamesEveryLayerThatTrialsChose) {
  EXPECT_THAT(LreRelationsPlot(MakeLreResult({{"model", "demo"}}, {DifferingRelation()})).rows,
              ElementsAre("gender (3, 5)"));
}

TEST(LreReportTest, TextCutsNoName) {
  const std::string name = "person_native_language_of_birth";
  EXPECT_THAT(LreText(MakeLreResult({{"model", "demo"}}, {MakeRelation(name, 2, 90)})),
              HasSubstr("\n" + name + " "));
}

TEST(LreReportTest, PageOfOneLayerHasNoSweepAndOfNothingNoFigure) {
  const auto page = [](const std::vector<RelationResult>& relations) {
    return HtmlPage(LrePage(MakeLreResult({{"model", "demo"}}, relations)));
  };
  std::vector<RelationResult> relations = SmallRelations();
  EXPECT_THAT(page(relations), AllOf(HasSubstr("lre_layers"),
                                     HasSubstr("<dt>skipped</dt><dd>tiny: it has 2 samples</dd>")));
  for (size_t i = 0; i < 2; ++i) relations[i].by_layer.erase(relations[i].by_layer.begin());
  EXPECT_THAT(page(relations), AllOf(HasSubstr("lre_relations"), Not(HasSubstr("lre_layers"))));
  relations.erase(relations.begin(), relations.begin() + 2);
  EXPECT_THAT(page(relations),
              AllOf(HasSubstr("none could be measured"), Not(HasSubstr("<section"))));
  for (int i = 0; i < 5; ++i) relations.push_back(MakeSkipped("r" + std::to_string(i), "why"));
  EXPECT_THAT(
      page(relations),
      HasSubstr("<dt>skipped</dt><dd>tiny; r0; r1; r2; r3; r4 (lre.json has the reasons)</dd>"));
}

class LreInABrowser : public BrowserTest {};

TEST_F(LreInABrowser, DrawsTheFigures) {
  const std::string dom = Open(HtmlPage(LrePage(SmallResult())));
  EXPECT_THAT(Root(dom), HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(dom, HasSubstr("country &lt;capital&gt; (3)"));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
