// The interface of a device's own kernels for the scan and the convolution, forward and backward.
// Kernels know neither autograd (autograd.h) nor cuts (scan.h, conv.h). To support another device,
// add a file that implements both kernels and a line in FindKernels.
//
// All tensors are contiguous float32 on the device. An empty tensor stands for a missing one.
#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/kernels/attention_input.h"
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

// Kernels that take several steps of a layer at once. They have no gradients. Rows of their inputs
// may lie apart.
struct FusedKernels {
  // SiLU(CausalConv) (conv.h).
  KernelOutput (*conv_silu)(const at::Tensor& x, const ConvWeights& weights, const at::Tensor& from,
                            const Packing& packing);
  // GatedScan (scan.h).
  KernelOutput (*gated_scan)(const GatedScanInput& in, const at::Tensor& from,
                             const Packing& packing);
  // GatedRmsNorm (ops.h).
  at::Tensor (*gated_rms_norm)(const at::Tensor& x, const at::Tensor& gate,
                               const at::Tensor& weight, int64_t groups, double eps);
  // Attend (attention.h) without cuts.
  at::Tensor (*attend)(const AttentionInput& in, const AttentionConfig& config,
                       const Packing& packing, const Carry& from);
};

struct DeviceKernels {
  const ScanKernel& scan;
  const ConvKernel& conv;
  const FusedKernels* fused = nullptr;  // null: the device has none
};

// Returns the kernels for the type and device of `like`, or null when there are none.
const DeviceKernels* FindKernels(const at::Tensor& like);
// Returns the kernels of a device, or null when there are none.
const DeviceKernels* FindKernels(const at::Device& device);

// Returns the fused kernels for these inputs, of which some may be undefined. Returns null when
// there are none, and when a gradient is needed.
const FusedKernels* FindFused(std::initializer_list<at::Tensor> inputs);

// The CPU kernels run in parallel over channels and segments, are vectorised over channels, and
// read the carry in place by index.
const ScanKernel& CpuScan();
const ConvKernel& CpuConv();
// The GPU's kernels, in builds with CUDA. Gradients of carries that several segments share are
// added in no fixed order.
const ScanKernel& CudaScan();
const ConvKernel& CudaConv();
const FusedKernels& CudaFused();
KernelOutput CudaConvSilu(const at::Tensor& x, const ConvWeights& weights, const at::Tensor& from,
                          const Packing& packing);
KernelOutput CudaGatedScan(const GatedScanInput& in, const at::Tensor& from,
                           const Packing& packing);
at::Tensor CudaAttend(const AttentionInput& in, const AttentionConfig& config,
                      const Packing& packing, const Carry& from);
// The bytes that are free on a GPU.
int64_t FreeGpuMemory(const at::Device& device);

}  // namespace mambascope
