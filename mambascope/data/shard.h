// Shares of a run over data that several processes compute, each in a folder of its own. `merge`
// joins their results.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/error.h"

namespace mambascope {

// Shard `index` of `count` takes every count-th item of a list, from item index - 1 on. The list is
// the one that the whole run works on, so the shards together are the whole run.
struct Shard {
  int64_t index = 1, count = 1;  // 1 <= index <= count

  std::string text() const { return fmt::format("{}/{}", index, count); }
  std::string folder() const { return fmt::format("shard-{}-of-{}", index, count); }

  // Returns the shard's items, in their order. Throws Error when some shard would have none;
  // `items` is what they are called.
  template <typename T>
  std::vector<T> Take(const std::vector<T>& all, const std::string& items) const {
    const auto size = static_cast<int64_t>(all.size());
    if (count > size)
      throw Error(fmt::format("--shard {}: {} shards need as many {}, but there are {}", text(),
                              count, items, size),
                  fmt::format("make {} shards at most", size));
    std::vector<T> own;
    for (int64_t i = index - 1; i < size; i += count) own.push_back(all[static_cast<size_t>(i)]);
    return own;
  }
};

// Reads "2/4". Returns none when the text is no shard.
std::optional<Shard> ReadShard(const std::string& text);

// Reads the name of a shard's folder, "shard-2-of-4". Returns none for any other name.
std::optional<Shard> ReadShardFolder(const std::string& name);

// Returns the items of all shards in the order of the whole list. shards[i] are those of shard
// i + 1. Throws Error when they cannot be the shards of one list.
template <typename T>
std::vector<T> Interleave(const std::vector<std::vector<T>>& shards) {
  std::vector<T> all;
  size_t size = 0;
  for (const std::vector<T>& own : shards) size += own.size();
  for (size_t i = 0; i < size; ++i) {
    const std::vector<T>& own = shards[i % shards.size()];
    if (i / shards.size() >= own.size())
      throw Error("the shards have results of different lists",
                  "run all shards with the same options and the same data");
    all.push_back(own[i / shards.size()]);
  }
  return all;
}

}  // namespace mambascope
