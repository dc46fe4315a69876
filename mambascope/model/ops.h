// These are the small functions that the model files share. Activations are float32 [row, width].
// Only GEMMs see the weights' own type.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/checkpoint/config.h"
#include "mambascope/error.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// A weight matrix with an optional bias.
struct Projection {
  at::Tensor weight;        // [out, in], float32 or bfloat16
  at::Tensor bias;          // [out], float32; undefined: none
  std::string tensor = {};  // the weight's name in the checkpoint

  static Projection Load(const Weights& w, const std::string& name, int64_t out, int64_t in,
                         bool has_bias);
};

// Computes x W^T + b. x [row, in] -> [row, out], float32. With bfloat16 weights it is the product
// of bfloat16 inputs.
at::Tensor Linear(const at::Tensor& x, const Projection& p);

// Computes x / sqrt(mean(x^2) + eps) * weight over the last dimension. An undefined weight counts
// as 1.
at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps);

// The same of `groups` equal parts of the last dimension, each by its own mean. x [row, width],
// weight [width].
at::Tensor GroupedRmsNorm(const at::Tensor& x, const at::Tensor& weight, int64_t groups,
                          double eps);

// A layer norm subtracts the mean, too, and has a bias.
struct LayerNorm {
  at::Tensor weight, bias;  // [width]
  double eps = 1e-5;

  static LayerNorm Load(const Weights& w, const std::string& name, int64_t width, double eps);
  at::Tensor operator()(const at::Tensor& x) const;
};

// The Error for numbers that cannot be: "a logit is not a number".
Error NotFinite(const std::string& what);
// Throws it where `x` holds NaN or an infinity.
void RequireFinite(const at::Tensor& x, const std::string& what);

at::Tensor Activate(const at::Tensor& x, Activation activation);

}  // namespace mambascope
