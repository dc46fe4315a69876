#include "mambascope/model/kernels/scan.h"

#include <ATen/ATen.h>

#include <cmath>

#include "mambascope/model/kernels/autograd.h"
#include "mambascope/model/kernels/device_kernels.h"
#include "mambascope/model/kernels/elementwise.h"
#include "mambascope/model/kernels/scan_reference.h"

namespace mambascope {
namespace {

// The scan without cuts. The kernels compute gradients only for activations.
at::Tensor Scan(const ScanInput& in, const Packing& packing, const at::Tensor& from,
                at::Tensor& kept) {
  const bool has_kernel = FindKernels(in.x) != nullptr && !in.a.requires_grad();
  return has_kernel ? DifferentiableScan(in, packing, from, kept)
                    : SelectiveScanReference(in, packing, from, kept);
}

}  // namespace

at::Tensor SelectiveScan(const ScanInput& in, const Packing& packing, const at::Tensor& from,
                         at::Tensor& kept, const CutRows& cuts) {
  if (cuts.none()) return Scan(in, packing, from, kept);
  const at::Tensor rows = RowIndex(cuts.rows(), in.x);
  const auto walked = [&](const at::Tensor& x) { return x.index_select(0, rows); };
  const ScanInput seen{cuts.Written(walked(in.x)), walked(in.delta), in.a, walked(in.b),
                       walked(in.c)};
  return Scan(seen, cuts.walked(), from, kept).index_select(0, RowIndex(cuts.output(), in.x));
}

ScanInput ScanOf(const GatedScanInput& in) {
  at::Tensor delta = Softplus(in.dt + in.dt_bias);
  if (in.dt_min > 0 || std::isfinite(in.dt_max)) delta = at::clamp(delta, in.dt_min, in.dt_max);
  const int64_t head_dim = in.x.size(1) / delta.size(1);
  if (head_dim > 1) delta = delta.repeat_interleave(head_dim, 1);
  return {in.x, delta, in.a, in.b, in.c};
}

at::Tensor GatedScan(const GatedScanInput& in, const Packing& packing, const at::Tensor& from,
                     at::Tensor& kept, const CutRows& cuts) {
  const FusedKernels* fused =
      FindFused({in.x, in.dt, in.dt_bias, in.a, in.b, in.c, in.d, in.gate_in, from});
  if (fused != nullptr && cuts.none()) {
    const KernelOutput out = fused->gated_scan(in, from, packing);
    if (!packing.kept.empty()) kept = out.kept;
    return out.y;
  }
  const at::Tensor s = at::addcmul(SelectiveScan(ScanOf(in), packing, from, kept, cuts),
                                   in.x.narrow(0, 0, packing.rows()), in.d);
  return in.gate_in.defined() ? s * Silu(in.gate_in) : s;
}

}  // namespace mambascope
