// The causal convolution on a GPU. A thread computes some neighbouring channels of some rows.
#include <c10/cuda/CUDAGuard.h>

#include "mambascope/model/kernels/cuda_packing.cuh"
#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {
namespace {

constexpr int kThreads = 128;
constexpr int kRows = 4;  // rows of a thread, in the forward pass

struct Sizes {
  int rows, width, taps;
  int64_t stride;  // of the rows of x
};

// Index of a row's channel.
__device__ int64_t At(int64_t row, const Sizes& sizes, int channel) {
  return row * sizes.width + channel;
}

// Neighbouring channels that a thread reads and writes together.
template <int kChannels>
struct alignas(kChannels * sizeof(float)) Channels {
  float value[kChannels] = {};
};

template <int kChannels>
__device__ Channels<kChannels> Read(const float* from) {
  return *reinterpret_cast<const Channels<kChannels>*>(from);
}
template <int kChannels>
__device__ void Write(float* to, const Channels<kChannels>& channels) {
  *reinterpret_cast<Channels<kChannels>*>(to) = channels;
}

// The input `back` tokens before `row`, in x or in the segment's carry; before a prompt it is 0.
template <int kChannels>
__device__ Channels<kChannels> Input(const Sizes& sizes, const PackedArrays& packing, int segment,
                                     int row, int back, int channel, const float* x,
                                     const float* from) {
  const int i = row - back - packing.begin[segment], window = sizes.taps - 1,
            carry = packing.carry[segment];
  if (i >= 0) return Read<kChannels>(x + (row - back) * sizes.stride + channel);
  if (carry < 0 || i < -window) return {};
  return Read<kChannels>(from +
                         At(static_cast<int64_t>(carry) * window + window + i, sizes, channel));
}

// kSilu: y is SiLU of the convolution. A thread walks down its rows with the last inputs in hand.
template <int kChannels, bool kSilu>
__global__ void ConvForward(Sizes sizes, PackedArrays packing, const float* x, const float* weight,
                            const float* bias, const float* from, float* y, float* kept) {
  const int channel = (static_cast<int>(blockIdx.y) * kThreads + static_cast<int>(threadIdx.x)) *
                      kChannels,
            first = static_cast<int>(blockIdx.x) * kRows, window = sizes.taps - 1;
  if (channel >= sizes.width) return;
  Channels<kChannels> recent[kMostConvTaps], none, taps[kMostConvTaps];  // recent[b]: b tokens back
  const Channels<kChannels> offset = bias == nullptr ? none : Read<kChannels>(bias + channel);
#pragma unroll
  for (int back = 0; back < kMostConvTaps; ++back) {
    if (back <= window) taps[back] = Read<kChannels>(weight + At(window - back, sizes, channel));
  }
  int before = -1;  // segment of the row before
  for (int row = first; row < min(first + kRows, sizes.rows); ++row) {
    const int segment = packing.segment[row], slot = kept == nullptr ? -1 : packing.kept[row];
#pragma unroll
    for (int back = kMostConvTaps - 1; back >= 0; --back) {
      if (back > window) continue;
      recent[back] = segment == before && back > 0
                         ? recent[back - 1]
                         : Input<kChannels>(sizes, packing, segment, row, back, channel, x, from);
    }
    before = segment;
    Channels<kChannels> sum = offset;
#pragma unroll
    for (int back = 0; back < kMostConvTaps; ++back) {
      if (back > window) continue;
#pragma unroll
      for (int k = 0; k < kChannels; ++k)
        sum.value[k] += taps[back].value[k] * recent[back].value[k];
      if (slot >= 0 && back < window)
        Write(kept + At(static_cast<int64_t>(slot) * window + window - 1 - back, sizes, channel),
              recent[back]);
    }
    if (kSilu) {
#pragma unroll
      for (int k = 0; k < kChannels; ++k) sum.value[k] = Silu(sum.value[k]);
    }
    Write(y + At(row, sizes, channel), sum);
  }
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

Sizes SizesOf(const at::Tensor& x, const at::Tensor& weight) {
  return {static_cast<int>(x.size(0)), static_cast<int>(x.size(1)),
          static_cast<int>(weight.size(0)), x.stride(0)};
}

template <bool kSilu>
KernelOutput Run(const at::Tensor& given, const ConvWeights& weights, const at::Tensor& from,
                 const Packing& packing) {
  const at::Tensor x = InRows(given);
  const c10::cuda::CUDAGuard guard(x.device());
  const CudaPacking packed(packing, x.device());
  const Sizes sizes = SizesOf(x, weights.weight);
  KernelOutput out{at::empty({sizes.rows, sizes.width}, x.options()),
                   at::empty({packing.kept_count(), sizes.taps - 1, sizes.width}, x.options())};
  const bool by_four = sizes.width % 4 == 0 && ReadsByFour(x) && ReadsByFour(weights.weight) &&
                       ReadsByFour(weights.bias) && ReadsByFour(from);
  const int channels = by_four ? 4 : 1;
  const dim3 blocks(static_cast<unsigned>((sizes.rows + kRows - 1) / kRows),
                    static_cast<unsigned>((sizes.width / channels + kThreads - 1) / kThreads));
  const auto kernel = by_four ? ConvForward<4, kSilu> : ConvForward<1, kSilu>;
  kernel<<<blocks, kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
      sizes, packed.arrays, x.data_ptr<float>(), weights.weight.data_ptr<float>(),
      Pointer(weights.bias), Pointer(from), out.y.data_ptr<float>(),
      out.kept.numel() > 0 ? out.kept.data_ptr<float>() : nullptr);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return out;
}

class CudaConvKernel : public ConvKernel {
 public:
  KernelOutput Forward(const at::Tensor& x, const ConvWeights& weights, const at::Tensor& from,
                       const Packing& packing) const override {
    return Run<false>(x, weights, from, packing);
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

KernelOutput CudaConvSilu(const at::Tensor& x, const ConvWeights& weights, const at::Tensor& from,
                          const Packing& packing) {
  return Run<true>(x, weights, from, packing);
}

}  // namespace mambascope
