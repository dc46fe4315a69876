#include "mambascope/model/kernels/scan_reference.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace mambascope {
namespace {

// Returns the S before every segment, [segment, d_state, d_inner]: its slot of `from`, or zeros.
at::Tensor FirstStates(const std::vector<Segment>& segments, const at::Tensor& from,
                       at::IntArrayRef shape, const at::Tensor& like) {
  std::vector<int64_t> slots;
  for (const Segment& segment : segments) slots.push_back(segment.carry + 1);
  const at::Tensor zeros = at::zeros(shape, like.options()).unsqueeze(0);
  return (from.defined() ? at::cat({zeros, from}) : zeros).index_select(0, RowIndex(slots, like));
}

}  // namespace

// Computes one step of all segments at a time. The segments are sorted from longest to shortest, so
// those with a row left always come first.
at::Tensor SelectiveScanReference(const ScanInput& in, const Packing& packing,
                                  const at::Tensor& from, at::Tensor& kept) {
  const int64_t d_inner = in.x.size(1), groups = in.b.size(1), d_state = in.b.size(2);
  std::vector<Segment> segments = packing.segments;
  std::stable_sort(segments.begin(), segments.end(),
                   [](const Segment& a, const Segment& b) { return a.length > b.length; });
  at::Tensor s =
      FirstStates(segments, from, {d_state, d_inner}, in.x);  // [segment, d_state, d_inner]
  const auto by_group = [&](const at::Tensor& x) {
    return x.transpose(1, 2).unsqueeze(3);
  };  // [segment, d_state, groups, 1]
  const auto grouped = [&](const at::Tensor& x) {
    return x.unflatten(2, {groups, d_inner / groups});
  };  // [segment, d_state, groups, width]
  std::vector<at::Tensor> y, states;
  std::vector<int64_t> order, slots;  // rows of y, and slots of the states
  for (int64_t step = 0; step < segments.front().length; ++step) {
    std::vector<int64_t> rows;
    for (size_t i = 0; i < segments.size() && segments[i].length > step; ++i)
      rows.push_back(segments[i].begin + step);
    const at::Tensor index = RowIndex(rows, in.x),
                     delta = in.delta.index_select(0, index).unsqueeze(1);  // [segment, 1, d_inner]
    const at::Tensor write = delta * in.x.index_select(0, index).unsqueeze(1);
    const at::Tensor written = (grouped(write) * by_group(in.b.index_select(0, index))).flatten(2);
    s = at::exp(delta * in.a) * s.narrow(0, 0, static_cast<int64_t>(rows.size())) + written;
    y.push_back((grouped(s) * by_group(in.c.index_select(0, index))).flatten(2).sum(1));
    std::vector<int64_t> keep;  // indices of the segments that keep their state at this step
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto slot = std::lower_bound(packing.kept.begin(), packing.kept.end(), rows[i]);
      if (slot == packing.kept.end() || *slot != rows[i]) continue;
      keep.push_back(static_cast<int64_t>(i));
      slots.push_back(slot - packing.kept.begin());
    }
    if (!keep.empty()) states.push_back(s.index_select(0, RowIndex(keep, in.x)));
    order.insert(order.end(), rows.begin(), rows.end());
  }
  if (!states.empty()) kept = InRowOrder(at::cat(states), slots);
  return InRowOrder(at::cat(y), order);
}

}  // namespace mambascope
