// A checkpoint folder: config.json and the named tensors, whatever files they are in.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mambascope/checkpoint/config.h"
#include "mambascope/checkpoint/tensor_file.h"

namespace mambascope {

// Where a model's weights come from.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  virtual bool Has(const std::string& name) const = 0;
  // Every name, where the source has a list of them.
  virtual std::vector<std::string> Names() const { return {}; }
  // The tensor `name` as it is stored (float32, float16 or bfloat16, on the CPU). Throws Error when
  // it is missing, has another shape or is of another type.
  virtual at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape) const = 0;
};

class Checkpoint : public WeightSource {
 public:
  // Opens config.json and model.safetensors, its shards (model.safetensors.index.json), or
  // pytorch_model.bin, in this order.
  static Checkpoint Open(const std::filesystem::path& folder);

  const Config& config() const { return config_; }
  bool Has(const std::string& name) const override { return file_of_.contains(name); }
  std::vector<std::string> Names() const override;
  // Every tensor as it is stored, by name. Throws Error for one of a type that LibTorch lacks.
  std::map<std::string, at::Tensor> All() const;
  at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape) const override;

 private:
  std::filesystem::path folder_;
  Config config_;
  std::vector<std::unique_ptr<TensorFile>> files_;
  std::map<std::string, const TensorFile*> file_of_;  // tensor name -> its file
};

}  // namespace mambascope
