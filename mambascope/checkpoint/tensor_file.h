// Files of named tensors: safetensors, and PyTorch's .bin (a zip of raw storages and a pickle).
// docs/formats.md describes both layouts.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mambascope {

struct TensorInfo {
  // Undefined for a type that LibTorch lacks.
  at::ScalarType dtype = at::ScalarType::Undefined;
  std::string dtype_name;  // as spelled in the file, e.g. "BF16" or "HalfStorage"
  std::vector<int64_t> shape;
};

class TensorFile {
 public:
  virtual ~TensorFile() = default;
  // All tensors of the file, by name.
  virtual const std::map<std::string, TensorInfo>& tensors() const = 0;
  // Texts stored beside the tensors ("__metadata__"). Only safetensors files have them.
  virtual std::map<std::string, std::string> metadata() const { return {}; }
  // Returns the tensor `name` in its stored type and shape. REQUIRES: tensors() contains it, with a
  // dtype that is not Undefined.
  virtual at::Tensor Read(const std::string& name) const = 0;
};

// Opens a safetensors file by mapping it into memory. Read copies nothing unless the file does not
// align the tensor. The tensors keep the mapping alive; writes to them stay private to the process.
// Throws Error for a header over 100 MB, invalid JSON, offsets out of range, bytes that belong to
// no tensor or to two, or a size that does not match shape and type. The message names the file and
// the tensor.
std::unique_ptr<TensorFile> OpenSafetensors(const std::filesystem::path& path);

// Opens a dictionary of tensors written by torch.save. Nothing in the file is executed: the pickle
// reader knows tensors and plain containers, and any other opcode or global is an Error. Each Read
// loads one storage; one that several tensors view is loaded once and kept as long as the file is
// open.
std::unique_ptr<TensorFile> OpenTorchBin(const std::filesystem::path& path);

// Writes `tensors` as a safetensors file, ordered by name. They may be on any device.
void WriteSafetensors(const std::filesystem::path& path,
                      const std::map<std::string, at::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace mambascope
