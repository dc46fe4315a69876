// Chooses the weight files of a checkpoint folder.
#pragma once

#include <filesystem>
#include <vector>

namespace mambascope {

// Returns the paths of the weight files. They are the first of these that exist:
//
//   model.safetensors
//   the shards that model.safetensors.index.json lists
//   model-00001-of-0000N.safetensors and its other shards, without an index
//   the shards that pytorch_model.bin.index.json lists
//   pytorch_model.bin
//   pytorch_model-00001-of-0000N.bin and its other shards, without an index
//   the only .safetensors file of the folder, whatever its name
//
// Throws Error if none exists, or if a shard is missing.
std::vector<std::filesystem::path> FindWeightFiles(const std::filesystem::path& folder);

}  // namespace mambascope
