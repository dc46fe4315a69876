// The selective scan on a GPU. A thread holds up to kStates states of one channel in registers, and
// walks through the tokens of one segment. The threads that share a channel are neighbours in a
// warp, and add up their parts of y. The channels of a warp are of one group, so that they read the
// same b and c.
#include <c10/cuda/CUDAGuard.h>

#include <type_traits>

#include "mambascope/model/kernels/cuda_packing.cuh"
#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {
namespace {

constexpr int kWarp = 32, kWarps = 4;  // threads of a warp, warps of a block
constexpr int kStates = 16;            // states of a thread
constexpr unsigned kAll = 0xffffffff;  // all threads of a warp

struct Arrays {
  const float *x, *delta, *a, *b, *c, *from;
  int d_inner, d_state, groups;
  int rows;
};

Arrays ArraysOf(const ScanInput& in, const at::Tensor& from) {
  return {in.x.data_ptr<float>(),         in.delta.data_ptr<float>(),
          in.a.data_ptr<float>(),         in.b.data_ptr<float>(),
          in.c.data_ptr<float>(),         from.data_ptr<float>(),
          static_cast<int>(in.x.size(1)), static_cast<int>(in.b.size(2)),
          static_cast<int>(in.b.size(1)), static_cast<int>(in.x.size(0))};
}

// Sums over the threads whose numbers differ in the bits from kFirst up to, but without, kEnd.
template <int kFirst, int kEnd>
__device__ float Sum(float value) {
#pragma unroll
  for (int bit = kFirst; bit < kEnd; bit *= 2) value += __shfl_xor_sync(kAll, value, bit);
  return value;
}

// The channel and the states that a thread works on. kSplit threads share a channel.
template <int kSplit>
struct Place {
  static constexpr int kChannels = kWarp / kSplit;  // of a warp

  // Number of warps that the channels of a group take.
  static __host__ __device__ int WarpsOfGroup(int d_inner, int groups) {
    return (d_inner / groups + kChannels - 1) / kChannels;
  }

  __device__ explicit Place(const Arrays& in) {
    const int warp = static_cast<int>(blockIdx.y) * kWarps + static_cast<int>(threadIdx.x) / kWarp,
              lane = static_cast<int>(threadIdx.x) % kWarp, width = in.d_inner / in.groups,
              warps = WarpsOfGroup(in.d_inner, in.groups),
              local = warp % warps * kChannels + lane / kSplit;
    group = warp / warps;
    part = warp % warps;
    is_real = group < in.groups && local < width;
    channel = group * width + min(local, width - 1);
    first = lane % kSplit * kStates;
    count = min(kStates, in.d_state - first);
    leads = lane % kSplit == 0;
  }

  int group, channel;
  int part;      // number of the warp in its group
  int first;     // state
  int count;     // of states, may be 0 or less
  bool is_real;  // whether the channel exists; other threads only take part in sums
  bool leads;    // whether it is the first thread of its channel
};

// Decays of one token: exp(delta a).
template <bool kPerState>
__device__ float Decay(float delta, const float* a, int i, float shared) {
  return kPerState ? expf(delta * a[i]) : shared;
}

template <int kSplit, bool kPerState>
__device__ void ReadStates(const Arrays& in, const Place<kSplit>& at, int carry, float* a,
                           float* s) {
#pragma unroll
  for (int i = 0; i < kStates; ++i) {
    const int n = at.first + i;
    const bool exists = i < at.count;
    a[i] = exists ? in.a[(kPerState ? n * in.d_inner : 0) + at.channel] : 0;
    s[i] = exists && carry >= 0
               ? in.from[(static_cast<int64_t>(carry) * in.d_state + n) * in.d_inner + at.channel]
               : 0;
  }
}

// One segment and kWarps warps of channels per block. With `before`, it also stores S before each
// row, [row, d_state, d_inner].
template <int kSplit, bool kPerState>
__global__ void __launch_bounds__(kWarp* kWarps)
    Forward(Arrays in, PackedArrays packing, float* y, float* kept, float* before) {
  const Place<kSplit> at(in);
  if (at.group >= in.groups) return;
  const int segment = static_cast<int>(blockIdx.x);
  float a[kStates], s[kStates];
  ReadStates<kSplit, kPerState>(in, at, packing.carry[segment], a, s);
  for (int row = packing.begin[segment]; row < packing.end[segment]; ++row) {
    const int64_t own = static_cast<int64_t>(row) * in.d_inner + at.channel;
    const float delta = in.delta[own], write = delta * in.x[own],
                shared = kPerState ? 0 : expf(delta * a[0]);
    const int64_t bc = (static_cast<int64_t>(row) * in.groups + at.group) * in.d_state + at.first;
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kStates; ++i) {
      if (i >= at.count) continue;
      if (before != nullptr && at.is_real)
        before[(static_cast<int64_t>(row) * in.d_state + at.first + i) * in.d_inner + at.channel] =
            s[i];
      s[i] = Decay<kPerState>(delta, a, i, shared) * s[i] + write * in.b[bc + i];
      sum += in.c[bc + i] * s[i];
    }
    sum = Sum<1, kSplit>(sum);
    if (y != nullptr && at.leads && at.is_real) y[own] = sum;
    const int slot = packing.kept[row];
    if (kept == nullptr || slot < 0 || !at.is_real) continue;
#pragma unroll
    for (int i = 0; i < kStates; ++i) {
      if (i < at.count)
        kept[(static_cast<int64_t>(slot) * in.d_state + at.first + i) * in.d_inner + at.channel] =
            s[i];
    }
  }
}

struct Gradients {
  const float *y, *kept;  // of the outputs; kept may be null
  float *x, *delta;
  float *b, *c;  // [part, row, groups, d_state], the sums over the channels of each warp
  float* from;
};

// Walks back through a segment. `before` holds S before each row.
template <int kSplit, bool kPerState>
__global__ void __launch_bounds__(kWarp* kWarps)
    Backward(Arrays in, PackedArrays packing, const float* before, Gradients g) {
  const Place<kSplit> at(in);
  if (at.group >= in.groups) return;
  const int segment = static_cast<int>(blockIdx.x), carry = packing.carry[segment];
  float a[kStates], gs[kStates];
  ReadStates<kSplit, kPerState>(in, at, -1, a, gs);
  for (int row = packing.end[segment] - 1; row >= packing.begin[segment]; --row) {
    const int64_t own = static_cast<int64_t>(row) * in.d_inner + at.channel;
    const float delta = in.delta[own], x = in.x[own], gy = at.is_real ? g.y[own] : 0,
                shared = kPerState ? 0 : expf(delta * a[0]);
    const int64_t bc = (static_cast<int64_t>(row) * in.groups + at.group) * in.d_state + at.first,
                  part = static_cast<int64_t>(at.part) * in.rows * in.groups * in.d_state + bc;
    const int slot = g.kept == nullptr ? -1 : packing.kept[row];
    float gx = 0, gdelta = 0;
#pragma unroll
    for (int i = 0; i < kStates; ++i) {
      const bool exists = i < at.count;
      float gb = 0, gc = 0;
      if (exists) {
        const int64_t n = at.first + i;
        const float
            b = in.b[bc + i],
            s = before[(static_cast<int64_t>(row) * in.d_state + n) * in.d_inner + at.channel],
            decay = Decay<kPerState>(delta, a, i, shared);
        if (slot >= 0 && at.is_real)
          gs[i] += g.kept[(static_cast<int64_t>(slot) * in.d_state + n) * in.d_inner + at.channel];
        gs[i] += gy * in.c[bc + i];
        gc = gy * (decay * s + delta * x * b);
        gb = gs[i] * delta * x;
        gx += gs[i] * delta * b;
        gdelta += gs[i] * (x * b + a[i] * decay * s);
        gs[i] *= decay;
      }
      gb = Sum<kSplit, kWarp>(gb);
      gc = Sum<kSplit, kWarp>(gc);
      if (exists && threadIdx.x % kWarp < kSplit) {
        g.b[part + i] = gb;
        g.c[part + i] = gc;
      }
    }
    gx = Sum<1, kSplit>(gx);
    gdelta = Sum<1, kSplit>(gdelta);
    if (!at.leads || !at.is_real) continue;
    g.x[own] = gx;
    g.delta[own] = gdelta;
  }
  if (carry < 0 || !at.is_real) return;
#pragma unroll
  for (int i = 0; i < kStates; ++i) {  // segments may share a slot
    if (i < at.count)
      atomicAdd(g.from + (static_cast<int64_t>(carry) * in.d_state + at.first + i) * in.d_inner +
                    at.channel,
                gs[i]);
  }
}

// Calls `run` with the number of threads that share a channel, and with whether each state has a
// decay of its own, as types.
template <typename Run>
void Choose(const ScanInput& in, const Run& run) {
  const bool per_state = in.a.size(0) > 1;
  const auto split = [&](auto threads) {
    if (per_state) run(threads, std::true_type());
    else run(threads, std::false_type());
  };
  const int64_t states = in.b.size(2);
  TORCH_CHECK(states <= kStates * kWarp, "the scan has ", states,
              " states; the GPU's kernel takes ", kStates * kWarp);
  if (states <= kStates) split(std::integral_constant<int, 1>());
  else if (states <= 2 * kStates) split(std::integral_constant<int, 2>());
  else if (states <= 4 * kStates) split(std::integral_constant<int, 4>());
  else if (states <= 8 * kStates) split(std::integral_constant<int, 8>());
  else if (states <= 16 * kStates) split(std::integral_constant<int, 16>());
  else split(std::integral_constant<int, 32>());
}

// Blocks for all segments and channels.
template <int kSplit>
dim3 Blocks(const Arrays& in, const Packing& packing) {
  const int warps = Place<kSplit>::WarpsOfGroup(in.d_inner, in.groups) * in.groups;
  return dim3(static_cast<unsigned>(packing.segments.size()),
              static_cast<unsigned>((warps + kWarps - 1) / kWarps));
}

class CudaScanKernel : public ScanKernel {
 public:
  KernelOutput Forward(const ScanInput& in, const at::Tensor& from,
                       const Packing& packing) const override {
    KernelOutput out{at::empty_like(in.x),
                     at::empty({packing.kept_count(), in.b.size(2), in.x.size(1)}, in.x.options())};
    const c10::cuda::CUDAGuard guard(in.x.device());
    const CudaPacking packed(packing, in.x.device());
    Run(in, from, packing, packed, out.y.data_ptr<float>(), out.kept.data_ptr<float>(), nullptr);
    return out;
  }

  ScanGradients Backward(const ScanInput& in, const at::Tensor& from, const KernelOutput& gradient,
                         const Packing& packing) const override {
    const c10::cuda::CUDAGuard guard(in.x.device());
    const int64_t rows = in.x.size(0), d_inner = in.x.size(1), d_state = in.b.size(2),
                  groups = in.b.size(1);
    const at::Tensor before = at::empty({rows, d_state, d_inner}, in.x.options());
    const CudaPacking packed(packing, in.x.device());
    Run(in, from, packing, packed, nullptr, nullptr, before.data_ptr<float>());
    ScanGradients out{at::empty_like(in.x), at::empty_like(in.delta), {}, {}, at::zeros_like(from)};
    Choose(in, [&](auto split, auto per_state) {
      const Arrays arrays = ArraysOf(in, from);
      const int parts = Place<split.value>::WarpsOfGroup(arrays.d_inner, arrays.groups);
      const at::Tensor b = at::empty({parts, rows, groups, d_state}, in.x.options()),
                       c = at::empty_like(b);
      mambascope::Backward<split.value, per_state.value>
          <<<Blocks<split.value>(arrays, packing), kWarp * kWarps, 0,
             c10::cuda::getCurrentCUDAStream()>>>(
              arrays, packed.arrays, before.data_ptr<float>(),
              {gradient.y.data_ptr<float>(),
               gradient.kept.defined() ? gradient.kept.data_ptr<float>() : nullptr,
               out.x.data_ptr<float>(), out.delta.data_ptr<float>(), b.data_ptr<float>(),
               c.data_ptr<float>(), out.from.data_ptr<float>()});
      C10_CUDA_KERNEL_LAUNCH_CHECK();
      out.b = b.sum(0);
      out.c = c.sum(0);
    });
    return out;
  }

 private:
  static void Run(const ScanInput& in, const at::Tensor& from, const Packing& packing,
                  const CudaPacking& packed, float* y, float* kept, float* before) {
    Choose(in, [&](auto split, auto per_state) {
      const Arrays arrays = ArraysOf(in, from);
      mambascope::Forward<split.value, per_state.value>
          <<<Blocks<split.value>(arrays, packing), kWarp * kWarps, 0,
             c10::cuda::getCurrentCUDAStream()>>>(arrays, packed.arrays, y, kept, before);
      C10_CUDA_KERNEL_LAUNCH_CHECK();
    });
  }
};

}  // namespace

const ScanKernel& CudaScan() {
  static const CudaScanKernel kernel;
  return kernel;
}

}  // namespace mambascope
