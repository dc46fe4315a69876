// Named tensors in a file, as checkpoints keep them: safetensors, and PyTorch's own .bin (a zip of
// raw storages and a pickle). See docs/formats.md for both layouts.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mambascope {

struct TensorInfo {
  at::ScalarType dtype =
      at::ScalarType::Undefined;  // stays Undefined for a type that LibTorch lacks
  std::string dtype_name;         // as the file spells it, e.g. "BF16" or "HalfStorage"
  std::vector<int64_t> shape;
};

class TensorFile {
 public:
  virtual ~TensorFile() = default;
  // What is in the file, by name.
  virtual const std::map<std::string, TensorInfo>& tensors() const = 0;
  // Texts beside the tensors ("__metadata__"); safetensors alone has them.
  virtual std::map<std::string, std::string> metadata() const { return {}; }
  // The tensor `name`, in the type and shape that it is stored in. REQUIRES: tensors() has it, with
  // a dtype that is not Undefined.
  virtual at::Tensor Read(const std::string& name) const = 0;
};

// Maps the file into memory; Read copies nothing, and what it returns keeps the mapping alive
// (writes to it stay private to the process); only a tensor that the file does not align is copied.
// Throws Error for a header over 100 MB, invalid JSON, offsets out of range, overlapping tensors,
// or a size that does not match shape and type: the message names the file and the tensor.
std::unique_ptr<TensorFile> OpenSafetensors(const std::filesystem::path& path);

// Reads a dictionary of tensors that torch.save wrote. Nothing in it is executed: the pickle is
// read by a machine that knows tensors and plain containers, and any other opcode or global is an
// Error. Read loads one storage.
std::unique_ptr<TensorFile> OpenTorchBin(const std::filesystem::path& path);

// Writes `tensors` as a safetensors file, in the order of their names. They may be on any device.
void WriteSafetensors(const std::filesystem::path& path,
                      const std::map<std::string, at::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace mambascope
