// A device may compute the scan and the convolution by kernels of its own, forward and backward.
// They know neither autograd (autograd.h) nor cuts (scan.h, conv.h). Another device is one more
// file that implements the two, and a line of FindKernels.
//
// All tensors are contiguous float32 on the device. An empty tensor stands for one that is not
// there.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/scan_input.h"

namespace mambascope {

// A KernelOutput is an output, and the carries after the rows of packing.kept. In a backward pass
// it holds the gradients of both.
struct KernelOutput {
  at::Tensor y;     // [row, width]
  at::Tensor kept;  // [kept, ..]; undefined in a backward pass: zero
};

struct ScanGradients {
  at::Tensor x, delta;  // [row, d_inner]
  at::Tensor b, c;      // [row, groups, d_state]
  at::Tensor from;      // as `from`
};

// A ScanKernel computes what SelectiveScan means (scan.h).
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

// A ConvKernel computes what CausalConv means (conv.h).
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

// Returns the kernels for tensors of the type and on the device of `like`, or null where there are
// none.
const DeviceKernels* FindKernels(const at::Tensor& like);

// The CPU's kernels run in parallel over channels and segments, are vectorised over channels, and
// read the carry in place by index.
const ScanKernel& CpuScan();
const ConvKernel& CpuConv();

}  // namespace mambascope
