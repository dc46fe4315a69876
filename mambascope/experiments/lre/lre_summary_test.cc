// Tests means over relations worked out by hand, and what counts as skipped.
#include "mambascope/experiments/lre/lre_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mambascope {
namespace {

LreMeans MakeLayerMeans(double faithfulness, double causality) {
  return {.faithfulness = {faithfulness}, .causality = {causality}};
}

RelationResult MakeMeasured(const std::string& name, double faithfulness, double chance) {
  return {.name = name,
          .chance = chance,
          .chosen = MakeLayerMeans(faithfulness, 20),
          .by_layer = {{kEmbedLayer, MakeLayerMeans(10, 5)},
                       {3, MakeLayerMeans(faithfulness, faithfulness / 2)}}};
}

TEST(LreSummaryTest, MeansAreOverRelations) {
  const LreSummary summary =
      MakeLreResult({}, {MakeMeasured("a", 40, 10), MakeMeasured("b", 90, 50)}).summary;
  EXPECT_EQ(summary.relations, 2);
  EXPECT_EQ(summary.faithfulness.mean, 65);
  EXPECT_EQ(summary.faithfulness.interval, std::pair(0.0, 100.0))
      << "Student's t of two relations, cut";
  EXPECT_EQ(summary.causality.interval, std::pair(20.0, 20.0));
  EXPECT_EQ(summary.chance.mean, 30);
  ASSERT_EQ(summary.by_layer.size(), 2u);
  EXPECT_EQ(summary.by_layer[0].layer, kEmbedLayer);
  EXPECT_EQ(summary.by_layer[1].faithfulness.mean, 65);
  EXPECT_EQ(summary.by_layer[1].causality.mean, 32.5);
  EXPECT_FALSE(MakeLreResult({}, {MakeMeasured("a", 40, 10)}).summary.faithfulness.interval)
      << "of one relation there is none";
}

TEST(LreSummaryTest, SaysWhatWasSkipped) {
  RelationResult partly = MakeMeasured("b", 90, 50);
  partly.trials = {{.skipped = "few"}, {.known = 3}, {.skipped = "none"}};
  const RelationResult wholly{.name = "tiny", .kind = "bias", .skipped = "it has 2 samples"};
  const LreResult result = MakeLreResult({}, {partly, wholly});
  ASSERT_EQ(result.relations.size(), 1u);
  EXPECT_EQ(result.skipped[0].kind, "bias");
  ASSERT_EQ(result.summary.skipped.size(), 2u);
  EXPECT_EQ(result.summary.skipped[0].what, "tiny");
  EXPECT_EQ(result.summary.skipped[1].what, "b (2 of 3 trials, reason of the first)");
  EXPECT_EQ(result.summary.skipped[1].reason, "few");
  EXPECT_EQ(MakeLreResult({}, {wholly}).summary.relations, 0);
}

TEST(LreSummaryTest, ListsTheLayersThatDoneTrialsChose) {
  RelationResult relation = MakeMeasured("a", 40, 10);
  relation.trials = {{.layer = 9, .causal_layer = 3},
                     {.skipped = "few", .layer = 1, .causal_layer = 1},
                     {.layer = 8, .causal_layer = 3},
                     {.layer = 9, .causal_layer = 3}};
  EXPECT_EQ(ChosenLayers(relation, &TrialResult::layer), (std::vector<int>{8, 9}));
  EXPECT_EQ(ChosenLayers(relation, &TrialResult::causal_layer), (std::vector<int>{3}));
}

TEST(LreSummaryTest, BestLayerIsThatOfTheHighestMeanOfItsMeasure) {
  RelationResult relation = MakeMeasured("a", 40, 10);
  EXPECT_EQ(BestLayer(relation, &LreMeans::faithfulness).layer, 3);
  relation.by_layer[0].means.faithfulness.mean = 40;
  EXPECT_EQ(BestLayer(relation, &LreMeans::faithfulness).layer, kEmbedLayer) << "the first of two";
  EXPECT_EQ(BestLayer(relation, &LreMeans::causality).layer, 3);
}

}  // namespace
}  // namespace mambascope
