// The causal convolution on a GPU. A thread computes one channel of one row.
#include <c10/cuda/CUDAGuard.h>

#include "mambascope/model/kernels/cuda_packing.cuh"
#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {
namespace {

constexpr int kThreads = 128;

struct Sizes {
  int rows, width, taps;
};

// Value i of channel d in an array of rows.
__device__ int64_t At(int64_t row, const Sizes& sizes, int channel) {
  return row * sizes.width + channel;
}

// The input `back` tokens before `row`, in x or in the segment's carry; before a prompt it is 0.
__device__ float Input(const Sizes& sizes, const PackedArrays& packing, int segment, int row,
                       int back, int channel, const float* x, const float* from) {
  const int i = row - back - packing.begin[segment], window = sizes.taps - 1,
            carry = packing.carry[segment];
  if (i >= 0) return x[At(row - back, sizes, channel)];
  if (carry < 0 || i < -window) return 0;
  return from[At(static_cast<int64_t>(carry) * window + window + i, sizes, channel)];
}

__global__ void ConvForward(Sizes sizes, PackedArrays packing, const float* x, const float* weight,
                            const float* bias, const float* from, float* y, float* kept) {
  const int channel = static_cast<int>(blockIdx.y) * kThreads + static_cast<int>(threadIdx.x),
            row = static_cast<int>(blockIdx.x), window = sizes.taps - 1;
  if (channel >= sizes.width) return;
  const int segment = packing.segment[row], slot = packing.kept[row];
  float sum = bias == nullptr ? 0 : bias[channel];
  for (int back = 0; back <= window; ++back) {
    const float input = Input(sizes, packing, segment, row, back, channel, x, from);
    sum += weight[At(window - back, sizes, channel)] * input;
    if (slot >= 0 && back < window)
      kept[At(static_cast<int64_t>(slot) * window + window - 1 - back, sizes, channel)] = input;
  }
  y[At(row, sizes, channel)] = sum;
}

// The gradient of the input at a position of a segment, where positions below 0 are in its carry.
__device__ float InputGradient(const Sizes& sizes, const PackedArrays& packing, int begin, int end,
                               int position, int channel, const float* weight, const float* gy,
                               const float* gkept) {
  const int window = sizes.taps - 1;
  float sum = 0;
  for (int back = 0; back <= window; ++back) {
    const int row = begin + position + back;
    if (row < begin || row >= end) continue;
    sum += weight[At(window - back, sizes, channel)] * gy[At(row, sizes, channel)];
    const int slot = gkept == nullptr || back == window ? -1 : packing.kept[row];
    if (slot >= 0)
      sum += gkept[At(static_cast<int64_t>(slot) * window + window - 1 - back, sizes, channel)];
  }
  return sum;
}

__global__ void ConvBackward(Sizes sizes, PackedArrays packing, const float* weight,
                             const float* gy, const float* gkept, float* gx, float* gfrom) {
  const int channel = static_cast<int>(blockIdx.y) * kThreads + static_cast<int>(threadIdx.x),
            row = static_cast<int>(blockIdx.x), window = sizes.taps - 1;
  if (channel >= sizes.width) return;
  const int segment = packing.segment[row], begin = packing.begin[segment],
            end = packing.end[segment], carry = packing.carry[segment];
  gx[At(row, sizes, channel)] =
      InputGradient(sizes, packing, begin, end, row - begin, channel, weight, gy, gkept);
  if (row != begin || carry < 0) return;
  for (int i = 0; i < window; ++i) {  // segments may share a slot
    atomicAdd(gfrom + At(static_cast<int64_t>(carry) * window + i, sizes, channel),
              InputGradient(sizes, packing, begin, end, i - window, channel, weight, gy, gkept));
  }
}

const float* Pointer(const at::Tensor& x) {
  return x.defined() && x.numel() > 0 ? x.data_ptr<float>() : nullptr;
}

class CudaConvKernel : public ConvKernel {
 public:
  KernelOutput Forward(const at::Tensor& x, const ConvWeights& weights, const at::Tensor& from,
                       const Packing& packing) const override {
    const c10::cuda::CUDAGuard guard(x.device());
    const CudaPacking packed(packing, x.device());
    const Sizes sizes = SizesOf(x, weights.weight);
    KernelOutput out{at::empty_like(x),
                     at::empty({packing.kept_count(), sizes.taps - 1, sizes.width}, x.options())};
    ConvForward<<<Blocks(sizes), kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
        sizes, packed.arrays, x.data_ptr<float>(), weights.weight.data_ptr<float>(),
        Pointer(weights.bias), Pointer(from), out.y.data_ptr<float>(), out.kept.data_ptr<float>());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
  }

  ConvGradients Backward(const at::Tensor& weight, const at::Tensor& from,
                         const KernelOutput& gradient, const Packing& packing) const override {
    const c10::cuda::CUDAGuard guard(weight.device());
    const CudaPacking packed(packing, weight.device());
    const Sizes sizes = SizesOf(gradient.y, weight);
    ConvGradients out{at::empty_like(gradient.y), at::zeros_like(from)};
    ConvBackward<<<Blocks(sizes), kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
        sizes, packed.arrays, weight.data_ptr<float>(), gradient.y.data_ptr<float>(),
        Pointer(gradient.kept), out.x.data_ptr<float>(), out.from.data_ptr<float>());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
  }

 private:
  static Sizes SizesOf(const at::Tensor& x, const at::Tensor& weight) {
    return {static_cast<int>(x.size(0)), static_cast<int>(x.size(1)),
            static_cast<int>(weight.size(0))};
  }
  static dim3 Blocks(const Sizes& sizes) {
    return dim3(static_cast<unsigned>(sizes.rows),
                static_cast<unsigned>((sizes.width + kThreads - 1) / kThreads));
  }
};

}  // namespace

const ConvKernel& CudaConv() {
  static const CudaConvKernel kernel;
  return kernel;
}

}  // namespace mambascope
