#include "mambascope/jobs/fact_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace mambascope {
namespace {

TEST(PlanTextTest, FinishedRunHasNoPlan) {
  EXPECT_EQ(PlanText({}, 0, 4),
            "plan: nothing is left to compute; all 4 facts are already computed\n");
  EXPECT_EQ(PlanText({}, 0, 1), "plan: nothing is left to compute; the fact is already computed\n");
  EXPECT_THAT(PlanText({}, 1, 1), testing::HasSubstr("plan: 1 fact, "));
}

// Two objects of one subject, or two places of the subject in one text, are two facts.
TEST(FactKeyTest, HoldsAllThatTheNumbersDependOn) {
  const Prompt clean{"a is a", {1, 2, 1}, {"a", " is", " a"}, "a", {0, 1}};
  const FactPair pair{.relation = "r", .clean = clean, .corrupt = clean, .answer_id = 5};
  std::set<std::string> keys = {FactKey(pair)};
  const auto expect_new = [&](auto change) {
    FactPair other = pair;
    change(other);
    EXPECT_TRUE(keys.insert(FactKey(other)).second);
  };
  expect_new([](FactPair& p) { p.relation = "s"; });
  expect_new([](FactPair& p) { p.clean.text = "b is a"; });
  expect_new([](FactPair& p) { p.clean.ids[0] = 3; });
  expect_new([](FactPair& p) { p.clean.subject_span = {2, 3}; });
  expect_new([](FactPair& p) { p.corrupt->subject_span = {2, 3}; });
  expect_new([](FactPair& p) { p.corrupt = {}; });
  expect_new([](FactPair& p) { p.answer_id = 6; });
  expect_new([](FactPair& p) { p.answer_id = {}; });
  expect_new([](FactPair& p) { p.other_answer_id = 7; });
  EXPECT_EQ(FactKey(pair), FactKey(FactPair(pair)));
}

}  // namespace
}  // namespace mambascope
