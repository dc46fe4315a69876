#include "mambascope/model/kernels/packing.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

namespace mambascope {

Packing Packing::Whole(const std::vector<int64_t>& lengths) {
  Packing packing;
  for (int64_t length : lengths)
    packing.segments.push_back({.begin = packing.rows(), .length = length});
  return packing;
}

at::Tensor Packing::Positions() const {
  std::vector<int64_t> positions;
  for (const Segment& s : segments) {
    for (int64_t i = 0; i < s.length; ++i) positions.push_back(s.position + i);
  }
  return at::tensor(positions, at::kLong);
}

std::vector<int64_t> Packing::KeptSlots() const {
  std::vector<int64_t> slots(static_cast<size_t>(rows()), -1);
  for (size_t i = 0; i < kept.size(); ++i)
    slots[static_cast<size_t>(kept[i])] = static_cast<int64_t>(i);
  return slots;
}

std::vector<int64_t> Packing::LastRows() const {
  std::vector<int64_t> rows;
  for (const Segment& s : segments) rows.push_back(s.end() - 1);
  return rows;
}

// A GPU copies from locked memory without waiting. All cores copy parts of x to locked buffers,
// while the GPU reads the part before. LibTorch keeps a buffer until its copy is done.
at::Tensor SentTo(const at::Device& device, const at::Tensor& x) {
  constexpr int64_t kPart = 32 << 20, kTask = 1 << 20;  // bytes
  if (!device.is_cuda() || !x.is_cpu()) return x.to(device);
  const at::Tensor from = x.contiguous(), to = at::empty(x.sizes(), x.options().device(device));
  const auto whole = static_cast<int64_t>(from.nbytes());
  const auto* const bytes = static_cast<const uint8_t*>(from.data_ptr());
  const at::Tensor sent = to.flatten().view(at::kByte);
  for (int64_t begin = 0; begin < whole; begin += kPart) {
    const int64_t size = std::min(kPart, whole - begin);
    const at::Tensor part = at::empty({size}, at::TensorOptions(at::kByte).pinned_memory(true));
    at::parallel_for(0, (size + kTask - 1) / kTask, 1, [&](int64_t first, int64_t last) {
      const int64_t end = std::min(last * kTask, size);
      std::memcpy(part.data_ptr<uint8_t>() + first * kTask, bytes + begin + first * kTask,
                  static_cast<size_t>(end - first * kTask));
    });
    sent.narrow(0, begin, size).copy_(part, /*non_blocking=*/true);
  }
  return to;
}

at::Tensor RowIndex(const std::vector<int64_t>& rows, const at::Tensor& like) {
  return SentTo(like.device(), at::tensor(rows, at::kLong));
}

at::Tensor InRowOrder(const at::Tensor& x, const std::vector<int64_t>& order) {
  return at::empty_like(x).index_copy(0, RowIndex(order, x), x);
}

}  // namespace mambascope
