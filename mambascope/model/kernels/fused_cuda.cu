// The fused kernels of a GPU, and the norm among them. The others lie beside their plain kernels.
#include <c10/cuda/CUDAGuard.h>

#include "mambascope/model/kernels/cuda_packing.cuh"
#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {
namespace {

constexpr int kThreads = 256, kWarp = 32;

// The sum over a block's threads, in all of them.
__device__ float BlockSum(float value) {
  __shared__ float sums[kThreads / kWarp];
  for (int bit = 1; bit < kWarp; bit *= 2) value += __shfl_xor_sync(0xffffffff, value, bit);
  if (threadIdx.x % kWarp == 0) sums[threadIdx.x / kWarp] = value;
  __syncthreads();
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

// A row's group per block: y = v / sqrt(mean(v^2) + eps) weight, where v is x, or x SiLU(gate).
// `width` is that of a group.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    Norm(const float* x, int64_t x_stride, const float* gate, int64_t gate_stride,
         const float* weight, float eps, int width, T* y) {
  const int64_t row = blockIdx.x, first = static_cast<int64_t>(blockIdx.y) * width;
  x += row * x_stride + first;
  y += (row * gridDim.y + blockIdx.y) * width;
  if (gate != nullptr) gate += row * gate_stride + first;
  float squares = 0;
  for (int i = static_cast<int>(threadIdx.x); i < width; i += kThreads) {
    const float v = gate == nullptr ? x[i] : x[i] * Silu(gate[i]);
    squares += v * v;
  }
  const float scale = rsqrtf(BlockSum(squares) / static_cast<float>(width) + eps);
  for (int i = static_cast<int>(threadIdx.x); i < width; i += kThreads) {  // from the cache
    const float v = gate == nullptr ? x[i] : x[i] * Silu(gate[i]);
    y[i] = static_cast<T>(v * scale * (weight == nullptr ? 1 : weight[first + i]));
  }
}

at::Tensor CudaGatedRmsNorm(const at::Tensor& x, const at::Tensor& gate_in,
                            const at::Tensor& weight, int64_t groups, double eps,
                            at::ScalarType as) {
  const c10::cuda::CUDAGuard guard(x.device());
  const int64_t rows = x.size(0), width = x.size(1);
  const at::Tensor in = InRows(x), gate = InRows(gate_in),
                   y = at::empty({rows, width}, x.options().dtype(as));
  if (y.numel() == 0) return y;
  const auto launch = [&](auto* result) {
    Norm<<<dim3(static_cast<unsigned>(rows), static_cast<unsigned>(groups)), kThreads, 0,
           c10::cuda::getCurrentCUDAStream()>>>(
        in.data_ptr<float>(), in.stride(0), gate.defined() ? gate.data_ptr<float>() : nullptr,
        gate.defined() ? gate.stride(0) : 0, weight.defined() ? weight.data_ptr<float>() : nullptr,
        static_cast<float>(eps), static_cast<int>(width / groups), result);
  };
  if (as == at::kFloat) launch(y.data_ptr<float>());
  else launch(y.data_ptr<at::BFloat16>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return y;
}

}  // namespace

const FusedKernels& CudaFused() {
  static const FusedKernels kernels{CudaConvSilu, CudaGatedScan, CudaGatedRmsNorm, CudaAttend};
  return kernels;
}

}  // namespace mambascope
