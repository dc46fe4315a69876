// Tests that results of knockouts and hidden attention are read back from their text unchanged.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/experiments/knockout/attention_result.h"
#include "mambascope/experiments/knockout/knockout_test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;

TEST(KnockoutJsonTest, FactIsReadAsItWasWritten) {
  KnockedFact fact =
      MakeKnockedFact("capital", 0.5, {{{0.25, true}, {0.125, false}}, {{0.5, true}, {0.5, true}}});
  fact.sources = {2, 0};
  fact.parts = AnswerParts{.logit = 3,
                           .by_token = {{0.5, 1, 0}, {0.25, 2, 0}},
                           .skip = {1, 2},
                           .bias = {0, 0},
                           .mlp = {0, 1},
                           .embedding = 4,
                           .offset = 5};
  fact.heatmap = {
      {{0.5, true}, {0.375, false}}, {{0.5, true}, {0.5, true}}, {{0.5, true}, {0.5, true}}};
  fact.places = {0, 1};
  const KnockedFact read = ParseJson(DumpJson(Json(fact)), "text").get<KnockedFact>();
  EXPECT_EQ(Json(read), Json(fact));
  EXPECT_EQ(read.cells[0][1].p, 0.125);
  EXPECT_FALSE(read.cells[0][1].is_top);
  EXPECT_EQ(read.heatmap[0][1].p, 0.375);
  EXPECT_THAT(read.sources, ElementsAre(2, 0));
  EXPECT_EQ(read.prompt.subject_span, (Span{0, 1}));
  EXPECT_EQ(Json(fact)["heatmap"]["x"], Json({0, 1}));
}

TEST(KnockoutJsonTest, RelationsHaveTheirOwnCurves) {
  KnockoutResult result = MakeKnockouts("m", 2);
  result.facts = {
      MakeKnockedFact("a", 0.5, {{{0.25, true}, {0.5, true}}, {{0.5, true}, {0.5, true}}}),
      MakeKnockedFact("b", 0.5, {{{0.5, true}, {0.5, true}}, {{0.5, true}, {0.5, true}}})};
  result.relations = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
  const Json json = KnockoutJson({WithSummary(result)});
  ASSERT_EQ(json["by_relation"].size(), 2u) << "relations without a fact are left out";
  EXPECT_EQ(json["by_relation"][0]["curves"][0]["probability_change_percent"][0], -50.0);
  EXPECT_EQ(json["by_relation"][1]["curves"][0]["probability_change_percent"][0], 0.0);
  EXPECT_EQ(json["curves"][0]["probability_change_percent"][0], -25.0);
  EXPECT_TRUE(json["by_relation"][0]["curves"][0]["ci95"][0].is_null())
      << "one fact has no interval";
}

TEST(KnockoutJsonTest, CurvesOfSeveralLengthsComeBack) {
  KnockoutResult result = MakeKnockouts("m", 2);
  result.lengths = {{3, {0, 1}}, {4, {0}}};
  result.flows = {{"subject", "last", 0, 0}, {"subject", "last", 0, 1}};
  for (KnockedFact& fact : result.facts) fact.cells[1].resize(1);
  result = WithSummary(result);
  const Json json = KnockoutJson({result});
  EXPECT_EQ(json["curves"][1]["window"], 4);
  EXPECT_EQ(json["curves"][1]["x"], Json::array({0}));
  const std::vector<KnockoutResult> read = ReadKnockouts(json);
  EXPECT_EQ(read[0].flows[1].windows, 1u);
  EXPECT_EQ(DumpJson(KnockoutJson(read)), DumpJson(json));
}

TEST(KnockoutJsonTest, ResultComesBackWhole) {
  KnockoutResult result = MakeKnockouts("m", 3);
  result.channels = {"fast", "all"};
  result.mixers = {"mamba", "all"};
  result.flows = {{"subject", "last", 0}, {"subject", "last", 1}};
  result.windows = KnockoutResult::Windows::kAround;
  result.relations = {{.name = "a", .facts = 2, .chosen = 2}};
  for (KnockedFact& fact : result.facts) {
    fact.relation = "a";
    fact.parts = AnswerParts{.logit = 3,
                             .by_token = {{0.5, 1, 2}},
                             .skip = {1},
                             .bias = {0},
                             .mlp = {0},
                             .embedding = 4,
                             .offset = 5};
  }
  result = WithSummary(result);
  const std::string text = DumpJson(KnockoutJson({result}));
  const std::vector<KnockoutResult> read = ReadKnockouts(ParseJson(text, "text"));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(DumpJson(KnockoutJson(read)), text);
  EXPECT_THAT(read[0].channels, ElementsAre("fast", "all"));
  EXPECT_EQ(read[0].flows[1].group, 1u);
  EXPECT_EQ(read[0].summary.all.flows[0].change, result.summary.all.flows[0].change);
  EXPECT_EQ(read[0].summary.carried->average[0].logit, result.summary.carried->average[0].logit);
  EXPECT_EQ(ReadKnockouts(ParseJson(DumpJson(KnockoutJson({result, result})), "text")).size(), 2u);
}

TEST(AttentionJsonTest, ResultComesBackWhole) {
  const at::Tensor matrix = at::tensor({1.0, 0.0, -0.25, 1.0 / 3}).to(at::kFloat).reshape({2, 2});
  AttentionResult result{
      .options = {{"model", "m"}}, .ids = {5, 7}, .texts = {"a", std::nullopt}, .layers = {}};
  result.layers = {{.layer = 3,
                    .channels = 4,
                    .mean = matrix,
                    .absolute = matrix.abs(),
                    .normalised = matrix.abs(),
                    .channel = matrix}};
  result.channel = 2;
  const std::string text = DumpJson(Json(result));
  const auto read = ParseJson(text, "text").get<AttentionResult>();
  EXPECT_EQ(DumpJson(Json(read)), text);
  EXPECT_TRUE(read.layers[0].mean.equal(matrix));
  EXPECT_EQ(read.texts[1], std::nullopt);
}

}  // namespace
}  // namespace mambascope
