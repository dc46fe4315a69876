#include "mambascope/data/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace mambascope {
namespace {

using testing::ElementsAre;

TEST(Shard, TakesEveryNthItem) {
  EXPECT_THAT((Shard{2, 3}.Take<int>({10, 11, 12, 13, 14, 15, 16}, "facts")), ElementsAre(11, 14));
  EXPECT_EQ((Shard{2, 3}.folder()), "shard-2-of-3");
}

TEST(Shard, UnionOfAllIsTheWhole) {
  std::vector<int> all(23);
  std::iota(all.begin(), all.end(), 0);
  for (int64_t n = 1; n <= 7; ++n) {
    std::vector<std::vector<int>> shards;
    for (int64_t i = 1; i <= n; ++i) shards.push_back(Shard{i, n}.Take(all, "facts"));
    EXPECT_EQ(Interleave(shards), all) << n;
  }
}

TEST(Shard, RefusesMoreShardsThanItems) {
  EXPECT_THROW((Shard{1, 3}.Take<int>({5, 6}, "facts")), Error);
}

TEST(Shard, RefusesPartsOfDifferentLists) {
  EXPECT_THROW(Interleave<int>({{1, 2, 3}, {4}}), Error);
  EXPECT_THROW(Interleave<int>({{1}, {2, 3}}), Error);
}

TEST(Shard, ReadsIndexAndCount) {
  const std::optional<Shard> shard = ReadShard("2/14");
  ASSERT_TRUE(shard);
  EXPECT_EQ(shard->index, 2);
  EXPECT_EQ(shard->count, 14);
  for (const char* text : {"", "0/4", "5/4", "2", "2/", "/4", "2/4x", "2/4/5", "-1/4", "a/b", "1/0",
                           "1/99999999999999999999"})
    EXPECT_FALSE(ReadShard(text)) << text;
}

TEST(Shard, ReadsTheNameOfItsFolder) {
  const std::optional<Shard> shard = ReadShardFolder(Shard{2, 14}.folder());
  ASSERT_TRUE(shard);
  EXPECT_EQ(shard->text(), "2/14");
  for (const char* name :
       {"", "shard", "shard-2", "shard-0-of-4", "shard-2-of-", "my-shard-1-of-2"})
    EXPECT_FALSE(ReadShardFolder(name)) << name;
}

}  // namespace
}  // namespace mambascope
