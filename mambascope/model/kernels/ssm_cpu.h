// The CPU kernels behind CausalConv and SelectiveScan (ssm.h, same shapes and meaning): OpenMP over channels and segments, vectorised over
// channels, carry read in place by index. They are custom autograd functions, to be differentiated once: gradients flow to every activation
// input (x, delta, b, c, from) and from `kept`; for gradients of weights there are the references.
#pragma once

#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/scan_input.h"

namespace mambascope {

// REQUIRES: everything float32 on the CPU; weight and bias, and in.a, do not require grad.
at::Tensor CausalConvCpu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Packing& packing,
                         const at::Tensor& from, at::Tensor& kept);
at::Tensor SelectiveScanCpu(const ScanInput& in, const Packing& packing, const at::Tensor& from, at::Tensor& kept);

}  // namespace mambascope
