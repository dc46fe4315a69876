// Attention on a GPU over packed segments that continue from slots of a carry. A warp computes one
// head of one row: it walks through the keys that the row reads, and keeps the sum of their values
// under a softmax whose largest score may still grow (Milakov & Gimelshein 2018).
#include <c10/cuda/CUDAGuard.h>

#include <cmath>

#include "mambascope/model/kernels/cuda_packing.cuh"
#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {
namespace {

constexpr int kWarp = 32, kThreads = 128;
// Numbers of a head that a lane holds. A head has at most kWarp times as many.
constexpr int kMostParts = kMostFusedHead / kWarp;

struct Shape {
  int rows, heads, kv_heads, head_dim, window;
  float scale, softcap;
};

struct Tensors {
  const float *q, *k, *v;              // [row, heads or kv_heads, head_dim]
  const float *carried_k, *carried_v;  // [carried row, kv_heads, head_dim]
  const int *slot_begin, *slot_end;    // [slot], rows of the carry
};

// The softmax of the scores so far, and the sum of values under it.
template <int kParts>
struct Sums {
  float most = -INFINITY, weight = 0, value[kParts] = {};
};

// Reads the keys [begin, end) of the rows of `k` and `v`.
template <int kParts>
__device__ void Walk(const Shape& shape, const float* k, const float* v, int begin, int end,
                     int kv_head, const float* q, Sums<kParts>& sums) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  for (int key = begin; key < end; ++key) {
    const int64_t at = (static_cast<int64_t>(key) * shape.kv_heads + kv_head) * shape.head_dim;
    float score = 0;
#pragma unroll
    for (int i = 0; i < kParts; ++i) {
      const int dim = i * kWarp + lane;
      if (dim < shape.head_dim) score += q[i] * k[at + dim];
    }
#pragma unroll
    for (int bit = 1; bit < kWarp; bit *= 2) score += __shfl_xor_sync(0xffffffff, score, bit);
    score *= shape.scale;
    if (shape.softcap > 0) score = tanhf(score / shape.softcap) * shape.softcap;
    const float most = fmaxf(sums.most, score), before = expf(sums.most - most),
                own = expf(score - most);
    sums.most = most;
    sums.weight = sums.weight * before + own;
#pragma unroll
    for (int i = 0; i < kParts; ++i) {
      const int dim = i * kWarp + lane;
      if (dim < shape.head_dim) sums.value[i] = sums.value[i] * before + own * v[at + dim];
    }
  }
}

template <int kParts>
__global__ void __launch_bounds__(kThreads)
    AttendRows(Shape shape, PackedArrays packing, Tensors in, float* out) {
  const int64_t warp = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp,
            row = static_cast<int>(warp / shape.heads), head = static_cast<int>(warp % shape.heads);
  if (row >= shape.rows) return;
  const int kv_head = head / (shape.heads / shape.kv_heads), segment = packing.segment[row],
            begin = packing.begin[segment], slot = packing.carry[segment];
  const int64_t at = warp * shape.head_dim;
  float q[kParts];
#pragma unroll
  for (int i = 0; i < kParts; ++i)
    q[i] = i * kWarp + lane < shape.head_dim ? in.q[at + i * kWarp + lane] : 0;
  Sums<kParts> sums;
  const int carried = slot < 0 ? 0 : in.slot_end[slot] - in.slot_begin[slot],
            hidden = shape.window == 0 ? 0 : max(0, carried + row - begin + 1 - shape.window);
  if (slot >= 0)
    Walk(shape, in.carried_k, in.carried_v, in.slot_begin[slot] + min(hidden, carried),
         in.slot_end[slot], kv_head, q, sums);
  Walk(shape, in.k, in.v, begin + max(0, hidden - carried), row + 1, kv_head, q, sums);
#pragma unroll
  for (int i = 0; i < kParts; ++i) {
    if (i * kWarp + lane < shape.head_dim) out[at + i * kWarp + lane] = sums.value[i] / sums.weight;
  }
}

// The first rows of the slots, then their ends.
at::Tensor SlotRows(const Carry& from, const at::Device& device) {
  const auto slots = static_cast<int64_t>(from.rows.size());
  const at::Tensor rows = at::empty({2, slots}, at::kInt);
  int* const to = rows.data_ptr<int>();
  for (int64_t i = 0; i < slots; ++i) {
    to[i] = static_cast<int>(from.rows[static_cast<size_t>(i)].begin);
    to[slots + i] = static_cast<int>(from.rows[static_cast<size_t>(i)].end);
  }
  return SentTo(device, rows);
}

}  // namespace

at::Tensor CudaAttend(const AttentionInput& in, const AttentionConfig& config,
                      const Packing& packing, const Carry& from) {
  const c10::cuda::CUDAGuard guard(in.q.device());
  const at::Tensor q = in.q.contiguous(), k = in.k.contiguous(), v = in.v.contiguous(),
                   carried_k = from.keys.defined() ? from.keys.contiguous() : at::Tensor(),
                   carried_v = from.values.defined() ? from.values.contiguous() : at::Tensor();
  const Shape shape{static_cast<int>(q.size(0)),
                    static_cast<int>(q.size(1)),
                    static_cast<int>(k.size(1)),
                    static_cast<int>(q.size(2)),
                    static_cast<int>(config.window),
                    static_cast<float>(config.scale == 0 ? 1 / std::sqrt(q.size(2)) : config.scale),
                    static_cast<float>(config.softcap)};
  const at::Tensor out = at::empty({q.size(0), q.size(1) * q.size(2)}, q.options());
  const CudaPacking packed(packing, q.device());
  const at::Tensor slots = SlotRows(from, q.device());
  const int* const slot_begin = slots.data_ptr<int>();
  const Tensors tensors{q.data_ptr<float>(),       k.data_ptr<float>(), v.data_ptr<float>(),
                        Pointer(carried_k),        Pointer(carried_v),  slot_begin,
                        slot_begin + slots.size(1)};
  const auto blocks =
      static_cast<unsigned>((q.size(0) * q.size(1) * kWarp + kThreads - 1) / kThreads);
  const int parts = (shape.head_dim + kWarp - 1) / kWarp;
  const auto kernel = parts <= 2   ? AttendRows<2>
                      : parts <= 4 ? AttendRows<4>
                      : parts <= 8 ? AttendRows<8>
                                   : AttendRows<kMostParts>;
  kernel<<<blocks, kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(shape, packed.arrays, tensors,
                                                                     out.data_ptr<float>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return out;
}

}  // namespace mambascope
