#include "mambascope/checkpoint/weight_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <regex>
#include <set>
#include <string>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/refusals.h"
#include "mambascope/error.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// Returns the paths of the shards. Throws Error if one is missing; `lists` says where its name
// comes from.
std::vector<fs::path> Paths(const fs::path& folder, const std::set<std::string>& shards,
                            const std::string& lists) {
  std::vector<fs::path> paths, missing;
  for (const std::string& shard : shards) {
    paths.push_back(folder / shard);
    if (!fs::exists(paths.back())) missing.push_back(paths.back());
  }
  if (!missing.empty())
    throw Error(fmt::format("{} is missing: {}", missing.front().string(), lists),
                fmt::format("download the missing files ({} of {})", missing.size(),
                            Count(shards.size(), "weight file")));
  return paths;
}

// Returns the shards in the index's weight_map. Only plain file names are accepted, so an index
// cannot refer to files outside its folder.
std::vector<fs::path> ShardsOfIndex(const fs::path& folder, const std::string& name) {
  const fs::path index = folder / name;
  const Json json = ReadJson(index);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object())
    throw Error(index.string() + ": lacks the object 'weight_map'");
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : json["weight_map"].items()) {
    if (!shard.is_string() ||
        fs::path(shard.get<std::string>()).filename() != shard.get<std::string>()) {
      throw Error(fmt::format("{}: weight_map of '{}' is {}; expected a file name", index.string(),
                              tensor, shard.dump()));
    }
    shards.insert(shard.get<std::string>());
  }
  return Paths(folder, shards, name + " lists it");
}

// Returns the shards STEM-00001-of-0000N.EXTENSION of a folder that lacks their index.
std::vector<fs::path> ShardsByName(const fs::path& folder, const std::string& stem,
                                   const std::string& extension) {
  const std::regex name(stem + "-[0-9]{5}-of-([0-9]{5})[.]" + extension);
  for (const std::string& file : FileNames(folder)) {
    std::smatch match;
    if (!std::regex_match(file, match, name)) continue;
    std::set<std::string> shards;
    const int count = std::stoi(match[1]);
    for (int i = 1; i <= count; ++i)
      shards.insert(fmt::format("{}-{:05}-of-{:05}.{}", stem, i, count, extension));
    return Paths(folder, shards, fmt::format("{} is one of {}", file, Count(count, "shard")));
  }
  return {};
}

// Returns the only .safetensors file of the folder.
std::vector<fs::path> OnlySafetensors(const fs::path& folder) {
  std::vector<std::string> files = FileNames(folder);
  std::erase_if(files, [](const std::string& file) { return !file.ends_with(".safetensors"); });
  if (files.size() > 1)
    throw Error(
        fmt::format("{}: holds {}, and none is called model.safetensors: {}", folder.string(),
                    Count(files.size(), ".safetensors file"), fmt::join(files, ", ")),
        "rename the file with the weights to model.safetensors");
  return files.empty() ? std::vector<fs::path>() : std::vector{folder / files.front()};
}

}  // namespace

std::vector<fs::path> FindWeightFiles(const fs::path& folder) {
  const auto one = [&](const char* name) {
    return fs::exists(folder / name) ? std::vector{folder / name} : std::vector<fs::path>();
  };
  const auto index = [&](const char* name) {
    return fs::exists(folder / name) ? ShardsOfIndex(folder, name) : std::vector<fs::path>();
  };
  const std::function<std::vector<fs::path>()> choices[] = {
      [&] { return one("model.safetensors"); },
      [&] { return index("model.safetensors.index.json"); },
      [&] { return ShardsByName(folder, "model", "safetensors"); },
      [&] { return index("pytorch_model.bin.index.json"); },
      [&] { return one("pytorch_model.bin"); },
      [&] { return ShardsByName(folder, "pytorch_model", "bin"); },
      [&] { return OnlySafetensors(folder); }};
  for (const auto& choice : choices) {
    if (std::vector<fs::path> files = choice(); !files.empty()) return files;
  }
  RefuseOtherFormats(folder);
  throw Error(folder.string() +
              ": holds no model.safetensors, model.safetensors.index.json, pytorch_model.bin or "
              "pytorch_model.bin.index.json");
}

}  // namespace mambascope
