#include "mambascope/model/attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace mambascope {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// Radians per position of each feature pair, [dims / 2], float32.
at::Tensor Frequencies(const RopeConfig& rope, const at::TensorOptions& options) {
  const at::Tensor exponent = at::arange(0, rope.dims, 2, options) / static_cast<double>(rope.dims);
  const at::Tensor frequency = at::pow(rope.theta, exponent).reciprocal();
  if (rope.scaling == RopeConfig::Scaling::kNone) return frequency;
  if (rope.scaling == RopeConfig::Scaling::kLinear) return frequency / rope.factor;
  // Llama 3: long waves are slowed by the factor, short ones kept, and those between are blended by how often they fit the original
  // context.
  const at::Tensor turns = frequency * (rope.original_context / (2 * std::numbers::pi));
  const at::Tensor share = ((turns - rope.low_frequency_factor) / (rope.high_frequency_factor - rope.low_frequency_factor)).clamp(0, 1);
  return (1 - share) * frequency / rope.factor + share * frequency;
}

// The rows of `all` (keys or values) that a segment's rows may read: its carry's, then its own.
at::Tensor Readable(const at::Tensor& own, const at::Tensor& carried, const Segment& s, const Carry& from) {
  const at::Tensor rows = own.narrow(0, s.begin, s.length);
  if (s.carry < 0) return rows;
  const Carry::Rows before = from.rows[static_cast<size_t>(s.carry)];
  return at::cat({carried.slice(0, before.begin, before.end), rows});
}

// Adds -inf to scores [head, row of the segment, readable row] where the cuts forbid reading.
at::Tensor Forbid(at::Tensor scores, const Segment& s, const std::vector<RowCut>& cuts) {
  const int64_t before = scores.size(2) - s.length;
  const auto inside = [&](const std::vector<int64_t>& rows, int64_t shift) {
    std::vector<int64_t> out;
    for (int64_t row : rows) {
      if (row >= s.begin && row < s.end()) out.push_back(row - s.begin + shift);
    }
    return at::tensor(out, at::kLong).to(scores.device());
  };
  for (const RowCut& cut : cuts) {
    const at::Tensor to = inside(cut.to, 0), sources = inside(cut.from, before);
    if (to.numel() == 0 || sources.numel() == 0) continue;
    at::Tensor mask = at::zeros(scores.sizes(), scores.options().dtype(at::kBool));
    mask = mask.index_put({at::Tensor(), to.unsqueeze(1), sources.unsqueeze(0)}, at::ones({}, mask.options()));
    if (cut.channels.defined()) mask = mask.logical_and(cut.channels.to(mask.device()).reshape({-1, 1, 1}));
    scores = scores.masked_fill(mask, kNever);
  }
  return scores;
}

// One segment: q [head, row, head_dim], k and v [head, readable row, head_dim] -> [row, heads * head_dim].
at::Tensor AttendSegment(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segment& s, const std::vector<RowCut>& cuts) {
  const int64_t readable = k.size(1), before = readable - s.length;
  at::Tensor scores = at::matmul(q, k.transpose(1, 2)) / std::sqrt(static_cast<double>(q.size(2)));
  const at::Tensor future = at::ones({s.length, readable}, scores.options().dtype(at::kBool)).triu(before + 1);
  scores = Forbid(scores.masked_fill(future, kNever), s, cuts);
  at::Tensor weights = at::softmax(scores, -1);
  if (!cuts.empty()) weights = at::where(scores.amax(-1, true) == kNever, at::zeros({}, weights.options()), weights);
  return at::matmul(weights, v).transpose(0, 1).reshape({s.length, -1});
}

// Keys and values of all kept slots. A slot's rows must lie together, so a segment that continues takes its carry's rows along.
void Keep(const at::Tensor& k, const at::Tensor& v, const Packing& packing, const Carry& from, Carry& kept) {
  if (packing.kept.empty()) return;
  std::vector<at::Tensor> keys, values;
  kept.rows.clear();
  int64_t rows = 0;
  auto row = packing.kept.begin();
  for (const Segment& s : packing.segments) {
    if (row == packing.kept.end() || *row >= s.end()) continue;
    keys.push_back(Readable(k, from.keys, s, from));
    values.push_back(Readable(v, from.values, s, from));
    const int64_t before = keys.back().size(0) - s.length;
    for (; row != packing.kept.end() && *row < s.end(); ++row) kept.rows.push_back({rows, rows + before + *row - s.begin + 1});
    rows += keys.back().size(0);
  }
  kept.keys = at::cat(keys);
  kept.values = at::cat(values);
}

}  // namespace

at::Tensor Rotate(const at::Tensor& x, const at::Tensor& positions, const RopeConfig& rope) {
  if (rope.dims == 0) return x;
  const at::Tensor angle = at::outer(positions.to(x.options()), Frequencies(rope, x.options())).unsqueeze(1);  // [row, 1, dims / 2]
  const at::Tensor cosine = at::cos(angle), sine = at::sin(angle);
  const int64_t half = rope.dims / 2;
  const at::Tensor first = x.slice(2, 0, half), second = x.slice(2, half, rope.dims), rest = x.slice(2, rope.dims);
  return at::cat({first * cosine - second * sine, second * cosine + first * sine, rest}, 2);
}

at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Packing& packing, const Carry& from, Carry& kept,
                  const std::vector<RowCut>& cuts) {
  const int64_t queries_per_key = q.size(1) / k.size(1);
  const auto heads_first = [&](const at::Tensor& x) {  // [readable row, kv_heads, head_dim] -> [heads, readable row, head_dim]
    return (queries_per_key == 1 ? x : x.repeat_interleave(queries_per_key, 1)).transpose(0, 1);
  };
  std::vector<at::Tensor> out;
  for (const Segment& s : packing.segments) {
    out.push_back(AttendSegment(q.narrow(0, s.begin, s.length).transpose(0, 1), heads_first(Readable(k, from.keys, s, from)),
                                heads_first(Readable(v, from.values, s, from)), s, cuts));
  }
  Keep(k, v, packing, from, kept);
  return at::cat(out);
}

}  // namespace mambascope
