#include "mambascope/model/kernels/scan.h"

#include <ATen/ATen.h>

#include "mambascope/model/kernels/autograd.h"
#include "mambascope/model/kernels/device_kernels.h"
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

}  // namespace mambascope
