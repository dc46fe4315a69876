// A checkpoint folder: config.json and the named tensors of all weight files.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/tensor_file.h"

namespace mambascope {

// Source of a model's weights.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  // Returns the name of the source in messages, such as its folder.
  virtual std::string where() const { return "the weights"; }
  virtual bool Has(const std::string& name) const = 0;
  // All tensor names. Empty when the source cannot list them.
  virtual std::vector<std::string> Names() const { return {}; }
  // Returns the tensor `name` on the CPU, in its stored type (float32, float16 or bfloat16). Throws
  // Error when it is missing or has another shape or type.
  virtual at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape) const = 0;
  // Whether both tensors are there and equal in shape, type and values.
  virtual bool IsCopy(const std::string& /*name*/, const std::string& /*of*/) const {
    return false;
  }
};

class Checkpoint : public WeightSource {
 public:
  // Opens config.json and the weight files (weight_files.h). Throws Error when they are missing, or
  // hold something else than plain weights (refusals.h).
  //
  // What wraps a model leaves its mark in the names of the weights. The parts "_orig_mod."
  // (torch.compile), "_fsdp_wrapped_module." and "_checkpoint_wrapped_module." are left out of all
  // names, and so is "module." (DataParallel) where every name begins with it.
  static Checkpoint Open(const std::filesystem::path& folder);

  // Returns config.json, and the name that messages about it begin with.
  const Json& config() const { return config_; }
  std::string config_name() const { return (folder_ / "config.json").string(); }
  std::string where() const override { return folder_.string(); }
  bool Has(const std::string& name) const override { return tensors_.contains(name); }
  std::vector<std::string> Names() const override;
  // The bytes of all tensors that must be copied to have this type. Others are read in place.
  int64_t BytesToConvert(at::ScalarType dtype) const;
  // Every tensor by name, in its stored type. Throws Error for a type that LibTorch lacks.
  std::map<std::string, at::Tensor> All() const;
  at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape) const override;
  bool IsCopy(const std::string& name, const std::string& of) const override;

 private:
  struct Stored {
    const TensorFile* file;
    std::string name;  // in the file
    const TensorInfo& info() const { return file->tensors().at(name); }
    at::Tensor Read() const { return file->Read(name); }
  };
  void NameTensors();

  std::filesystem::path folder_;
  Json config_;
  std::vector<std::unique_ptr<TensorFile>> files_;
  std::map<std::string, Stored> tensors_;
};

}  // namespace mambascope
