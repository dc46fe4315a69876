#include "mambascope/checkpoint/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/refusals.h"
#include "mambascope/checkpoint/weight_files.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<TensorFile> OpenWeights(const fs::path& file) {
  RequireFile(file);
  std::string begin(64, '\0');
  std::ifstream(file, std::ios::binary).read(begin.data(), static_cast<int64_t>(begin.size()));
  RefuseLfsPointer(begin, file);
  std::unique_ptr<TensorFile> opened =
      file.extension() == ".bin" ? OpenTorchBin(file) : OpenSafetensors(file);
  RefuseOtherTensors(file, opened->tensors());
  return opened;
}

// Returns the name of a weight without the marks that PyTorch's wrappers leave in it.
std::string Unwrapped(std::string name) {
  for (const std::string mark :
       {"_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."}) {
    for (size_t at = name.find(mark); at != name.npos; at = name.find(mark, at))
      name.erase(at, mark.size());
  }
  return name;
}

}  // namespace

Checkpoint Checkpoint::Open(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw Error(folder.string() + ": no such folder", "expected a checkpoint folder");
  RefuseOtherFolders(folder);
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  checkpoint.config_ = ReadJson(folder / "config.json");
  for (const fs::path& file : FindWeightFiles(folder))
    checkpoint.files_.push_back(OpenWeights(file));
  checkpoint.NameTensors();
  return checkpoint;
}

void Checkpoint::NameTensors() {
  constexpr std::string_view kParallel = "module.";
  bool parallel = true;
  for (const auto& file : files_) {
    for (const auto& [name, info] : file->tensors())
      parallel = parallel && Unwrapped(name).starts_with(kParallel);
  }
  for (const auto& file : files_) {
    for (const auto& [stored, info] : file->tensors()) {
      const std::string name = Unwrapped(stored).substr(parallel ? kParallel.size() : 0);
      if (!tensors_.emplace(name, Stored{file.get(), stored}).second)
        throw Error(fmt::format("{}: holds tensor '{}' more than once", folder_.string(), name));
    }
  }
}

bool Checkpoint::IsCopy(const std::string& name, const std::string& of) const {
  const auto a = tensors_.find(name), b = tensors_.find(of);
  return a != tensors_.end() && b != tensors_.end() &&
         a->second.info().dtype == b->second.info().dtype &&
         at::equal(a->second.Read(), b->second.Read());
}

at::Tensor Checkpoint::Get(const std::string& name, const std::vector<int64_t>& shape) const {
  const auto found = tensors_.find(name);
  const std::string where = fmt::format("{}: tensor '{}'", folder_.string(), name);
  if (found == tensors_.end())
    throw Error(where + " is missing", "the model that config.json describes needs it");
  const TensorInfo& info = found->second.info();
  if (info.dtype != at::kFloat && info.dtype != at::kHalf && info.dtype != at::kBFloat16) {
    throw Error(fmt::format("{} has type {}; expected float32, float16 or bfloat16", where,
                            info.dtype_name),
                info.dtype_name.starts_with("F8_") ? kQuantisedHint : "");
  }
  if (info.shape != shape) {
    throw Error(fmt::format("{} has shape [{}]; config.json requires [{}]", where,
                            fmt::join(info.shape, ", "), fmt::join(shape, ", ")));
  }
  return found->second.Read();
}

std::vector<std::string> Checkpoint::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, stored] : tensors_) names.push_back(name);
  return names;
}

int64_t Checkpoint::BytesToConvert(at::ScalarType dtype) const {
  int64_t bytes = 0;
  for (const auto& [name, stored] : tensors_) {
    const TensorInfo& info = stored.info();
    if (info.dtype != dtype && info.dtype != at::ScalarType::Undefined)
      bytes += c10::multiply_integers(info.shape) * static_cast<int64_t>(c10::elementSize(dtype));
  }
  return bytes;
}

std::map<std::string, at::Tensor> Checkpoint::All() const {
  std::map<std::string, at::Tensor> all;
  for (const auto& [name, stored] : tensors_) {
    if (stored.info().dtype == at::ScalarType::Undefined)
      throw Error(fmt::format("{}: tensor '{}' has type {}, which cannot be copied",
                              folder_.string(), name, stored.info().dtype_name));
    all[name] = stored.Read();
  }
  return all;
}

}  // namespace mambascope
