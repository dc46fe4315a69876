#include "mambascope/cli/suggestion.h"

#include <gtest/gtest.h>

namespace mambascope {
namespace {

TEST(SuggestionTest, DistancesAreWorkedOutByHand) {
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("trace", "trace"), 0u);
  EXPECT_EQ(EditDistance("trcae", "trace"), 1u) << "two neighbors are exchanged";
  EXPECT_EQ(EditDistance("trac", "trace"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(SuggestionTest, NearestNameIsNamed) {
  const std::vector<std::string> known = {"trace", "paths", "edit", "--layer", "--counterfact"};
  EXPECT_EQ(NearestName("tracee", known), "trace");
  EXPECT_EQ(NearestName("path", known), "paths");
  EXPECT_EQ(NearestName("--counter-fact", known), "--counterfact");
  EXPECT_EQ(NearestName("--counter", known), "--counterfact") << "it begins so";
  EXPECT_FALSE(NearestName("xylophone", known));
  EXPECT_FALSE(NearestName("ab", known)) << "nothing in common";
}

}  // namespace
}  // namespace mambascope
