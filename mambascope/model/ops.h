// Small functions that the model files share. Activations are [row, width] in float32. Only a GPU's
// kernel rounds some of them to the type of the weights that read them.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/checkpoint/config.h"
#include "mambascope/error.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// A weight matrix with an optional bias.
struct Projection {
  at::Tensor weight;        // [out, in], float32 or bfloat16
  at::Tensor bias;          // [out], float32; undefined if there is none
  std::string tensor = {};  // the weight's name in the checkpoint

  static Projection Load(const Weights& w, const std::string& name, int64_t out, int64_t in,
                         bool has_bias);
  // Returns the projection to the outputs [begin, begin + count).
  Projection Rows(int64_t begin, int64_t count) const;
};

// Returns the projection whose output is `scale` times that of `p`.
Projection Scaled(const Projection& p, double scale);

// Returns x W^T + b as float32: x [row, in] -> [row, out]. With bfloat16 weights, x is converted to
// bfloat16 for the product.
at::Tensor Linear(const at::Tensor& x, const Projection& p);

// Returns x / sqrt(mean(x^2) + eps) * weight over the last dimension. An undefined weight stands
// for 1. In this function and in GatedRmsNorm, `as` is the type to which the reader rounds the
// result. A GPU's kernel returns this type, which saves a conversion. Elsewhere it is float32.
at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps,
                   at::ScalarType as = at::kFloat);

// Applies RmsNorm to `groups` equal parts of the last dimension, each with its own mean. x [row,
// width], weight [width].
at::Tensor GroupedRmsNorm(const at::Tensor& x, const at::Tensor& weight, int64_t groups,
                          double eps);

// Returns GroupedRmsNorm of x SiLU(gate_in). x and gate_in are [row, width]; weight is [width].
at::Tensor GatedRmsNorm(const at::Tensor& x, const at::Tensor& gate_in, const at::Tensor& weight,
                        int64_t groups, double eps, at::ScalarType as = at::kFloat);

// A layer norm, which also subtracts the mean and adds a bias.
struct LayerNorm {
  at::Tensor weight, bias;  // [width]
  double eps = 1e-5;

  static LayerNorm Load(const Weights& w, const std::string& name, int64_t width, double eps);
  at::Tensor operator()(const at::Tensor& x) const;
};

// Returns the Error for a value that is not finite; `what` names it, such as "a logit".
Error NotFinite(const std::string& what);
// Throws that Error when `x` holds NaN or an infinity.
void RequireFinite(const at::Tensor& x, const std::string& what);

at::Tensor Activate(const at::Tensor& x, Activation activation);

}  // namespace mambascope
