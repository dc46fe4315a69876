// The selective scan in plain LibTorch. Shapes and meaning are those of SelectiveScan (scan.h).
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/scan_input.h"

namespace mambascope {

at::Tensor SelectiveScanReference(const ScanInput& in, const Packing& packing,
                                  const at::Tensor& from, at::Tensor& kept);

}  // namespace mambascope
