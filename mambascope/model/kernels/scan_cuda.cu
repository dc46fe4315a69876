// The selective scan on a GPU. A thread holds up to kStates states of one channel in registers, and
// walks through the tokens of some segments, one after the other. The threads that share a channel
// are neighbours in a warp, and add up their parts of y. The channels of a warp are of one group,
// so that they read the same b and c. Where a channel has one thread, a warp copies b and c of
// kTile tokens to shared memory, and waits once for all of them.
#include <c10/cuda/CUDAGuard.h>

#include <type_traits>

#include "mambascope/model/kernels/cuda_packing.cuh"
#include "mambascope/model/kernels/device_kernels.h"
#include "mambascope/model/kernels/ssd_cuda.cuh"

namespace mambascope {
namespace {

constexpr int kWarp = 32, kWarps = 4;  // threads of a warp, warps of a block
constexpr int kStates = 16;            // states of a thread
constexpr int kTile = 8;               // tokens of b and c in shared memory
constexpr unsigned kAll = 0xffffffff;  // all threads of a warp

// Numbers [row, ..] whose rows may lie apart.
struct Rows {
  const float* data = nullptr;
  int64_t stride = 0;  // from row to row
  __device__ const float* operator[](int64_t row) const { return data + row * stride; }
};

Rows RowsOf(const at::Tensor& x) {
  return x.defined() ? Rows{x.data_ptr<float>(), x.stride(0)} : Rows{};
}

struct Arrays {
  Rows x, delta, b, c;
  const float *a, *from;
  int d_inner, d_state, groups, rows;
};

Arrays ArraysOf(const ScanInput& in, const at::Tensor& from) {
  return {RowsOf(in.x),
          RowsOf(in.delta),
          RowsOf(in.b),
          RowsOf(in.c),
          in.a.data_ptr<float>(),
          Pointer(from),
          static_cast<int>(in.x.size(1)),
          static_cast<int>(in.b.size(2)),
          static_cast<int>(in.b.size(1)),
          static_cast<int>(in.x.size(0))};
}

// What precedes and follows the scan (GatedScan).
struct Ends {
  const float *dt_bias, *d;  // [head], [d_inner]
  Rows gate;
  int head_dim;  // channels that share a step size
  float least, most;
  c10::BFloat16* rounded;  // where the result goes, as y [row, d_inner]; null: it goes to y
};

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

// The decay of one token, exp(delta a). Forward computes it with PowerOf2.
template <bool kPerState>
__device__ float Decay(float delta, const float* a, int i, float shared) {
  return kPerState ? expf(delta * a[i]) : shared;
}

// 2^x, and 0 below the smallest normal number.
__device__ float PowerOf2(float x) {
  float power = 0;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
  return power;
}

// Reads a of a thread's states, times `scale`.
template <int kSplit, bool kPerState>
__device__ void ReadA(const Arrays& in, const Place<kSplit>& at, float scale, float* a) {
#pragma unroll
  for (int i = 0; i < kStates; ++i)
    a[i] =
        i < at.count ? scale * in.a[(kPerState ? (at.first + i) * in.d_inner : 0) + at.channel] : 0;
}

// Reads a thread's states of a slot. Slot -1 has zeros.
template <int kSplit>
__device__ void ReadCarry(const Arrays& in, const Place<kSplit>& at, int slot, float* s) {
  const float* const from =
      in.from + (static_cast<int64_t>(slot) * in.d_state + at.first) * in.d_inner + at.channel;
#pragma unroll
  for (int i = 0; i < kStates; ++i)
    s[i] = slot >= 0 && i < at.count ? from[static_cast<int64_t>(i) * in.d_inner] : 0;
}

// Reads a thread's states of b or c, which follow one another. kWhole: there are kStates of them,
// and four together are aligned.
template <bool kWhole>
__device__ void ReadRow(const float* from, int count, float* to) {
#pragma unroll
  for (int i = 0; i < kStates; i += 4) {
    if (kWhole) {
      const float4 four = *reinterpret_cast<const float4*>(from + i);
      to[i] = four.x, to[i + 1] = four.y, to[i + 2] = four.z, to[i + 3] = four.w;
    } else {
#pragma unroll
      for (int k = i; k < i + 4; ++k) to[k] = k < count ? from[k] : 0;
    }
  }
}

// A block computes `together` segments for kWarps warps of channels. With `before`, it also stores
// S before each row, [row, d_state, d_inner]. With kEnds it computes GatedScan, and `before` is
// null.
template <int kSplit, bool kPerState, bool kWhole, bool kEnds>
__global__ void __launch_bounds__(kWarp* kWarps, kEnds ? 5 : 1)
    Forward(Arrays in, Ends ends, PackedArrays packing, int segments, int together, float* y,
            float* kept, float* before) {
  constexpr bool kStaged = kWhole && kSplit == 1;
  static_assert(2 * kStates == kWarp, "a warp reads b and c of a token together");
  constexpr float kLog2E = 1.44269504088896341F;
  __shared__ alignas(sizeof(float4)) float tiles[kWarps][kStaged ? kTile : 1][2 * kStates];
  const Place<kSplit> at(in);
  if (at.group >= in.groups) return;
  float(*const tile)[2 * kStates] = tiles[threadIdx.x / kWarp];
  const int lane = threadIdx.x % kWarp, first = static_cast<int>(blockIdx.x) * together,
            last = min(first + together, segments),
            step = kEnds ? at.channel / ends.head_dim : at.channel;  // index of the step size
  const float dt_bias = kEnds && ends.dt_bias != nullptr ? ends.dt_bias[step] : 0,
              d = kEnds ? ends.d[at.channel] : 0;
  const bool gated = kEnds && ends.gate.data != nullptr;
  float a[kStates], s[kStates], b[kStates], c[kStates];
  ReadA<kSplit, kPerState>(in, at, kLog2E, a);
  for (int segment = first; segment < last; ++segment) {
    const int begin = packing.begin[segment], end = packing.end[segment];
    float next_x = in.x[begin][at.channel], next_delta = in.delta[begin][step],
          next_gate = gated ? ends.gate[begin][at.channel] : 0;
    ReadCarry(in, at, packing.carry[segment], s);
    for (int row = begin; row < end; ++row) {
      const int of_tile = (row - begin) % kTile;
      if (kStaged && of_tile == 0) {
        __syncwarp();
#pragma unroll
        for (int k = 0; k < kTile; ++k) {
          if (row + k < end)
            tile[k][lane] =
                (lane < kStates ? in.b : in.c)[row + k][at.group * kStates + lane % kStates];
        }
        __syncwarp();
      }
      const float x = next_x, gate = next_gate;
      float delta = next_delta;
      if (row + 1 < end) {  // while this row is computed
        next_x = in.x[row + 1][at.channel];
        next_delta = in.delta[row + 1][step];
        if (gated) next_gate = ends.gate[row + 1][at.channel];
      }
      if (kEnds) delta = StepSize(delta + dt_bias, ends.least, ends.most);
      ReadRow<kWhole>(kStaged ? tile[of_tile] : in.b[row] + at.group * in.d_state + at.first,
                      at.count, b);
      ReadRow<kWhole>(
          kStaged ? tile[of_tile] + kStates : in.c[row] + at.group * in.d_state + at.first,
          at.count, c);
      const float write = delta * x, shared = kPerState ? 0 : PowerOf2(delta * a[0]);
      float sum = 0;
#pragma unroll
      for (int i = 0; i < kStates; ++i) {
        if (!kWhole && i >= at.count) continue;
        if (!kEnds && before != nullptr && at.is_real)
          before[(static_cast<int64_t>(row) * in.d_state + at.first + i) * in.d_inner +
                 at.channel] = s[i];
        s[i] = (kPerState ? PowerOf2(delta * a[i]) : shared) * s[i] + write * b[i];
        sum += c[i] * s[i];
      }
      sum = Sum<1, kSplit>(sum);
      if ((kEnds || y != nullptr) && at.leads && at.is_real) {
        if (kEnds) sum += d * x;
        if (gated) sum *= Silu(gate);
        const int64_t to = static_cast<int64_t>(row) * in.d_inner + at.channel;
        if (kEnds && ends.rounded != nullptr) ends.rounded[to] = sum;
        else y[to] = sum;
      }
      const int slot = kept == nullptr ? -1 : packing.kept[row];
      if (slot < 0 || !at.is_real) continue;
#pragma unroll
      for (int i = 0; i < kStates; ++i) {
        if (i < at.count)
          kept[(static_cast<int64_t>(slot) * in.d_state + at.first + i) * in.d_inner + at.channel] =
              s[i];
      }
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
  float a[kStates], gs[kStates] = {};
  ReadA<kSplit, kPerState>(in, at, 1, a);
  for (int row = packing.end[segment] - 1; row >= packing.begin[segment]; --row) {
    const int64_t own = static_cast<int64_t>(row) * in.d_inner + at.channel;
    const float delta = in.delta[row][at.channel], x = in.x[row][at.channel],
                gy = at.is_real ? g.y[own] : 0, shared = kPerState ? 0 : expf(delta * a[0]);
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
            b = in.b.data[bc + i],
            s = before[(static_cast<int64_t>(row) * in.d_state + n) * in.d_inner + at.channel],
            decay = Decay<kPerState>(delta, a, i, shared);
        if (slot >= 0 && at.is_real)
          gs[i] += g.kept[(static_cast<int64_t>(slot) * in.d_state + n) * in.d_inner + at.channel];
        gs[i] += gy * in.c.data[bc + i];
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

// Number of blocks that all channels take.
template <int kSplit>
int ChannelBlocks(const Arrays& in) {
  const int warps = Place<kSplit>::WarpsOfGroup(in.d_inner, in.groups) * in.groups;
  return (warps + kWarps - 1) / kWarps;
}

// Segments per block: few enough that every multiprocessor has many blocks, about 30 on an H200.
int SegmentsTogether(int segments, int channel_blocks) {
  constexpr int kMost = 8, kBlocks = 4096;
  return std::clamp(segments * channel_blocks / kBlocks, 1, kMost);
}

float* KeptPointer(const KernelOutput& out) {
  return out.kept.numel() > 0 ? out.kept.data_ptr<float>() : nullptr;
}

template <bool kEnds>
void Run(const ScanInput& in, const Ends& ends, const at::Tensor& from, const Packing& packing,
         const CudaPacking& packed, float* y, float* kept, float* before) {
  Choose(in, [&](auto split, auto per_state) {
    const Arrays arrays = ArraysOf(in, from);
    const bool whole =
        in.b.size(2) == split.value * kStates && ReadsByFour(in.b) && ReadsByFour(in.c);
    const auto kernel = whole ? Forward<split.value, per_state.value, true, kEnds>
                              : Forward<split.value, per_state.value, false, kEnds>;
    const int segments = static_cast<int>(packing.segments.size()),
              channels = ChannelBlocks<split.value>(arrays),
              together = SegmentsTogether(segments, channels);
    const dim3 blocks((segments + together - 1) / together, channels);
    kernel<<<blocks, kWarp * kWarps, 0, c10::cuda::getCurrentCUDAStream()>>>(
        arrays, ends, packed.arrays, segments, together, y, kept, before);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  });
}

class CudaScanKernel : public ScanKernel {
 public:
  KernelOutput Forward(const ScanInput& in, const at::Tensor& from,
                       const Packing& packing) const override {
    KernelOutput out{at::empty_like(in.x),
                     at::empty({packing.kept_count(), in.b.size(2), in.x.size(1)}, in.x.options())};
    const c10::cuda::CUDAGuard guard(in.x.device());
    const CudaPacking packed(packing, in.x.device());
    Run<false>(in, {}, from, packing, packed, out.y.data_ptr<float>(), KeptPointer(out), nullptr);
    return out;
  }

  ScanGradients Backward(const ScanInput& in, const at::Tensor& from, const KernelOutput& gradient,
                         const Packing& packing) const override {
    const c10::cuda::CUDAGuard guard(in.x.device());
    const int64_t rows = in.x.size(0), d_inner = in.x.size(1), d_state = in.b.size(2),
                  groups = in.b.size(1);
    const at::Tensor before = at::empty({rows, d_state, d_inner}, in.x.options());
    const CudaPacking packed(packing, in.x.device());
    Run<false>(in, {}, from, packing, packed, nullptr, nullptr, before.data_ptr<float>());
    ScanGradients out{at::empty_like(in.x), at::empty_like(in.delta), {}, {}, at::zeros_like(from)};
    Choose(in, [&](auto split, auto per_state) {
      const Arrays arrays = ArraysOf(in, from);
      const int parts = Place<split.value>::WarpsOfGroup(arrays.d_inner, arrays.groups);
      const at::Tensor b = at::empty({parts, rows, groups, d_state}, in.x.options()),
                       c = at::empty_like(b);
      mambascope::Backward<split.value, per_state.value>
          <<<dim3(packing.segments.size(), ChannelBlocks<split.value>(arrays)), kWarp * kWarps, 0,
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
};

}  // namespace

const ScanKernel& CudaScan() {
  static const CudaScanKernel kernel;
  return kernel;
}

KernelOutput CudaGatedScan(const GatedScanInput& given, const at::Tensor& from,
                           const Packing& packing) {
  GatedScanInput in = given;
  for (at::Tensor* x : {&in.x, &in.dt, &in.b, &in.c, &in.gate_in}) *x = InRows(*x);
  const c10::cuda::CUDAGuard guard(in.x.device());
  if (IsSsd(in, packing)) return {Ssd(in, from, packing), {}};
  const auto width = static_cast<int>(in.x.size(1));
  KernelOutput out{at::empty({packing.rows(), width}, in.x.options().dtype(in.as)),
                   at::empty({packing.kept_count(), in.b.size(2), width}, in.x.options())};
  const CudaPacking packed(packing, in.x.device());
  const bool rounds = in.as == at::kBFloat16;
  const Ends ends{Pointer(in.dt_bias),
                  in.d.data_ptr<float>(),
                  RowsOf(in.gate_in),
                  width / static_cast<int>(in.dt.size(1)),
                  static_cast<float>(in.dt_min),
                  static_cast<float>(in.dt_max),
                  rounds ? out.y.data_ptr<c10::BFloat16>() : nullptr};
  Run<true>({in.x, in.dt, in.a, in.b, in.c}, ends, from, packing, packed,
            rounds ? nullptr : out.y.data_ptr<float>(), KeptPointer(out), nullptr);
  return out;
}

}  // namespace mambascope
