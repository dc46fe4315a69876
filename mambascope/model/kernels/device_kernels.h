// The interface of a device's own kernels. Scan and convolution have a forward and a backward
// kernel. FusedKernels have only a forward one. Kernels know neither autograd (autograd.h) nor cuts
// (scan.h, conv.h). To support another device, add a file that implements ScanKernel and
// ConvKernel, and a line in FindKernels. Fused kernels are optional.
//
// All tensors are float32 on the device. They are contiguous, except the inputs of FusedKernels. An
// empty tensor stands for a missing one. Fused kernels may also return bfloat16 (`as`).
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

// These kernels compute several steps of a layer at once, which saves time on a GPU. They have no
// gradients and no cuts. Rows of an input need not follow each other in memory.
struct FusedKernels {
  // Computes SiluConv (conv.h).
  KernelOutput (*conv_silu)(const at::Tensor& x, const ConvWeights& weights, const at::Tensor& from,
                            const Packing& packing);
  // Computes GatedScan (scan.h).
  KernelOutput (*gated_scan)(const GatedScanInput& in, const at::Tensor& from,
                             const Packing& packing);
  // Computes GatedRmsNorm (ops.h). An undefined gate or weight stands for none.
  at::Tensor (*gated_rms_norm)(const at::Tensor& x, const at::Tensor& gate_in,
                               const at::Tensor& weight, int64_t groups, double eps,
                               at::ScalarType as);
  // Computes Attend (attention.h), but stores nothing in `kept`.
  at::Tensor (*attend)(const AttentionInput& in, const AttentionConfig& config,
                       const Packing& packing, const Carry& from);
};

// What the GPU's kernels take at most. Beyond, LibTorch's operations do the work.
inline constexpr int kMostConvTaps = 8, kMostFusedHead = 512;

struct DeviceKernels {
  const ScanKernel& scan;
  const ConvKernel& conv;
  const FusedKernels* fused = nullptr;  // null: the device has none
};

// Returns the kernels for the type and device of `like`, or null when there are none.
const DeviceKernels* FindKernels(const at::Tensor& like);
// Returns the kernels of a device, or null when there are none.
const DeviceKernels* FindKernels(const at::Device& device);

// Returns the fused kernels for these inputs. Returns null where there are none, or where a
// gradient is needed. The first input tells the type and the device. The others may be undefined.
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
