// Tests that results of tracing are read back from their text exactly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/experiments/facts/fact_json.h"
#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/experiments/tracing/trace_result.h"

namespace mambascope {
namespace {

using testing::IsSupersetOf;

std::vector<std::string> ObjectKeys(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

// Writes a file, reads it and writes it again. Both values and both texts are the same.
template <typename T>
T WrittenAndRead(const T& value) {
  const std::string text = DumpJson(Json(value));
  const T read = ParseJson(text, "text").get<T>();
  EXPECT_EQ(DumpJson(Json(read)), text);
  return read;
}

void ExpectSamePrompt(const Prompt& a, const Prompt& b) {
  EXPECT_EQ(a.text, b.text);
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.subject, b.subject);
  EXPECT_EQ(a.subject_span, b.subject_span);
}

void ExpectSameFact(const TracedFact& a, const TracedFact& b) {
  EXPECT_EQ(a.relation, b.relation);
  ExpectSamePrompt(a.clean, b.clean);
  ASSERT_EQ(a.corrupt.has_value(), b.corrupt.has_value());
  if (a.corrupt) ExpectSamePrompt(*a.corrupt, *b.corrupt);
  EXPECT_EQ(a.answer_id, b.answer_id);
  EXPECT_EQ(a.answer, b.answer);
  EXPECT_EQ(a.p_clean, b.p_clean);
  EXPECT_EQ(a.p_corrupt, b.p_corrupt);
  EXPECT_EQ(a.other_answer_id, b.other_answer_id);
  EXPECT_EQ(a.other_answer, b.other_answer);
  EXPECT_EQ(a.logit_diff_clean, b.logit_diff_clean);
  EXPECT_EQ(a.logit_diff_corrupt, b.logit_diff_corrupt);
}

class TracingJsonTest : public testing::Test {
 protected:
  TracingJsonTest() {
    fact_.relation = "landmark \"city\"";
    fact_.clean = {.text = "Caf\u00e9\nis in",
                   .ids = {1, 2, 3, 4},
                   .tokens = {"Caf", "\ufffd", "\nis", " in"},
                   .subject = "Caf\u00e9",
                   .subject_span = {0, 2}};
    fact_.corrupt = Prompt{.text = "Rome\nis in",
                           .ids = {5, 3, 4},
                           .tokens = {"Rome", "\nis", " in"},
                           .subject = "Rome",
                           .subject_span = {0, 1}};
    fact_.answer_id = 50276;
    fact_.answer = " \u65e5";
    fact_.p_clean = 1.0 / 3;
    fact_.p_corrupt = 4.9e-324;
  }
  TracedFact fact_;
  const TraceGrid grid_ = {
      {0.1, std::nullopt}, {1e-300, 1 - 1.1e-16}, {std::nullopt, std::nullopt}, {0.0, 1.0}};
};

TEST_F(TracingJsonTest, FactComesBack) {
  ExpectSameFact(WrittenAndRead(fact_), fact_);
  EXPECT_THAT(
      ObjectKeys(Json(fact_)),
      IsSupersetOf({"relation", "subject", "corrupt_subject", "prompt", "answer", "answer_id",
                    "p_clean", "p_corrupt", "tokens", "corrupt_tokens", "subject_span"}));
  EXPECT_EQ(Json(fact_)["subject_span"], Json::array({0, 2}));
}

TEST_F(TracingJsonTest, FactWithoutARelationAndAnotherSubjectComesBack) {
  fact_.relation.clear();
  fact_.corrupt.reset();
  fact_.answer.clear();
  ExpectSameFact(WrittenAndRead(fact_), fact_);
  const Json json = fact_;
  EXPECT_TRUE(json["relation"].is_null());
  EXPECT_TRUE(json["corrupt_subject"].is_null());
  EXPECT_EQ(json["corrupt_tokens"], json["tokens"]) << "noise leaves the tokens as they are";
}

TEST_F(TracingJsonTest, OtherAnswerComesBackOrIsNull) {
  EXPECT_TRUE(Json(fact_)["other_answer"].is_null());
  EXPECT_TRUE(Json(fact_)["logit_diff_clean"].is_null());
  fact_.other_answer_id = 5;
  fact_.other_answer = " Rome";
  fact_.logit_diff_clean = 1.0 / 3;
  fact_.logit_diff_corrupt = -2;
  ExpectSameFact(WrittenAndRead(fact_), fact_);
  FactTrace trace{.fact = fact_, .probs = grid_};
  EXPECT_TRUE(Json(trace)["logit_diff"].is_null());
  trace.logit_diff = grid_;
  trace.logit_diff[0][0] = -1.5;
  EXPECT_EQ(WrittenAndRead(trace).logit_diff, trace.logit_diff);
}

TEST_F(TracingJsonTest, SeveralSitesAndModelsNestTheirDocuments) {
  fact_.p_corrupt = 0;
  TraceResult resid{.options = {{"model", "m"}}, .name = "m", .facts = {{fact_, grid_}}};
  resid.summary = SummarizeTraces(resid.facts);
  TraceResult gate = resid;
  gate.site = Site::kGate;
  EXPECT_EQ(TraceJson(TraceResults{{resid}}), Json(resid));
  EXPECT_EQ(TraceJson(TraceResults{{resid, gate}}), (Json{{"sites", {resid, gate}}}));
  EXPECT_EQ(TraceJson(TraceResults{{resid}, {gate}}), (Json{{"models", {resid, gate}}}));
  const Json both = TraceJson(TraceResults{{resid, gate}, {resid, gate}});
  EXPECT_EQ(both["models"][1]["sites"][1]["site"], "gate");
}

TEST_F(TracingJsonTest, GridHasNullWhereThereIsNoValue) {
  const Json json = Json(grid_);
  EXPECT_TRUE(json[0][1].is_null());
  EXPECT_EQ(WrittenAndRead(grid_), grid_);
  EXPECT_EQ(WrittenAndRead(TraceGrid{}), TraceGrid{});
  EXPECT_TRUE(Json(std::optional(std::nan(""))).is_null()) << "a number that is not finite";
}

TEST_F(TracingJsonTest, IntervalIsAPairOrNull) {
  EXPECT_EQ(Json(IntervalGrid{{std::pair(-0.25, 1.5), std::nullopt}, {}}),
            ParseJson("[[[-0.25, 1.5], null], []]", "text"));
}

TEST_F(TracingJsonTest, TraceComesBackWhole) {
  FactTrace trace{.fact = fact_, .probs = grid_};
  EXPECT_FALSE(Json(trace).contains("gate"));
  trace.ssm_out = trace.gate = grid_;
  trace.ssm_out[0] = {0.25, std::nullopt};
  trace.gate[0] = {std::nullopt, 1.0 / 7};
  const FactTrace read = WrittenAndRead(trace);
  ExpectSameFact(read.fact, fact_);
  EXPECT_EQ(read.probs, grid_);
  EXPECT_EQ(read.ssm_out, trace.ssm_out);
  EXPECT_EQ(read.gate, trace.gate);
}

TEST_F(TracingJsonTest, TraceResultComesBackWhole) {
  fact_.p_corrupt = 0;
  TraceResult result{.options = {{"model", "m"}},
                     .site = Site::kMixerOut,
                     .window = 3,
                     .facts = {{fact_, grid_, grid_, grid_}}};
  result.relations = {
      {.name = "a", .facts = 5, .tested = 4, .known = 3, .without_partner = 1, .chosen = 2}};
  result.summary = SummarizeTraces(result.facts);
  ASSERT_TRUE(result.summary.isolated.has_value());
  result.name = "m";
  result.metric = Metric::kLogitDiff;
  result.facts[0].fact.other_answer_id = 5;
  result.facts[0].fact.logit_diff_clean = 2;
  result.facts[0].fact.logit_diff_corrupt = 0;
  result.facts[0].logit_diff = grid_;
  result.summary = SummarizeTraces(result.facts, result.metric);
  EXPECT_FALSE(Json(result)["average_logit_diff"].contains("as_published"));
  const TraceResult read = WrittenAndRead(result);
  EXPECT_EQ(read.Shown().ie, result.summary.logit_diff->ie);
  EXPECT_NE(read.Shown().ie, read.summary.average.ie);
  EXPECT_EQ(read.site, result.site);
  EXPECT_EQ(read.summary.average.ie, result.summary.average.ie);
  EXPECT_EQ(read.summary.isolated->difference.ie, result.summary.isolated->difference.ie);
  EXPECT_EQ(read.relations[0].without_partner, 1);
}

// The conditions keep their order, which is not alphabetical.
TEST_F(TracingJsonTest, PathsComeBackByCondition) {
  const FactPaths paths{.fact = fact_,
                        .conditions = {"recovery", "ssm_out", "gate"},
                        .probs = {{0.1, 1.0 / 3}, {0.2, 1e-300}, {0.3, 0}}};
  EXPECT_EQ(Json(paths)["probs"]["gate"], Json::array({0.3, 0.0}));
  const FactPaths read = WrittenAndRead(paths);
  ExpectSameFact(read.fact, fact_);
  EXPECT_EQ(read.conditions, paths.conditions);
  EXPECT_EQ(read.probs, paths.probs);
}

TEST_F(TracingJsonTest, PathsResultComesBackWhole) {
  fact_.p_corrupt = 0;
  PathsResult result{.options = {},
                     .at = "subject_last",
                     .conditions = {"recovery", "mixer_out", "mlp_out"},
                     .facts = {}};
  result.facts = {{fact_, result.conditions, {{0.1, 0.2}, {0.2, 0.1}, {0.3, 0.0}}}};
  result.average = AveragePaths(result.facts);
  result.metric = Metric::kLogitDiff;
  result.facts[0].fact.other_answer_id = 5;
  result.facts[0].fact.logit_diff_clean = 2;
  result.facts[0].fact.logit_diff_corrupt = 0;
  result.facts[0].logit_diff = {{1, 2}, {2, 1}, {3, 0}};
  result.logit_diff = AveragePaths(result.facts, result.metric);
  const PathsResult read = WrittenAndRead(result);
  EXPECT_EQ(read.Shown().ie[0][0], 0.5);
  EXPECT_EQ(read.conditions, result.conditions);
  EXPECT_EQ(read.average.ie, result.average.ie);
  EXPECT_EQ(read.average.facts, 1);
}

}  // namespace
}  // namespace mambascope
