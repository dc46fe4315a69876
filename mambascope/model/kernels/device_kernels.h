// The interface of a device's own kernels for the scan and the convolution, forward and backward.
// Kernels know neither autograd (autograd.h) nor cuts (scan.h, conv.h). To support another device,
// add a file that implements both kernels and a line in FindKernels.
//
// All tensors are contiguous float32 on the device. An empty tensor stands for a missing one.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/scan_input.h"

namespace mambascope {

// An output and the carries after the rows of packing.kept. In a backward pass it holds the
// gradients of both.
struct KernelOutput {
  at::Tensor y;     // [row, width]
  at::Tensor kept;  // [kept, ..]; in a backward pass undefined stands for zero
};

struct ScanGradients {
  at::Tensor x, delta;  // [row, d_inner]
  at::Tensor b, c;      // [row, groups, d_state]
  at::Tensor from;      // as `from`
};

// Computes SelectiveScan (scan.h), without cuts.
class ScanKernel {
 public:
  virtual ~ScanKernel() = default;
  virtual KernelOutput Forward(const ScanInput& in, const at::Tensor& from,
                               const Packing& packing) const = 0;
  virtual ScanGradients Backward(const ScanInput& in, const at::Tensor& from,
                                 const KernelOutput& gradient, const Packing& packing) const = 0;
};

struct ConvWeights {
  at::Tensor weight;  // [d_conv, width]
  at::Tensor bias;    // [width], or empty
};

struct ConvGradients {
  at::Tensor x;     // [row, width]
  at::Tensor from;  // as `from`
};

// Computes CausalConv (conv.h), without cuts.
class ConvKernel {
 public:
  virtual ~ConvKernel() = default;
  virtual KernelOutput Forward(const at::Tensor& x, const ConvWeights& weights,
                               const at::Tensor& from, const Packing& packing) const = 0;
  virtual ConvGradients Backward(const at::Tensor& weight, const at::Tensor& from,
                                 const KernelOutput& gradient, const Packing& packing) const = 0;
};

struct DeviceKernels {
  const ScanKernel& scan;
  const ConvKernel& conv;
};

// Returns the kernels for the type and device of `like`, or null when there are none.
const DeviceKernels* FindKernels(const at::Tensor& like);

// The CPU kernels run in parallel over channels and segments, are vectorised over channels, and
// read the carry in place by index.
const ScanKernel& CpuScan();
const ConvKernel& CpuConv();
// The GPU's kernels, in builds with CUDA. Gradients of carries that several segments share are
// added in no fixed order.
const ScanKernel& CudaScan();
const ConvKernel& CudaConv();

}  // namespace mambascope
