// Tests that results of edits are written under the documented keys and read back completely.
#include "mambascope/experiments/editing/edit_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/experiments/editing/edit_test_support.h"

namespace mambascope {
namespace {

using testing::UnorderedElementsAre;

std::vector<std::string> FieldNames(const Json& json) {
  std::vector<std::string> names;
  for (const auto& [name, value] : json.items()) names.push_back(name);
  return names;
}

// Expects that writing, reading and writing again gives the same text.
template <typename Result>
void ExpectRoundTrip(const Result& result) {
  const std::string text = DumpJson(Json(result));
  EXPECT_EQ(DumpJson(Json(ParseJson(text, "text").get<Result>())), text);
}

EditScores MakeZsreScores(double share) {
  return {.benchmark = EditBenchmark::kZsre,
          .rewrite = {.accuracy = 1, .token_accuracy = share},
          .paraphrase = {.accuracy = 0, .token_accuracy = share / 2},
          .neighborhood = {.accuracy = 0, .token_accuracy = share / 3}};
}

EditSweepResult SmallSweep() {
  std::vector<RecordResult> records = SmallSweepRecords();
  return {.options = {{"model", "demo"}},
          .choice = {4, 9, 20},
          .summary = SummarizeSweep(records),
          .records = records};
}

EditHealth SomeHealth() {
  return {.weights = {{3, "W_o", 0.5, 12.25}, {5, "W_o", 1.0 / 3, 11}},
          .perplexity = {{12.5, 12.75}},
          .warnings = {"the change is large"}};
}

TEST(EditJsonTest, ScoresAreReadBackWhole) {
  EditScores scores = MakeScores(1, 1.0 / 3, 0.7);
  scores.paraphrase = {};
  ExpectRoundTrip(scores);
  EXPECT_THAT(FieldNames(Json(scores)),
              UnorderedElementsAre("ES", "PS", "NS", "ED", "PD", "ND", "EA", "PA", "NA"));
  EXPECT_TRUE(Json(scores)["PS"].is_null());
  scores.texts = {5.5, std::nullopt};
  ExpectRoundTrip(scores);
  EXPECT_EQ(Json(scores)["entropy"], 5.5);
  EXPECT_TRUE(Json(scores).at("reference").is_null());
}

TEST(EditJsonTest, ZsreHasAccuraciesAndNoSuccess) {
  const EditScores scores = MakeZsreScores(0.75);
  ExpectRoundTrip(scores);
  EXPECT_THAT(FieldNames(Json(scores)), UnorderedElementsAre("rewrite_acc", "paraphrase_acc",
                                                             "neighborhood_acc", "EA", "PA", "NA"));
  const EditMeans means = AverageScores({scores, MakeZsreScores(0.5)});
  ExpectRoundTrip(means);
  EXPECT_EQ(Json(means)["rewrite_acc"], 62.5);
  EXPECT_TRUE(Json(means)["ci95"]["rewrite_acc"].is_array());
  EXPECT_FALSE(Json(means).contains("ES"));
}

TEST(EditJsonTest, ALineIsReadBackWhole) {
  RecordResult line = SmallSweepRecords()[1];
  line.edits[0].scores.texts = {6, 0.25};
  ExpectRoundTrip(line);
  const Json json = line;
  EXPECT_THAT(FieldNames(json),
              UnorderedElementsAre("case_id", "relation", "prompt", "subject", "target_new",
                                   "target_true", "digest", "pre", "edits"));
  EXPECT_EQ(json["edits"][1]["projection"], "W_o");
  EXPECT_EQ(json["edits"][1]["ES"], 1);
}

TEST(EditJsonTest, ASweepIsReadBackWhole) {
  const EditSweepResult sweep = SmallSweep();
  ExpectRoundTrip(sweep);
  const Json json = sweep;
  EXPECT_THAT(FieldNames(json),
              UnorderedElementsAre("options", "choice", "pre", "best", "sweep", "records"));
  EXPECT_EQ(json["choice"], (Json{{"chosen", 4}, {"tested", 9}, {"of", 20}, {"left_out", 0}}));
  EXPECT_EQ(json["best"],
            (Json{{"layer", 2}, {"projection", "W_o"}, {"S", json["sweep"][0]["S"]}}));
  EXPECT_EQ(json["sweep"][0]["stopped"], (Json{{"loss", 4}, {"probability", 0}, {"steps", 0}}));
  EXPECT_EQ(json["sweep"][0]["ci95"]["ES"], Json::array({0.0, 100.0}));
  EXPECT_EQ(json["records"].size(), 4u);
}

TEST(EditJsonTest, WithoutAScoreThereIsNoBest) {
  std::vector<RecordResult> records = SmallSweepRecords();
  for (RecordResult& record : records) {
    for (RecordEdit& edit : record.edits) edit.scores.paraphrase = {};
  }
  const Json json =
      EditSweepResult{.options = {}, .summary = SummarizeSweep(records), .records = records};
  EXPECT_TRUE(json["best"].is_null());
  for (const char* key : {"PS", "S"}) {
    EXPECT_TRUE(json["sweep"][0].at(key).is_null()) << key;
    EXPECT_TRUE(json["sweep"][0]["ci95"].at(key).is_null()) << key;
  }
}

TEST(EditJsonTest, ManyEditsAreReadBackWhole) {
  const EditScores pre = MakeScores(0, 0.25, 1), post = MakeScores(1, 0.5, 0.9);
  const MassEditPoint point{.edits = 2,
                            .means = AverageScores({post, pre}),
                            .pre = AverageScores({pre, pre}),
                            .seconds_per_edit = 0.125,
                            .health = SomeHealth()};
  const MassEditResult result{.options = {{"model", "demo"}},
                              .choice = {2, 2, 2},
                              .points = {point, point},
                              .records = {{MakeRecord(0), pre, post}, {MakeRecord(1), pre, pre}}};
  ExpectRoundTrip(result);
  const Json json = result;
  EXPECT_EQ(json["many"][0]["ES"], 50);
  EXPECT_EQ(json["many"][0]["pre"]["ES"], 0);
  EXPECT_EQ(json["many"][0]["perplexity"], (Json{{"before", 12.5}, {"after", 12.75}}));
  EXPECT_EQ(json["records"][0]["post"]["NS"], 0.9);
  EXPECT_EQ(json["records"][0]["case_id"], 0);
}

TEST(EditJsonTest, OneEditIsReadBackWhole) {
  const OneEditResult result{
      .options = {{"model", "demo"}},
      .layers = {3, 5},
      .projection = "W_o",
      .prompt = "The {} is in",
      .subject = "Louvre",
      .target = " Rome",
      .loss = {{5, 4.5, 0.25, 0.25, 0.01}, {0.04, 0.03, 0.005, 0.005, 0.97}},
      .stopped = "loss",
      .v0_norm = 8,
      .delta_norm = 12,
      .before = {.top = {{7, " Paris", 0.9}}, .p_target = 2e-6},
      .after = {.top = {{9, " Rome", 0.97}}, .p_target = 0.97},
      .checks = {{.prompt = {CheckKind::kNeighbor, "The Prado is in", "Madrid"},
                  .before = {.top = {{5, " Madrid", 0.9}}, .p_target = 0.1},
                  .after = {.top = {{9, " Rome", 0.8}}, .p_target = 0.8, .says_target = true}},
                 {.prompt = {CheckKind::kParaphrase, "To see Louvre, go to"},
                  .before = {.top = {{7, " Paris", 0.9}}},
                  .after = {.top = {{7, " Paris", 0.7}}}}},
      .health = SomeHealth(),
      .perplexity_text = "bundled"};
  ExpectRoundTrip(result);
  const Json edit = Json(result)["edit"];
  EXPECT_EQ(edit["layer"], 5);
  EXPECT_EQ(edit["change_norm"], 1.0 / 3) << "of the last layer";
  EXPECT_EQ(edit["perplexity"]["text"], "bundled");
  EXPECT_EQ(edit["loss"][1]["p"], 0.97);
  EXPECT_EQ(edit["checks"][0]["kind"], "neighbor");
  EXPECT_EQ(edit["checks"][0]["object"], "Madrid");
  EXPECT_EQ(edit["checks"][0]["after"]["top"][0]["text"], " Rome");
  EXPECT_EQ(edit["checks"][1]["kind"], "paraphrase");
  EXPECT_FALSE(edit["checks"][1].contains("object"));
}

TEST(EditJsonTest, WithoutATextThePerplexityIsNull) {
  OneEditResult result{.layers = {3}, .health = SomeHealth()};
  result.health.perplexity.reset();
  ExpectRoundTrip(result);
  EXPECT_TRUE(Json(result)["edit"]["perplexity"].is_null());
}

}  // namespace
}  // namespace mambascope
