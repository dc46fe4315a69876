#include "mambascope/model/ssm.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "mambascope/model/ssm_cpu.h"

namespace mambascope {
namespace {

// Where the convolution finds the input `back` tokens before a row of segment `s`, in the concatenation of one row of zeros, all slots'
// rows of the carry, and x.
int64_t InputRow(const Segment& s, int64_t row, int64_t back, int64_t slots, int64_t window) {
  const int64_t i = row - s.begin - back;
  if (i >= 0) return 1 + slots * window + s.begin + i;
  return s.carry < 0 || i < -window ? 0 : 1 + s.carry * window + window + i;
}

// The S before every segment, [segment, d_state, d_inner]: its slot of `from`, or zeros.
at::Tensor FirstStates(const std::vector<Segment>& segments, const at::Tensor& from, at::IntArrayRef shape, const at::Tensor& like) {
  std::vector<int64_t> slots;
  for (const Segment& segment : segments) slots.push_back(segment.carry + 1);
  const at::Tensor zeros = at::zeros(shape, like.options()).unsqueeze(0);
  return (from.defined() ? at::cat({zeros, from}) : zeros).index_select(0, RowIndex(slots, like));
}

at::Tensor Scan(const ScanInput& in, const Packing& packing, const at::Tensor& from, at::Tensor& kept) {
  const bool kernel = in.x.is_cpu() && in.x.scalar_type() == at::kFloat && !in.a.requires_grad();
  return kernel ? SelectiveScanCpu(in, packing, from, kept) : SelectiveScanReference(in, packing, from, kept);
}

}  // namespace

at::Tensor CausalConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Packing& packing, const at::Tensor& from,
                      at::Tensor& kept) {
  const bool trains_weight = weight.requires_grad() || (bias.defined() && bias.requires_grad());
  const bool kernel = x.is_cpu() && x.scalar_type() == at::kFloat && !trains_weight;
  return kernel ? CausalConvCpu(x, weight, bias, packing, from, kept) : CausalConvReference(x, weight, bias, packing, from, kept);
}

at::Tensor CausalConvReference(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Packing& packing,
                               const at::Tensor& from, at::Tensor& kept) {
  const int64_t taps = weight.size(0), window = taps - 1, width = x.size(1), slots = from.defined() ? from.size(0) : 0;
  std::vector<at::Tensor> parts = {at::zeros({1, width}, x.options()), x};
  if (slots > 0) parts.insert(parts.begin() + 1, from.reshape({slots * window, width}));
  const at::Tensor inputs = at::cat(parts);
  at::Tensor y;
  for (int64_t back = 0; back < taps; ++back) {
    std::vector<int64_t> rows;
    for (const Segment& s : packing.segments) {
      for (int64_t row = s.begin; row < s.end(); ++row) rows.push_back(InputRow(s, row, back, slots, window));
    }
    const at::Tensor term = inputs.index_select(0, RowIndex(rows, x)) * weight[window - back];
    y = y.defined() ? y + term : term;
  }
  if (!packing.kept.empty()) {
    std::vector<int64_t> rows;
    auto segment = packing.segments.begin();
    for (int64_t row : packing.kept) {
      while (segment->end() <= row) ++segment;
      for (int64_t back = window - 1; back >= 0; --back) rows.push_back(InputRow(*segment, row, back, slots, window));
    }
    kept = inputs.index_select(0, RowIndex(rows, x)).reshape({static_cast<int64_t>(packing.kept.size()), window, width});
  }
  return bias.defined() ? y + bias : y;
}

// All segments take a step at a time, the longest first, so that those with a row left are always the first ones.
at::Tensor SelectiveScanReference(const ScanInput& in, const Packing& packing, const at::Tensor& from, at::Tensor& kept) {
  const int64_t d_inner = in.x.size(1), groups = in.b.size(1), d_state = in.b.size(2);
  std::vector<Segment> segments = packing.segments;
  std::stable_sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) { return a.length > b.length; });
  at::Tensor s = FirstStates(segments, from, {d_state, d_inner}, in.x);                       // [segment, d_state, d_inner]
  const auto by_group = [&](const at::Tensor& x) { return x.transpose(1, 2).unsqueeze(3); };  // [segment, d_state, groups, 1]
  const auto grouped = [&](const at::Tensor& x) {
    return x.unflatten(2, {groups, d_inner / groups});
  };  // [segment, d_state, groups, width]
  std::vector<at::Tensor> y, states;
  std::vector<int64_t> order, slots;  // of y and states
  for (int64_t step = 0; step < segments.front().length; ++step) {
    std::vector<int64_t> rows;
    for (size_t i = 0; i < segments.size() && segments[i].length > step; ++i) rows.push_back(segments[i].begin + step);
    const at::Tensor index = RowIndex(rows, in.x), delta = in.delta.index_select(0, index).unsqueeze(1);  // [segment, 1, d_inner]
    const at::Tensor write = delta * in.x.index_select(0, index).unsqueeze(1);
    const at::Tensor written = (grouped(write) * by_group(in.b.index_select(0, index))).flatten(2);
    s = at::exp(delta * in.a) * s.narrow(0, 0, static_cast<int64_t>(rows.size())) + written;
    y.push_back((grouped(s) * by_group(in.c.index_select(0, index))).flatten(2).sum(1));
    std::vector<int64_t> keep;  // of the segments at hand
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

at::Tensor SelectiveScan(const ScanInput& in, const Packing& packing, const at::Tensor& from, at::Tensor& kept,
                         const std::vector<RowCut>& cuts) {
  at::Tensor y = Scan(in, packing, from, kept);
  std::map<std::vector<size_t>, std::vector<int64_t>> targets;  // rows, by the cuts that name them
  for (int64_t row = 0; row < packing.rows() && !cuts.empty(); ++row) {
    std::vector<size_t> named;
    for (size_t i = 0; i < cuts.size(); ++i) {
      if (std::find(cuts[i].to.begin(), cuts[i].to.end(), row) != cuts[i].to.end()) named.push_back(i);
    }
    if (!named.empty()) targets[named].push_back(row);
  }
  Packing unkept = packing;
  unkept.kept.clear();
  for (const auto& [named, rows] : targets) {
    at::Tensor writes = at::ones_like(in.x);  // [row, d_inner], 0 where a source must not write
    for (size_t i : named) {
      const at::Tensor off =
          cuts[i].channels.defined() ? cuts[i].channels.to(in.x.device(), in.x.scalar_type()) : at::ones({in.x.size(1)}, in.x.options());
      const at::Tensor from_rows = RowIndex(cuts[i].from, in.x);
      writes = writes.index_copy(0, from_rows, writes.index_select(0, from_rows) * (1 - off));
    }
    at::Tensor ignored;
    ScanInput cut = in;
    cut.x = in.x * writes;
    const at::Tensor to_rows = RowIndex(rows, in.x);
    y = y.index_copy(0, to_rows, Scan(cut, unkept, from, ignored).index_select(0, to_rows));
  }
  return y;
}

at::Tensor ScanMatrix(const ScanInput& in) {
  const int64_t rows = in.delta.size(0), d_inner = in.delta.size(1);
  const at::Tensor time = in.delta.cumsum(0);                                       // [row, d_inner]
  const at::Tensor elapsed = (time.unsqueeze(1) - time.unsqueeze(0)).clamp_min(0);  // [i, j, d_inner]; clamped where j > i
  at::Tensor m = at::zeros({rows, rows, d_inner}, in.delta.options());
  for (int64_t n = 0; n < in.b.size(2); ++n) {
    const auto channels = [&](const at::Tensor& grouped) {  // [row, d_inner]
      return grouped.select(2, n).repeat_interleave(d_inner / grouped.size(1), 1);
    };
    const at::Tensor decay = at::exp(elapsed * in.a[in.a.size(0) == 1 ? 0 : n]);
    m = m + channels(in.c).unsqueeze(1) * decay * (in.delta * channels(in.b)).unsqueeze(0);
  }
  return m * at::tril(at::ones({rows, rows}, m.options())).unsqueeze(2);
}

}  // namespace mambascope
