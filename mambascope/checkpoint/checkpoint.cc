#include "mambascope/checkpoint/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// Returns the file names in the index's weight_map. Only plain file names are accepted, so an index
// cannot refer to files outside its folder.
std::set<std::string> Shards(const fs::path& index) {
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
  return shards;
}

std::vector<std::unique_ptr<TensorFile>> OpenFiles(const fs::path& folder) {
  std::vector<std::unique_ptr<TensorFile>> files;
  if (fs::exists(folder / "model.safetensors")) {
    files.push_back(OpenSafetensors(folder / "model.safetensors"));
  } else if (const fs::path index = folder / "model.safetensors.index.json"; fs::exists(index)) {
    for (const std::string& shard : Shards(index)) files.push_back(OpenSafetensors(folder / shard));
  } else if (const fs::path bin_index = folder / "pytorch_model.bin.index.json";
             fs::exists(bin_index)) {
    for (const std::string& shard : Shards(bin_index))
      files.push_back(OpenTorchBin(folder / shard));
  } else if (fs::exists(folder / "pytorch_model.bin")) {
    files.push_back(OpenTorchBin(folder / "pytorch_model.bin"));
  } else {
    throw Error(folder.string() +
                ": holds no model.safetensors, model.safetensors.index.json, pytorch_model.bin or "
                "pytorch_model.bin.index.json");
  }
  return files;
}

}  // namespace

Checkpoint Checkpoint::Open(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw Error(folder.string() + ": no such folder", "expected a checkpoint folder");
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  checkpoint.config_ = ReadJson(folder / "config.json");
  checkpoint.files_ = OpenFiles(folder);
  for (const auto& file : checkpoint.files_) {
    for (const auto& [name, info] : file->tensors())
      if (!checkpoint.file_of_.emplace(name, file.get()).second)
        throw Error(fmt::format("{}: tensor '{}' is in more than one file", folder.string(), name));
  }
  return checkpoint;
}

at::Tensor Checkpoint::Get(const std::string& name, const std::vector<int64_t>& shape) const {
  const auto found = file_of_.find(name);
  const std::string where = fmt::format("{}: tensor '{}'", folder_.string(), name);
  if (found == file_of_.end())
    throw Error(where + " is missing", "the model that config.json describes needs it");
  const TensorInfo& info = found->second->tensors().at(name);
  if (info.dtype != at::kFloat && info.dtype != at::kHalf && info.dtype != at::kBFloat16) {
    throw Error(fmt::format("{} has type {}; expected float32, float16 or bfloat16", where,
                            info.dtype_name));
  }
  if (info.shape != shape) {
    throw Error(fmt::format("{} has shape [{}]; config.json requires [{}]", where,
                            fmt::join(info.shape, ", "), fmt::join(shape, ", ")));
  }
  return found->second->Read(name);
}

std::vector<std::string> Checkpoint::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : file_of_) names.push_back(name);
  return names;
}

std::map<std::string, at::Tensor> Checkpoint::All() const {
  std::map<std::string, at::Tensor> all;
  for (const auto& [name, file] : file_of_) {
    const TensorInfo& info = file->tensors().at(name);
    if (info.dtype == at::ScalarType::Undefined)
      throw Error(fmt::format("{}: tensor '{}' has type {}, which cannot be copied",
                              folder_.string(), name, info.dtype_name));
    all[name] = file->Read(name);
  }
  return all;
}

}  // namespace mambascope
