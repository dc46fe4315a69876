#include "mambascope/model/kernels/ssm.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "mambascope/model/kernels/ssm_cpu.h"

namespace mambascope {
namespace {

// What a convolution reads: one row of zeros, all slots' rows of the carry, and x.
class ConvInputs {
 public:
  ConvInputs(const at::Tensor& x, const at::Tensor& from, int64_t window)
      : x_(x), from_(from), slots_(from.defined() ? from.size(0) : 0), window_(window) {}

  static constexpr int64_t kZeros = 0;
  // Where the input `back` tokens before a row of segment `s` stands.
  int64_t Find(const Segment& s, int64_t row, int64_t back) const {
    const int64_t i = row - s.begin - back;
    if (i >= 0) return 1 + slots_ * window_ + s.begin + i;
    return s.carry < 0 || i < -window_ ? kZeros : 1 + s.carry * window_ + window_ + i;
  }
  at::Tensor Rows() const {  // [1 + slots * window + row, width]
    std::vector<at::Tensor> parts = {at::zeros({1, x_.size(1)}, x_.options()), x_};
    if (slots_ > 0) parts.insert(parts.begin() + 1, from_.reshape({slots_ * window_, x_.size(1)}));
    return at::cat(parts);
  }

 private:
  const at::Tensor &x_, &from_;
  const int64_t slots_, window_;
};

// sum over back of weight_(window - back) * inputs[found[back][i]] + bias -> [i, width]
at::Tensor Convolve(const at::Tensor& inputs, const std::vector<std::vector<int64_t>>& found, const at::Tensor& weight,
                    const at::Tensor& bias) {
  at::Tensor y;
  for (size_t back = 0; back < found.size(); ++back) {
    const at::Tensor term = inputs.index_select(0, RowIndex(found[back], inputs)) * weight[static_cast<int64_t>(found.size() - 1 - back)];
    y = y.defined() ? y + term : term;
  }
  return bias.defined() ? y + bias : y;
}

// The rows without the inputs that are severed from them, [row, width].
at::Tensor Reseen(const ConvInputs& inputs, const at::Tensor& weight, const at::Tensor& bias, const Packing& packing,
                  const std::vector<CutRows::ConvRow>& rows) {
  std::vector<std::vector<int64_t>> found(static_cast<size_t>(weight.size(0)));
  for (size_t back = 0; back < found.size(); ++back) {
    for (const CutRows::ConvRow& row : rows) {
      const Segment& s = packing.segments[row.segment];
      found[back].push_back(row.severed[back] ? ConvInputs::kZeros : inputs.Find(s, row.row, static_cast<int64_t>(back)));
    }
  }
  return Convolve(inputs.Rows(), found, weight, bias);
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
                      at::Tensor& kept, const CutRows& cuts) {
  const bool trains_weight = weight.requires_grad() || (bias.defined() && bias.requires_grad());
  const bool kernel = x.is_cpu() && x.scalar_type() == at::kFloat && !trains_weight;
  at::Tensor y = kernel ? CausalConvCpu(x, weight, bias, packing, from, kept) : CausalConvReference(x, weight, bias, packing, from, kept);
  if (cuts.reseen().empty()) return y;
  const ConvInputs inputs(x, from, weight.size(0) - 1);
  const at::Tensor seen = Reseen(inputs, weight, bias, packing, cuts.reseen());
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < cuts.of_targets(); ++i) rows.push_back(cuts.reseen()[static_cast<size_t>(i)].row);
  y = y.index_copy(0, RowIndex(rows, y), seen.narrow(0, 0, cuts.of_targets()));
  return at::cat({y, seen.slice(0, cuts.of_targets())});
}

at::Tensor CausalConvReference(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Packing& packing,
                               const at::Tensor& from, at::Tensor& kept) {
  const int64_t window = weight.size(0) - 1;
  const ConvInputs inputs(x, from, window);
  const at::Tensor all = inputs.Rows();
  std::vector<std::vector<int64_t>> found(static_cast<size_t>(window + 1));
  for (int64_t back = 0; back <= window; ++back) {
    for (const Segment& s : packing.segments) {
      for (int64_t row = s.begin; row < s.end(); ++row) found[static_cast<size_t>(back)].push_back(inputs.Find(s, row, back));
    }
  }
  if (!packing.kept.empty()) {
    std::vector<int64_t> rows;
    auto segment = packing.segments.begin();
    for (int64_t row : packing.kept) {
      while (segment->end() <= row) ++segment;
      for (int64_t back = window - 1; back >= 0; --back) rows.push_back(inputs.Find(*segment, row, back));
    }
    kept = all.index_select(0, RowIndex(rows, x)).reshape({static_cast<int64_t>(packing.kept.size()), window, x.size(1)});
  }
  return Convolve(all, found, weight, bias);
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

at::Tensor SelectiveScan(const ScanInput& in, const Packing& packing, const at::Tensor& from, at::Tensor& kept, const CutRows& cuts) {
  if (cuts.none()) return Scan(in, packing, from, kept);
  const at::Tensor rows = RowIndex(cuts.rows(), in.x);
  const auto walked = [&](const at::Tensor& x) { return x.index_select(0, rows); };
  const ScanInput seen{cuts.Written(walked(in.x)), walked(in.delta), in.a, walked(in.b), walked(in.c)};
  return Scan(seen, cuts.walked(), from, kept).index_select(0, RowIndex(cuts.output(), in.x));
}

at::Tensor ScanMatrix(const ScanInput& in, int64_t first) {
  const int64_t rows = in.delta.size(0), d_inner = in.delta.size(1);
  const at::Tensor time = in.delta.to(at::kDouble).cumsum(0);  // [row, d_inner]; differences of long times in float32 would be rough
  const at::Tensor elapsed = (time.slice(0, first).unsqueeze(1) - time.unsqueeze(0)).clamp_min(0).to(in.delta.scalar_type());
  const auto channels = [&](const at::Tensor& grouped) {  // [i, j, groups] -> [i, j, d_inner], or 1 for all of them
    return grouped.size(2) == 1 ? grouped : grouped.repeat_interleave(d_inner / grouped.size(2), 2);
  };
  const auto decay = [&](int64_t n) { return at::exp(elapsed * in.a[n]); };  // [i, j, d_inner]; 1 where j > i
  const at::Tensor c = in.c.slice(0, first);
  at::Tensor m = at::zeros_like(elapsed);
  if (in.a.size(0) == 1) m = decay(0) * channels(at::einsum("ign,jgn->ijg", {c, in.b}));
  for (int64_t n = 0; n < in.b.size(2) && in.a.size(0) > 1; ++n)
    m = at::addcmul(m, decay(n), channels(c.select(2, n).unsqueeze(1) * in.b.select(2, n).unsqueeze(0)));
  return m * in.delta.unsqueeze(0) * at::tril(at::ones({rows - first, rows}, m.options()), first).unsqueeze(2);
}

}  // namespace mambascope
