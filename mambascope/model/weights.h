// Weights gives a layer's constructor the weights of a checkpoint by name. A layer binds its
// weights once, so its constructor shows which names it uses.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/error.h"
#include "mambascope/model/kernels/packing.h"

namespace mambascope {

class Weights {
 public:
  // Matrices are converted to `dtype` (float32 or bfloat16). All weights are moved to `device`.
  Weights(const WeightSource& source, at::ScalarType dtype, at::Device device,
          std::string scope = "")
      : source_(source), dtype_(dtype), device_(device), scope_(std::move(scope)) {}

  // Returns the weights whose names begin with `part` + ".". The rest of the name identifies them.
  Weights Scope(const std::string& part) const {
    return {source_, dtype_, device_, scope_ + part + "."};
  }
  // Returns the weights that stand beside these: `name` replaces the last part of their scope.
  // REQUIRES: there is a scope.
  Weights Beside(const std::string& name) const {
    const size_t dot = scope_.rfind('.', scope_.size() - 2);
    return {source_, dtype_, device_,
            (dot == std::string::npos ? "" : scope_.substr(0, dot + 1)) + name + "."};
  }
  bool Has(const std::string& name) const { return source_.Has(FullName(name)); }
  // Throws Error unless every weight of these is a copy of the weight of `others` with its name.
  void DemandCopiesOf(const Weights& others) const {
    for (const std::string& name : source_.Names()) {
      if (!name.starts_with(scope_)) continue;
      const std::string other = others.FullName(name.substr(scope_.size()));
      if (!source_.IsCopy(name, other))
        throw Error(fmt::format(
            "{}: the model shares one weight between layers, but '{}' is no copy of '{}'", where(),
            name, other));
    }
  }
  // What messages call the checkpoint.
  std::string where() const { return source_.where(); }
  // Returns the name in the checkpoint.
  std::string FullName(const std::string& name) const { return scope_ + name; }
  // Returns a weight matrix, in the model's dtype.
  at::Tensor Matrix(const std::string& name, const std::vector<int64_t>& shape) const {
    return Get(name, shape, dtype_);
  }
  // Returns a weight of a norm, bias, convolution or recurrence, always as float32.
  at::Tensor Float(const std::string& name, const std::vector<int64_t>& shape) const {
    return Get(name, shape, at::kFloat);
  }

 private:
  at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape,
                 at::ScalarType dtype) const {
    return SentTo(device_, source_.Get(FullName(name), shape)).to(dtype);
  }

  const WeightSource& source_;
  at::ScalarType dtype_;
  at::Device device_;
  std::string scope_;
};

}  // namespace mambascope
