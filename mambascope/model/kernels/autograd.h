// Wraps a device's kernels for the scan and the convolution (device_kernels.h) as autograd
// functions. They can be differentiated once. Gradients flow from the output and from `kept` to
// every activation input (x, delta, b, c, from). Use the reference functions for gradients of
// weights.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/scan_input.h"

namespace mambascope {

// Shapes and meaning are those of CausalConv (conv.h) and SelectiveScan (scan.h), without cuts.
// REQUIRES: FindKernels finds kernels; weight, bias and in.a do not require grad.
at::Tensor DifferentiableConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              const Packing& packing, const at::Tensor& from, at::Tensor& kept);
at::Tensor DifferentiableScan(const ScanInput& in, const Packing& packing, const at::Tensor& from,
                              at::Tensor& kept);

}  // namespace mambascope
