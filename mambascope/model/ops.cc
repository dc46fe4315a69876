#include "mambascope/model/ops.h"

#include <ATen/ATen.h>

namespace mambascope {

Projection Projection::Load(const Weights& w, const std::string& name, int64_t out, int64_t in, bool has_bias) {
  return {w.Matrix(name + ".weight", {out, in}), has_bias ? w.Float(name + ".bias", {out}) : at::Tensor(), w.FullName(name + ".weight")};
}

at::Tensor Linear(const at::Tensor& x, const Projection& p) {
  if (p.weight.scalar_type() == at::kFloat) return at::linear(x, p.weight, p.bias);
  const at::Tensor product = at::linear(x.to(p.weight.scalar_type()), p.weight).to(at::kFloat);
  return p.bias.defined() ? product + p.bias : product;
}

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::Tensor scaled = x * at::rsqrt(x.square().mean(-1, /*keepdim=*/true) + eps);
  return weight.defined() ? scaled * weight : scaled;
}

LayerNorm LayerNorm::Load(const Weights& w, const std::string& name, int64_t width, double eps) {
  return {w.Float(name + ".weight", {width}), w.Float(name + ".bias", {width}), eps};
}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const { return at::layer_norm(x, {x.size(-1)}, weight, bias, eps); }

at::Tensor Activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kSilu: return at::silu(x);
    case Activation::kGelu: return at::gelu(x);
    case Activation::kGeluTanh: return at::gelu(x, "tanh");
    case Activation::kRelu: return at::relu(x);
  }
  return x;
}

}  // namespace mambascope
