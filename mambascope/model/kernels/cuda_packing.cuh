// What the CUDA kernels share: a packing on a GPU, rows that may lie apart, and small functions.
#pragma once

#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>

#include "mambascope/model/kernels/packing.h"

namespace mambascope {

// Returns x [row, ..] with the numbers of each row one after the other, as the kernels read them.
inline at::Tensor InRows(const at::Tensor& x) {
  return !x.defined() || x.stride(-1) == 1 ? x : x.contiguous();
}

// Whether every row begins where a kernel can read four numbers together. Undefined: it can.
inline bool ReadsByFour(const at::Tensor& x) {
  if (!x.defined() || x.numel() == 0) return true;
  return reinterpret_cast<uintptr_t>(x.data_ptr()) % sizeof(float4) == 0 &&
         (x.dim() == 1 || x.stride(0) % 4 == 0);
}

inline const float* Pointer(const at::Tensor& x) {
  return x.defined() && x.numel() > 0 ? x.data_ptr<float>() : nullptr;
}

// x sigmoid(x), by the GPU's fast exponential and division.
__device__ inline float Silu(float x) { return __fdividef(x, 1 + __expf(-x)); }

// clamp(softplus(x), least, most), which is NaN for NaN.
__device__ inline float StepSize(float x, float least, float most) {
  const float delta = x > 20 ? x : log1pf(expf(x));
  return delta < least ? least : delta > most ? most : delta;
}

// Plain arrays for a kernel.
struct PackedArrays {
  const int* begin;    // [segment], the first row
  const int* end;      // [segment], the row after the last
  const int* carry;    // [segment], slot, or -1
  const int* segment;  // [row]
  const int* kept;     // [row], slot that is kept after it, or -1; null if none is
};

// Holds the arrays of a packing on a device. They are copied there at once, on the current stream.
class CudaPacking {
 public:
  CudaPacking(const Packing& packing, const at::Device& device) {
    const size_t segments = packing.segments.size(), rows = static_cast<size_t>(packing.rows()),
                 kept = packing.kept.empty() ? 0 : rows;
    const at::Tensor host = at::empty({static_cast<int64_t>(3 * segments + rows + kept)}, at::kInt);
    int* const at = host.data_ptr<int>();
    for (size_t i = 0; i < segments; ++i) {
      const Segment& s = packing.segments[i];
      at[i] = static_cast<int>(s.begin);
      at[segments + i] = static_cast<int>(s.end());
      at[2 * segments + i] = static_cast<int>(s.carry);
      for (int64_t row = s.begin; row < s.end(); ++row)
        at[3 * segments + static_cast<size_t>(row)] = static_cast<int>(i);
    }
    int* const slots = at + 3 * segments + rows;
    std::fill(slots, slots + kept, -1);
    for (size_t i = 0; i < packing.kept.size(); ++i) slots[packing.kept[i]] = static_cast<int>(i);
    data_ = SentTo(device, host);
    const int* const data = data_.data_ptr<int>();
    arrays = {data, data + segments, data + 2 * segments, data + 3 * segments,
              kept == 0 ? nullptr : data + 3 * segments + rows};
  }

  PackedArrays arrays = {};

 private:
  at::Tensor data_;
};

}  // namespace mambascope
