// What result files say of facts comes back from their text as it was, to the last bit.
#include "mambascope/reports/fact_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mambascope {
namespace {

using testing::UnorderedElementsAre;

// Through the text of a file.
Json Written(const Json& json) { return ParseJson(json.dump(), "text"); }

std::vector<std::string> Keys(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

// All that result files say of a fact.
void ExpectEqual(const TracedFact& a, const TracedFact& b) {
  EXPECT_EQ(a.relation, b.relation);
  EXPECT_EQ(a.clean.text, b.clean.text);
  EXPECT_EQ(a.clean.tokens, b.clean.tokens);
  EXPECT_EQ(a.clean.subject, b.clean.subject);
  EXPECT_EQ(a.clean.subject_span, b.clean.subject_span);
  ASSERT_EQ(a.corrupt.has_value(), b.corrupt.has_value());
  if (a.corrupt) {
    EXPECT_EQ(a.corrupt->subject, b.corrupt->subject);
    EXPECT_EQ(a.corrupt->tokens, b.corrupt->tokens);
  }
  EXPECT_EQ(a.answer_id, b.answer_id);
  EXPECT_EQ(a.answer, b.answer);
  EXPECT_EQ(a.p_clean, b.p_clean);
  EXPECT_EQ(a.p_corrupt, b.p_corrupt);
}

class FactJsonTest : public testing::Test {
 protected:
  FactJsonTest() {
    fact_.relation = "landmark \"city\"";
    fact_.clean = {.text = "Caf\u00e9\nis in",
                   .ids = {1, 2, 3, 4},
                   .tokens = {"Caf", "\ufffd", "\nis", " in"},
                   .subject = "Caf\u00e9",
                   .subject_span = {0, 2}};
    fact_.corrupt =
        Prompt{.text = "Rome\nis in", .ids = {5, 3, 4}, .tokens = {"Rome", "\nis", " in"}, .subject = "Rome", .subject_span = {0, 1}};
    fact_.answer_id = 50276;
    fact_.answer = " \u65e5";
    fact_.p_clean = 1.0 / 3;
    fact_.p_corrupt = 4.9e-324;
  }
  TracedFact fact_;
  const TraceGrid grid_ = {{0.1, std::nullopt}, {1e-300, 1 - 1.1e-16}, {std::nullopt, std::nullopt}, {0.0, 1.0}};
};

TEST_F(FactJsonTest, FactComesBack) {
  ExpectEqual(ReadFact(Written(ToJson(fact_))), fact_);
  EXPECT_THAT(Keys(ToJson(fact_)), UnorderedElementsAre("relation", "subject", "corrupt_subject", "prompt", "answer", "answer_id",
                                                        "p_clean", "p_corrupt", "tokens", "corrupt_tokens", "subject_span"));
  EXPECT_EQ(ToJson(fact_)["subject_span"], Json::array({0, 2}));
}

TEST_F(FactJsonTest, FactWithoutARelationAndAnotherSubjectComesBack) {
  fact_.relation.clear();
  fact_.corrupt.reset();
  fact_.answer.clear();
  const Json json = Written(ToJson(fact_));
  ExpectEqual(ReadFact(json), fact_);
  EXPECT_TRUE(json["relation"].is_null());
  EXPECT_TRUE(json["corrupt_subject"].is_null());
  EXPECT_EQ(json["corrupt_tokens"], json["tokens"]) << "noise leaves the tokens as they are";
}

TEST_F(FactJsonTest, GridComesBack) {
  const Json json = Written(ToJson(grid_));
  EXPECT_EQ(ReadGrid(json), grid_);
  EXPECT_TRUE(json[0][1].is_null());
  EXPECT_EQ(ReadGrid(Written(ToJson(TraceGrid{}))), TraceGrid{});
}

TEST_F(FactJsonTest, IntervalIsAPairOrNull) {
  EXPECT_EQ(ToJson(IntervalGrid{{std::pair(-0.25, 1.5), std::nullopt}, {}}), ParseJson("[[[-0.25, 1.5], null], []]", "text"));
}

TEST_F(FactJsonTest, TraceComesBack) {
  const FactTrace trace = ReadTrace(Written(ToJson(FactTrace{fact_, grid_})));
  ExpectEqual(trace.fact, fact_);
  EXPECT_EQ(trace.probs, grid_);
}

// In the order of the conditions, which is not that of the alphabet.
TEST_F(FactJsonTest, PathsComeBackByCondition) {
  const std::vector<std::string> conditions = {"recovery", "ssm_out", "gate"};
  const std::vector<std::vector<double>> probs = {{0.1, 1.0 / 3}, {0.2, 1e-300}, {0.3, 0}};
  const Json json = Written(ToJson(FactPaths{fact_, probs}, conditions));
  EXPECT_EQ(json["probs"]["gate"], Json::array({0.3, 0.0}));
  const FactPaths paths = ReadPaths(json, conditions);
  ExpectEqual(paths.fact, fact_);
  EXPECT_EQ(paths.probs, probs);
}

}  // namespace
}  // namespace mambascope
