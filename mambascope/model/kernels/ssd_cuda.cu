// Mamba-2's scan on a GPU as matrix products (Dao & Gu 2024, section 6). All channels of a head
// have one decay. So the outputs of a segment's rows t are
//
//   s_t = exp(A d_t) C_t S + sum over the segment's rows j <= t of
//         exp(A (d_t - d_j)) (C_t . B_j) delta_j x_j + D x_t,     d_t = sum of delta up to row t
//
// where S is the carry before the segment. Many segments continue from one carry: their rows are
// multiplied by it together, in tiles. No state after a row is computed.
#include <c10/cuda/CUDAGuard.h>

#include <algorithm>
#include <vector>

#include "mambascope/model/kernels/cuda_packing.cuh"
#include "mambascope/model/kernels/device_kernels.h"
#include "mambascope/model/kernels/ssd_cuda.cuh"

namespace mambascope {
namespace {

constexpr int kWarp = 32;
constexpr int kTile = 64;                      // rows of a tile, and channels
constexpr int kDepth = 32;                     // states in shared memory at a time
constexpr int kOwnRows = 8, kOwnChannels = 4;  // of a thread
constexpr int kThreads = (kTile / kOwnRows) * (kTile / kOwnChannels);

struct Shape {
  int rows, d_inner, d_state, groups, heads;
  int64_t x_stride, dt_stride, b_stride, c_stride;  // of rows
  __device__ __host__ int head_dim() const { return d_inner / heads; }
};

// delta and its sums, [row, head] each. A thread walks through a segment for one head.
__global__ void Steps(Shape shape, PackedArrays packing, const float* dt, const float* bias,
                      float least, float most, float* delta, float* sums) {
  const int head = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x),
            segment = static_cast<int>(blockIdx.x);
  if (head >= shape.heads) return;
  float sum = 0;
  for (int row = packing.begin[segment]; row < packing.end[segment]; ++row) {
    const float own = StepSize(dt[row * shape.dt_stride + head] + bias[head], least, most);
    sum += own;
    delta[static_cast<int64_t>(row) * shape.heads + head] = own;
    sums[static_cast<int64_t>(row) * shape.heads + head] = sum;
  }
}

// C_t . B_j of the rows j <= t of a segment, [row t, group, kTile], j from the segment's first row.
// One row and group per warp.
__global__ void Scores(Shape shape, PackedArrays packing, const float* b, const float* c,
                       float* scores) {
  const int warp = static_cast<int>((blockIdx.x * blockDim.x + threadIdx.x) / kWarp),
            lane = static_cast<int>(threadIdx.x) % kWarp, row = warp / shape.groups,
            group = warp % shape.groups;
  if (row >= shape.rows) return;
  const int begin = packing.begin[packing.segment[row]];
  const float* const own = c + row * shape.c_stride + group * shape.d_state;
  for (int j = begin; j <= row; ++j) {
    const float* const other = b + j * shape.b_stride + group * shape.d_state;
    float sum = 0;
    for (int n = lane; n < shape.d_state; n += kWarp) sum += own[n] * other[n];
    for (int bit = 1; bit < kWarp; bit *= 2) sum += __shfl_xor_sync(0xffffffff, sum, bit);
    if (lane == 0) scores[static_cast<int64_t>(warp) * kTile + j - begin] = sum;
  }
}

struct Tile {
  int slot;          // carry, or -1
  int first, count;  // of the rows in order
};

struct Parts {
  const float *x, *c, *a, *d, *from;
  const float *delta, *sums, *scores;
  const Tile* tiles;
  const int* order;  // rows by the carry of their segment
};

// A tile of rows that continue from one carry, and some channels, per block.
__global__ void __launch_bounds__(kThreads)
    Outputs(Shape shape, PackedArrays packing, Parts parts, float* s) {
  __shared__ alignas(sizeof(float4)) float rows_c[kDepth][kTile + 4], carry[kDepth][kTile];
  __shared__ int rows[kTile];
  const Tile tile = parts.tiles[blockIdx.x];
  const int thread = static_cast<int>(threadIdx.x), channels = static_cast<int>(blockIdx.y) * kTile,
            group = channels / (shape.d_inner / shape.groups);
  if (thread < kTile) rows[thread] = parts.order[tile.first + min(thread, tile.count - 1)];
  __syncthreads();
  const int own_row = thread / (kTile / kOwnChannels) * kOwnRows,
            own_channel = thread % (kTile / kOwnChannels) * kOwnChannels;
  float sum[kOwnRows][kOwnChannels] = {};
  for (int depth = 0; tile.slot >= 0 && depth < shape.d_state; depth += kDepth) {
    for (int i = thread; i < kTile * kDepth / 4; i += kThreads) {
      const int row = i / (kDepth / 4), n = i % (kDepth / 4) * 4;
      const float4 four = *reinterpret_cast<const float4*>(parts.c + rows[row] * shape.c_stride +
                                                           group * shape.d_state + depth + n);
      rows_c[n][row] = four.x, rows_c[n + 1][row] = four.y;
      rows_c[n + 2][row] = four.z, rows_c[n + 3][row] = four.w;
    }
    for (int i = thread; i < kDepth * kTile / 4; i += kThreads) {
      const int n = i / (kTile / 4), channel = i % (kTile / 4) * 4;
      *reinterpret_cast<float4*>(&carry[n][channel]) = *reinterpret_cast<const float4*>(
          parts.from +
          (static_cast<int64_t>(tile.slot) * shape.d_state + depth + n) * shape.d_inner + channels +
          channel);
    }
    __syncthreads();
#pragma unroll 8
    for (int n = 0; n < kDepth; ++n) {
      float c[kOwnRows];
#pragma unroll
      for (int i = 0; i < kOwnRows; i += 4)
        *reinterpret_cast<float4*>(c + i) =
            *reinterpret_cast<const float4*>(&rows_c[n][own_row + i]);
      const float4 four = *reinterpret_cast<const float4*>(&carry[n][own_channel]);
#pragma unroll
      for (int i = 0; i < kOwnRows; ++i) {
        sum[i][0] += c[i] * four.x, sum[i][1] += c[i] * four.y;
        sum[i][2] += c[i] * four.z, sum[i][3] += c[i] * four.w;
      }
    }
    __syncthreads();
  }
  const int channel = channels + own_channel, head = channel / shape.head_dim();
  const float a = parts.a[channel];
  const float4 d = *reinterpret_cast<const float4*>(parts.d + channel);
#pragma unroll
  for (int i = 0; i < kOwnRows; ++i) {
    if (own_row + i >= tile.count) break;
    const int row = rows[own_row + i], begin = packing.begin[packing.segment[row]];
    const auto steps = [&](int r) { return static_cast<int64_t>(r) * shape.heads + head; };
    const auto x = [&](int r) {
      return *reinterpret_cast<const float4*>(parts.x + r * shape.x_stride + channel);
    };
    const float until = parts.sums[steps(row)], decay = expf(a * until);
    const float4 own = x(row);
    float out[kOwnChannels] = {d.x * own.x, d.y * own.y, d.z * own.z, d.w * own.w};
    const float* const scores =
        parts.scores + (static_cast<int64_t>(row) * shape.groups + group) * kTile;
    for (int j = begin; j <= row; ++j) {
      const float4 other = x(j);
      const float weight =
          scores[j - begin] * parts.delta[steps(j)] * expf(a * (until - parts.sums[steps(j)]));
      out[0] += weight * other.x, out[1] += weight * other.y;
      out[2] += weight * other.z, out[3] += weight * other.w;
    }
    *reinterpret_cast<float4*>(s + static_cast<int64_t>(row) * shape.d_inner + channel) =
        make_float4(out[0] + decay * sum[i][0], out[1] + decay * sum[i][1],
                    out[2] + decay * sum[i][2], out[3] + decay * sum[i][3]);
  }
}

// The tiles of a packing. A segment lies in one tile.
struct Tiles {
  std::vector<Tile> tiles;
  std::vector<int> order;
};

Tiles MakeTiles(const Packing& packing) {
  std::vector<std::vector<const Segment*>> by_slot;  // slot + 1
  for (const Segment& s : packing.segments) {
    const auto at = static_cast<size_t>(s.carry + 1);
    if (by_slot.size() <= at) by_slot.resize(at + 1);
    by_slot[at].push_back(&s);
  }
  Tiles made;
  for (size_t slot = 0; slot < by_slot.size(); ++slot) {
    for (size_t i = 0; i < by_slot[slot].size(); ++i) {
      const Segment& s = *by_slot[slot][i];
      const auto length = static_cast<int>(s.length);
      if (i == 0 || made.tiles.back().count + length > kTile)
        made.tiles.push_back({static_cast<int>(slot) - 1, static_cast<int>(made.order.size()), 0});
      made.tiles.back().count += length;
      for (int64_t row = s.begin; row < s.end(); ++row) made.order.push_back(static_cast<int>(row));
    }
  }
  return made;
}

// Integers on the device: those of the tiles, then the order.
at::Tensor Sent(const Tiles& made, const at::Device& device) {
  constexpr size_t kTileInts = sizeof(Tile) / sizeof(int);
  const at::Tensor host = at::empty(
      {static_cast<int64_t>(made.tiles.size() * kTileInts + made.order.size())}, at::kInt);
  int* const to = host.data_ptr<int>();
  std::copy_n(reinterpret_cast<const int*>(made.tiles.data()), made.tiles.size() * kTileInts, to);
  std::copy(made.order.begin(), made.order.end(), to + made.tiles.size() * kTileInts);
  return SentTo(device, host);
}

unsigned Over(int64_t count, int64_t block) {
  return static_cast<unsigned>((count + block - 1) / block);
}

}  // namespace

bool IsSsd(const GatedScanInput& in, const Packing& packing) {
  const int64_t d_inner = in.x.size(1), groups = in.b.size(1);
  const bool shapes = in.a.size(0) == 1 && d_inner / groups % kTile == 0 &&
                      in.b.size(2) % kDepth == 0 && d_inner / in.dt.size(1) % kOwnChannels == 0;
  const bool is_short = std::all_of(packing.segments.begin(), packing.segments.end(),
                                    [](const Segment& s) { return s.length <= kTile; });
  return shapes && is_short && packing.kept.empty() && !in.gate_in.defined() && ReadsByFour(in.x) &&
         ReadsByFour(in.c) && ReadsByFour(in.d);
}

at::Tensor Ssd(const GatedScanInput& in, const at::Tensor& from, const Packing& packing) {
  const Shape shape{static_cast<int>(packing.rows()),
                    static_cast<int>(in.x.size(1)),
                    static_cast<int>(in.b.size(2)),
                    static_cast<int>(in.b.size(1)),
                    static_cast<int>(in.dt.size(1)),
                    in.x.stride(0),
                    in.dt.stride(0),
                    in.b.stride(0),
                    in.c.stride(0)};
  const CudaPacking packed(packing, in.x.device());
  const Tiles made = MakeTiles(packing);
  const at::Tensor sent = Sent(made, in.x.device());
  const auto options = in.x.options();
  const at::Tensor s = at::empty({shape.rows, shape.d_inner}, options),
                   delta = at::empty({shape.rows, shape.heads}, options),
                   sums = at::empty_like(delta),
                   scores = at::empty({shape.rows, shape.groups, kTile}, options);
  const auto stream = c10::cuda::getCurrentCUDAStream();
  const dim3 by_head(static_cast<unsigned>(packing.segments.size()), Over(shape.heads, kThreads));
  Steps<<<by_head, kThreads, 0, stream>>>(
      shape, packed.arrays, in.dt.data_ptr<float>(), in.dt_bias.data_ptr<float>(),
      static_cast<float>(in.dt_min), static_cast<float>(in.dt_max), delta.data_ptr<float>(),
      sums.data_ptr<float>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  Scores<<<Over(int64_t{shape.rows} * shape.groups * kWarp, kThreads), kThreads, 0, stream>>>(
      shape, packed.arrays, in.b.data_ptr<float>(), in.c.data_ptr<float>(),
      scores.data_ptr<float>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  const auto* const tiles = reinterpret_cast<const Tile*>(sent.data_ptr<int>());
  const Parts parts{in.x.data_ptr<float>(),
                    in.c.data_ptr<float>(),
                    in.a.data_ptr<float>(),
                    in.d.data_ptr<float>(),
                    Pointer(from),
                    delta.data_ptr<float>(),
                    sums.data_ptr<float>(),
                    scores.data_ptr<float>(),
                    tiles,
                    reinterpret_cast<const int*>(tiles + made.tiles.size())};
  const dim3 blocks(static_cast<unsigned>(made.tiles.size()), Over(shape.d_inner, kTile));
  Outputs<<<blocks, kThreads, 0, stream>>>(shape, packed.arrays, parts, s.data_ptr<float>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return s;
}

}  // namespace mambascope
