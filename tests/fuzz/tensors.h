// Uses what a reader of tensors returns.
#pragma once

#include <ATen/ATen.h>

#include "mambascope/checkpoint/npz.h"
#include "mambascope/checkpoint/tensor_file.h"

namespace mambascope {

// Touches the first and the last element, which lie at the ends of the tensor's memory.
inline void UseTensor(const at::Tensor& tensor) {
  if (tensor.numel() == 0) return;
  const at::Tensor flat = tensor.flatten();
  flat[0].item<double>();
  flat[-1].item<double>();
}

// Reads every tensor of a type that LibTorch has.
inline void UseTensors(const TensorFile& file) {
  for (const auto& [name, info] : file.tensors()) {
    if (info.dtype != at::ScalarType::Undefined) UseTensor(file.Read(name));
  }
}

// Reads every entry of an .npz file within a bound.
inline void UseNpz(const std::filesystem::path& path) {
  constexpr uint64_t kMost = 1 << 24;
  const NpzFile file(path);
  for (const std::string& key : file.keys()) {
    const NpzValue value = file.Read(key, kMost);
    if (const auto* tensor = std::get_if<at::Tensor>(&value)) UseTensor(*tensor);
  }
}

}  // namespace mambascope
