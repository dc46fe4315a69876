#include "mambascope/reports/lre_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/figures/browser_test_support.h"
#include "mambascope/reports/lre_json.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Json Layer(const Json& layer, double faithfulness, double identity) {
  return {{"layer", layer},
          {"faithfulness", faithfulness},
          {"causality", faithfulness / 2},
          {"identity", identity},
          {"translation", 30},
          {"regression", 40},
          {"beta", 2.5},
          {"rank", 16}};
}

Json Relation(const std::string& name, int range, double faithfulness) {
  return {{"name", name},
          {"kind", range > 4 ? "factual" : "bias"},
          {"known", 12},
          {"range", range},
          {"chance", 100.0 / range},
          {"layer", 3},
          {"causal_layer", "embed"},
          {"beta", 2.5},
          {"rank", 16},
          {"faithfulness", faithfulness},
          {"identity", 3},
          {"translation", 30},
          {"regression", 40},
          {"causality", 20},
          {"by_layer", {Layer("embed", 10, 1), Layer(3, faithfulness, 2)}}};
}

// Two relations and one that was skipped.
Json SmallResult() {
  return {{"options", {{"model", "demo"}}},
          {"relations", {Relation("country <capital>", 10, 40), Relation("gender", 2, 90)}},
          {"skipped", {{{"name", "tiny"}, {"kind", "bias"}, {"reason", "it has 2 samples"}}}}};
}

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
  EXPECT_THAT(chart.curves[0].values, ElementsAre(10, 65));
  EXPECT_THAT(chart.curves[1].values, ElementsAre(5, 32.5));
  EXPECT_EQ(chart.curves[0].band[1], std::pair(0.0, 100.0)) << "Student's t of two relations, cut";
  EXPECT_EQ(chart.references[0].value, 30);
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
  Json lre = SmallResult();
  lre["relations"][0]["std"] = {{"faithfulness", 12.5}};
  lre["relations"][1]["trials"] = {{{"skipped", "few"}}, {{"known", 3}}};
  EXPECT_EQ(LreText(lre), R"(relation             known chance    faithful layer beta      causal layer  rank
gender                  12   50.0        90.0     3  2.5        20.0 embed    16
country <capital>       12   10.0  40.0 ±12.5     3  2.5        20.0 embed    16
2 relations: faithfulness 65.0 [0.0, 100.0] %, causality 20.0 [20.0, 20.0] %
skipped tiny: it has 2 samples
skipped gender, 1 of 2 trials, the first: few
)");
}

TEST(LreReportTest, PageOfOneLayerHasNoSweepAndOfNothingNoFigure) {
  Json lre = SmallResult();
  EXPECT_THAT(LrePage(lre), AllOf(HasSubstr("lre_layers"), HasSubstr("<dt>skipped</dt><dd>tiny: it has 2 samples</dd>")));
  for (Json& relation : lre["relations"]) relation["by_layer"].erase(0);
  EXPECT_THAT(LrePage(lre), AllOf(HasSubstr("lre_relations"), Not(HasSubstr("lre_layers"))));
  lre["relations"] = Json::array();
  EXPECT_THAT(LrePage(lre), AllOf(HasSubstr("none could be measured"), Not(HasSubstr("<section"))));
  for (int i = 0; i < 5; ++i) lre["skipped"].push_back({{"name", "r" + std::to_string(i)}, {"kind", "bias"}, {"reason", "why"}});
  EXPECT_THAT(LrePage(lre), HasSubstr("<dt>skipped</dt><dd>tiny; r0; r1; r2; r3; r4 (why: lre.json)</dd>"));
}

// Three trials of two layers, the second skipped; shares that are their index / 8.
LreRelation SmallRelation() {
  const auto layer = [](int l, double share, size_t beta, size_t rank) {
    return LreLayer{.layer = l,
                    .faithfulness = {0, share},
                    .faithfulness_in_3 = {0.5, 1},
                    .causality = {share, 0.25},
                    .identity = 0.125,
                    .beta = beta,
                    .rank = rank,
                    .held_out_faithfulness = {0, 0.625}};
  };
  LreTrial trial{.train = {{"a", "b"}}, .known = 3, .tested = {{"c", "d"}, {"e", "f"}}, .edited = 2, .majority = 0.5};
  trial.layers = {layer(kEmbedLayer, 0.25, 0, 0), layer(4, 0.75, 1, 1)};
  trial.most_faithful = 1;
  return {.name = "r",
          .samples = 7,
          .range = 4,
          .chance = 0.25,
          .layers = {kEmbedLayer, 4},
          .betas = {0, 2},
          .ranks = {8, 16},
          .trials = {{.skipped = "too few"}, trial},
          .chosen = {.faithfulness = {.count = 1, .mean = 75},
                     .causality = {.count = 2, .mean = 25, .std = 5, .interval = {{20, 30}}},
                     .beta = 2},
          .by_layer = {{}, {.faithfulness = {.count = 1, .mean = 75}, .beta = 2, .rank = 16}},
          .most_faithful = 1};
}

mambascope::Relation Asked() {
  mambascope::Relation relation;
  relation.prompt_templates = {"{} is"};
  relation.properties.relation_type = "bias";
  return relation;
}

TEST(LreJsonTest, LineSaysWhatWasChosen) {
  const Json line = LreLine(SmallRelation(), Asked());
  EXPECT_EQ(line["kind"], "bias");
  EXPECT_EQ(line["template"], "{} is");
  EXPECT_EQ(line["layer"], 4);
  EXPECT_EQ(line["causal_layer"], "embed");
  EXPECT_EQ(line["beta"], 2);
  EXPECT_EQ(line["known"], 3) << "of the trial that was done";
  EXPECT_EQ(line["chance"], 25);
  EXPECT_EQ(line["std"], (Json{{"causality", 5.0}})) << "one trial has none";
  EXPECT_EQ(line["ci95"], (Json{{"faithfulness", nullptr}, {"causality", {20.0, 30.0}}}));
  EXPECT_EQ(line["trials"][0], (Json{{"train", Json::array()}, {"skipped", "too few"}}));
  const Json& chosen = line["trials"][1]["by_layer"][1];
  EXPECT_EQ(chosen["faithfulness"], 75);
  EXPECT_EQ(chosen["faithfulness_in_3"], 100);
  EXPECT_EQ(chosen["causality"], 25);
  EXPECT_EQ(chosen["identity"], 12.5);
  EXPECT_EQ(chosen["held_out_faithfulness"], 62.5);
  EXPECT_TRUE(chosen["training_causality"].is_null()) << "as published";
  EXPECT_EQ(line["trials"][1]["by_layer"][0]["faithfulness"], 0) << "at beta 0";
}

TEST(LreJsonTest, LineTellsTheOperatorThatWasChosen) {
  const LreChoice choice = ChoiceFromLine(LreLine(SmallRelation(), Asked()));
  EXPECT_EQ(choice.rank, 16);
  EXPECT_EQ(choice.beta, 2);
  EXPECT_EQ(choice.layer, 4);
  EXPECT_THAT(choice.train, ElementsAre(Sample{"a", "b"}));
}

TEST(LreJsonTest, SkippedRelationsStandApart) {
  const LreRelation skipped{.name = "s", .skipped = "hardly known", .samples = 9, .range = 3};
  const Json json = LreJson({{"model", "demo"}}, {LreLine(skipped, Asked()), LreLine(SmallRelation(), Asked())});
  EXPECT_EQ(json["skipped"], ParseJson(R"([{"name": "s", "kind": "bias", "reason": "hardly known"}])", "text"));
  ASSERT_EQ(json["relations"].size(), 1u);
  EXPECT_EQ(json["relations"][0]["name"], "r");
}

class LreInABrowser : public BrowserTest {};

TEST_F(LreInABrowser, DrawsTheFigures) {
  const std::string dom = Open(LrePage(SmallResult()));
  EXPECT_THAT(Root(dom), HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(dom, HasSubstr("country &lt;capital&gt; (3)"));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
