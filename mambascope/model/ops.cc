#include "mambascope/model/ops.h"

#include <ATen/ATen.h>

#include "mambascope/model/kernels/device_kernels.h"
#include "mambascope/model/kernels/elementwise.h"
#include "mambascope/model/kernels/product.h"

namespace mambascope {

Projection Projection::Load(const Weights& w, const std::string& name, int64_t out, int64_t in,
                            bool has_bias) {
  return {w.Matrix(name + ".weight", {out, in}),
          has_bias ? w.Float(name + ".bias", {out}) : at::Tensor(), w.FullName(name + ".weight")};
}

Projection Projection::Rows(int64_t begin, int64_t count) const {
  return {weight.narrow(0, begin, count),
          bias.defined() ? bias.narrow(0, begin, count) : at::Tensor(), tensor};
}

Projection Scaled(const Projection& p, double scale) {
  if (scale == 1) return p;
  return {p.weight * scale, p.bias.defined() ? p.bias * scale : p.bias, p.tensor};
}

at::Tensor Linear(const at::Tensor& x, const Projection& p) {
  const at::ScalarType type = p.weight.scalar_type();
  at::Tensor product;
  if (x.is_cpu() && type != at::kFloat)  // Product widens the weights itself
    product = Product(x.to(type).to(at::kFloat), p.weight.t()).to(type).to(at::kFloat);
  else product = Product(x.to(type), p.weight.t()).to(at::kFloat);
  return p.bias.defined() ? product + p.bias : product;
}

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps, at::ScalarType as) {
  const FusedKernels* fused = x.dim() == 2 ? FindFused({x, weight}) : nullptr;
  if (fused != nullptr) return fused->gated_rms_norm(x, {}, weight, 1, eps, as);
  const at::Tensor scaled = x * at::rsqrt(x.square().mean(-1, /*keepdim=*/true) + eps);
  return weight.defined() ? scaled * weight : scaled;
}

at::Tensor GroupedRmsNorm(const at::Tensor& x, const at::Tensor& weight, int64_t groups,
                          double eps) {
  const FusedKernels* fused = FindFused({x, weight});
  if (fused != nullptr) return fused->gated_rms_norm(x, {}, weight, groups, eps, at::kFloat);
  return RmsNorm(x.view({x.size(0), groups, x.size(1) / groups}), {}, eps).view(x.sizes()) * weight;
}

at::Tensor GatedRmsNorm(const at::Tensor& x, const at::Tensor& gate_in, const at::Tensor& weight,
                        int64_t groups, double eps, at::ScalarType as) {
  const FusedKernels* fused = FindFused({x, gate_in, weight});
  if (fused != nullptr) return fused->gated_rms_norm(x, gate_in, weight, groups, eps, as);
  return GroupedRmsNorm(x * Silu(gate_in), weight, groups, eps);
}

LayerNorm LayerNorm::Load(const Weights& w, const std::string& name, int64_t width, double eps) {
  return {w.Float(name + ".weight", {width}), w.Float(name + ".bias", {width}), eps};
}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, weight, bias, eps);
}

Error NotFinite(const std::string& what) {
  return Error(what + " is not a number",
               "the checkpoint's weights may be damaged, or their type may overflow");
}

void RequireFinite(const at::Tensor& x, const std::string& what) {
  if (!at::isfinite(x).all().item<bool>()) throw NotFinite(what);
}

at::Tensor Activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kSilu: return Silu(x);
    case Activation::kGelu: return Gelu(x);
    case Activation::kGeluTanh: return GeluTanh(x);
    case Activation::kRelu: return at::relu(x);
    case Activation::kRelu2: return at::relu(x).square();
  }
  return x;
}

}  // namespace mambascope
