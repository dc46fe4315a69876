// A packing on a GPU, for the CUDA kernels.
#pragma once

#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>

#include "mambascope/model/kernels/packing.h"

namespace mambascope {

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
    const at::Tensor host = at::empty({static_cast<int64_t>(3 * segments + rows + kept)},
                                      at::TensorOptions(at::kInt).pinned_memory(true));
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
    data_ = host.to(device, /*non_blocking=*/true);
    const int* const data = data_.data_ptr<int>();
    arrays = {data, data + segments, data + 2 * segments, data + 3 * segments,
              kept == 0 ? nullptr : data + 3 * segments + rows};
  }

  PackedArrays arrays = {};

 private:
  at::Tensor data_;
};

}  // namespace mambascope
