#include "mambascope/model/kernels/conv.h"

#include <ATen/ATen.h>

#include <vector>

#include "mambascope/model/kernels/autograd.h"
#include "mambascope/model/kernels/conv_reference.h"
#include "mambascope/model/kernels/device_kernels.h"
#include "mambascope/model/kernels/elementwise.h"

namespace mambascope {
namespace {

bool HasManyTaps(const at::Tensor& x, const at::Tensor& weight) {
  return !x.is_cpu() && weight.size(0) > kMostConvTaps;
}

// The convolution without cuts. The kernels compute gradients only for activations.
at::Tensor Convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    const Packing& packing, const at::Tensor& from, at::Tensor& kept) {
  const bool trains_weight = weight.requires_grad() || (bias.defined() && bias.requires_grad());
  const bool has_kernel = FindKernels(x) != nullptr && !trains_weight && !HasManyTaps(x, weight);
  return has_kernel ? DifferentiableConv(x, weight, bias, packing, from, kept)
                    : CausalConvReference(x, weight, bias, packing, from, kept);
}

}  // namespace

at::Tensor CausalConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      const Packing& packing, const at::Tensor& from, at::Tensor& kept,
                      const CutRows& cuts) {
  const at::Tensor y = Convolve(x, weight, bias, packing, from, kept);
  if (cuts.recomputed().empty()) return y;
  const at::Tensor recomputed = ConvolveRows(x, weight, bias, packing, from, cuts.recomputed());
  std::vector<int64_t> targets;
  for (int64_t i = 0; i < cuts.target_rows(); ++i)
    targets.push_back(cuts.recomputed()[static_cast<size_t>(i)].row);
  const at::Tensor replaced =
      y.index_copy(0, RowIndex(targets, y), recomputed.narrow(0, 0, cuts.target_rows()));
  return at::cat({replaced, recomputed.slice(0, cuts.target_rows())});
}

at::Tensor SiluConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    const Packing& packing, const at::Tensor& from, at::Tensor& kept,
                    const CutRows& cuts) {
  const FusedKernels* fused = FindFused({x, weight, bias, from});
  if (fused == nullptr || HasManyTaps(x, weight) || !cuts.recomputed().empty())
    return Silu(CausalConv(x, weight, bias, packing, from, kept, cuts));
  const KernelOutput out = fused->conv_silu(x, {weight, bias}, from, packing);
  if (!packing.kept.empty()) kept = out.kept;
  return out.y;
}

}  // namespace mambascope
