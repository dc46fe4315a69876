// Mamba-2's scan on a GPU as matrix products, for segments of a few rows.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/scan_input.h"

namespace mambascope {

// Whether Ssd computes this: one decay per head, no gate, no kept states, no long segment.
bool IsSsd(const GatedScanInput& in, const Packing& packing);
// Returns s of GatedScan (scan.h), [row, d_inner]. REQUIRES: IsSsd.
at::Tensor Ssd(const GatedScanInput& in, const at::Tensor& from, const Packing& packing);

}  // namespace mambascope
