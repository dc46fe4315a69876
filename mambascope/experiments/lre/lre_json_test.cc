// Tests the results of relations: what is taken from the grid, the keys that it is written under,
// and that it is read back completely.
#include "mambascope/experiments/lre/lre_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mambascope {
namespace {

using testing::ElementsAre;

// Makes two trials of two layers, of which the first trial is skipped.
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
  LreTrial trial{.train = {{"a", "b"}},
                 .known = 3,
                 .tested = {{"c", "d"}, {"e", "f"}},
                 .edited = 2,
                 .majority = 0.5};
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

Relation SmallData() {
  Relation relation;
  relation.prompt_templates = {"{} is"};
  relation.properties.relation_type = "bias";
  return relation;
}

RelationResult SmallResult() { return MakeRelationResult(SmallRelation(), SmallData()); }

TEST(LreJsonTest, LineSaysWhatWasChosen) {
  const Json line = SmallResult();
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
  const LreChoice choice = ChosenOperator(SmallResult());
  EXPECT_EQ(choice.rank, 16);
  EXPECT_EQ(choice.beta, 2);
  EXPECT_EQ(choice.layer, 4);
  EXPECT_THAT(choice.train, ElementsAre(Sample{"a", "b"}));
}

TEST(LreJsonTest, SkippedRelationsStandApart) {
  const LreRelation skipped{.name = "s", .skipped = "hardly known", .samples = 9, .range = 3};
  const Json json =
      MakeLreResult({{"model", "demo"}}, {MakeRelationResult(skipped, SmallData()), SmallResult()});
  EXPECT_EQ(json["skipped"],
            ParseJson(R"([{"name": "s", "kind": "bias", "reason": "hardly known"}])", "text"));
  ASSERT_EQ(json["relations"].size(), 1u);
  EXPECT_EQ(json["relations"][0]["name"], "r");
}

// Expects that writing, reading and writing again gives the same text.
template <typename Result>
void ExpectSameText(const Result& result) {
  const std::string text = DumpJson(Json(result));
  EXPECT_EQ(DumpJson(Json(ParseJson(text, "text").get<Result>())), text);
}

TEST(LreJsonTest, ResultsAreReadBackWhole) {
  const RelationResult skipped = MakeRelationResult(
      {.name = "s", .skipped = "hardly known", .samples = 9, .range = 3}, SmallData());
  ExpectSameText(SmallResult());
  ExpectSameText(skipped);
  ExpectSameText(MakeLreResult({{"model", "demo"}}, {skipped, SmallResult()}));
  const RelationResult again = Json(SmallResult()).get<RelationResult>();
  EXPECT_EQ(again.trials[0].skipped, "too few");
  EXPECT_EQ(again.causal_layer, kEmbedLayer);
  EXPECT_FALSE(again.chosen.faithfulness.std);
  EXPECT_EQ(*again.trials[1].by_layer[1].held_out_faithfulness, 62.5);
}

}  // namespace
}  // namespace mambascope
