#include "mambascope/data/shard.h"

#include <charconv>

namespace mambascope {

constexpr int64_t kMostShards = 1'000'000;

std::optional<Shard> ReadShard(const std::string& text) {
  Shard shard;
  const char *begin = text.data(), *end = begin + text.size();
  const auto [slash, error] = std::from_chars(begin, end, shard.index);
  if (error != std::errc() || slash == end || *slash != '/') return std::nullopt;
  const auto [last, count_error] = std::from_chars(slash + 1, end, shard.count);
  if (count_error != std::errc() || last != end) return std::nullopt;
  if (shard.index < 1 || shard.index > shard.count || shard.count > kMostShards)
    return std::nullopt;
  return shard;
}

std::optional<Shard> ReadShardFolder(const std::string& name) {
  constexpr std::string_view kBegin = "shard-", kMiddle = "-of-";
  const size_t of = name.find(kMiddle);
  if (!name.starts_with(kBegin) || of == name.npos) return std::nullopt;
  return ReadShard(name.substr(kBegin.size(), of - kBegin.size()) + "/" +
                   name.substr(of + kMiddle.size()));
}

}  // namespace mambascope
