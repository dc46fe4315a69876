#include "mambascope/jobs/fact_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mambascope {
namespace {

TEST(PlanTextTest, FinishedRunHasNoPlan) {
  EXPECT_EQ(PlanText({}, 0, 4),
            "plan: nothing is left to compute; all 4 facts are already computed\n");
  EXPECT_EQ(PlanText({}, 0, 1), "plan: nothing is left to compute; the fact is already computed\n");
  EXPECT_THAT(PlanText({}, 1, 1), testing::HasSubstr("plan: 1 fact, "));
}

}  // namespace
}  // namespace mambascope
