#include "mambascope/model/kernels/packing.h"

#include <ATen/ATen.h>

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

at::Tensor SentTo(const at::Device& device, const at::Tensor& x) {
  return device.is_cuda() ? x.pin_memory().to(device, /*non_blocking=*/true) : x.to(device);
}

at::Tensor RowIndex(const std::vector<int64_t>& rows, const at::Tensor& like) {
  return SentTo(like.device(), at::tensor(rows, at::kLong));
}

at::Tensor InRowOrder(const at::Tensor& x, const std::vector<int64_t>& order) {
  return at::empty_like(x).index_copy(0, RowIndex(order, x), x);
}

}  // namespace mambascope
