#include "mambascope/model/kernels/delta_scan.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/kernels/product.h"

namespace mambascope {
namespace {

// The tokens that are computed as one matrix. More make larger matrices, fewer make more steps.
constexpr int64_t kChunk = 64;

// Some neighbouring tokens of several segments: q, k [segment, heads, token, d_key], v [segment,
// heads, token, d_value], log_a and beta [segment, heads, token].
DeltaInput Chunk(const DeltaInput& in, const std::vector<int64_t>& begins, int64_t length) {
  std::vector<int64_t> rows;
  for (int64_t begin : begins) {
    for (int64_t i = 0; i < length; ++i) rows.push_back(begin + i);
  }
  const at::Tensor index = RowIndex(rows, in.q);
  const auto chunk = [&](const at::Tensor& x) {
    return x.index_select(0, index)
        .unflatten(0, {static_cast<int64_t>(begins.size()), length})
        .transpose(1, 2);
  };
  return {chunk(in.q), chunk(in.k), chunk(in.v), chunk(in.log_a), chunk(in.beta)};
}

// D [.., token, token], 0 above the diagonal, for log_a [.., token]. After tokens that forget a lot
// both sums are large, so their difference needs float64.
at::Tensor Decays(const at::Tensor& log_a) {
  const at::Tensor sum = log_a.to(at::kDouble).cumsum(-1);
  const at::Tensor between = sum.unsqueeze(-1) - sum.unsqueeze(-2);
  return at::exp(between.clamp_max(0).to(log_a.scalar_type())).tril();
}

// I + diag(beta) (tril(K K^T, -1) * D), [.., token, token].
at::Tensor Erasures(const DeltaInput& in, const at::Tensor& decays) {
  const at::Tensor earlier = (Product(in.k, in.k.transpose(-1, -2)) * decays).tril(-1);
  return at::eye(decays.size(-1), decays.options()) + in.beta.unsqueeze(-1) * earlier;
}

at::Tensor SolveLower(const at::Tensor& lower, const at::Tensor& right) {
  return at::linalg_solve_triangular(lower, right, /*upper=*/false, /*left=*/true,
                                     /*unitriangular=*/true);
}

// Computes segments of one length together. y and states receive rows in the order of the segments,
// as `order` and `slots` say.
struct Walk {
  const DeltaInput& in;
  const std::vector<int64_t>& kept_rows;
  std::vector<at::Tensor> y = {}, states = {};
  std::vector<int64_t> order = {}, slots = {};

  // `s` [segment, heads, d_key, d_value] is the state before the segments.
  void Go(const std::vector<int64_t>& begins, int64_t length, at::Tensor s) {
    for (int64_t done = 0; done < length; done += kChunk) {
      std::vector<int64_t> rows = begins;
      for (int64_t& row : rows) row += done;
      s = Step(rows, std::min(kChunk, length - done), s, done + kChunk < length);
    }
  }

 private:
  // Returns the state after the last token, if more tokens follow.
  at::Tensor Step(const std::vector<int64_t>& begins, int64_t length, const at::Tensor& s,
                  bool continues) {
    const DeltaInput c = Chunk(in, begins, length);
    const at::Tensor decays = Decays(c.log_a),
                     since = at::exp(c.log_a.cumsum(-1)).unsqueeze(-1);  // [.., token, 1]
    const at::Tensor held = Product(c.k * since, s);                     // [.., token, d_value]
    const at::Tensor u = SolveLower(Erasures(c, decays), c.beta.unsqueeze(-1) * (c.v - held));
    const at::Tensor out =
        Product(c.q * since, s) + Product(Product(c.q, c.k.transpose(-1, -2)) * decays, u);
    y.push_back(out.transpose(1, 2).flatten(0, 1).flatten(1));
    const auto count = static_cast<int64_t>(begins.size());
    // The state after token `last`.
    const auto after = [&](int64_t last) {
      const at::Tensor share = decays.select(-2, last).slice(-1, 0, last + 1).unsqueeze(-1);
      return since.slice(2, last, last + 1) * s +
             Product((c.k.slice(2, 0, last + 1) * share).transpose(-1, -2),
                     u.slice(2, 0, last + 1));
    };
    std::map<int64_t, std::vector<int64_t>> keep;  // token -> segments that keep their state there
    std::map<int64_t, std::vector<int64_t>> into;  // token -> the slots of these states
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t t = 0; t < length; ++t) {
        const int64_t row = begins[static_cast<size_t>(i)] + t;
        order.push_back(row);
        const auto slot = std::lower_bound(kept_rows.begin(), kept_rows.end(), row);
        if (slot == kept_rows.end() || *slot != row) continue;
        keep[t].push_back(i);
        into[t].push_back(slot - kept_rows.begin());
      }
    }
    for (const auto& [token, segments] : keep) {
      slots.insert(slots.end(), into[token].begin(), into[token].end());
      states.push_back(after(token).index_select(0, RowIndex(segments, s)));
    }
    return continues ? after(length - 1) : at::Tensor();
  }
};

at::Tensor AsStates(const at::Tensor& carried, int64_t heads) {  // -> [slot, heads, d_key, d_value]
  return carried.unflatten(2, {heads, carried.size(2) / heads}).transpose(1, 2);
}

at::Tensor AsCarried(const at::Tensor& states) { return states.transpose(1, 2).flatten(2); }

at::Tensor Scan(const DeltaInput& in, const Packing& packing, const at::Tensor& from,
                at::Tensor& kept) {
  const int64_t heads = in.v.size(1), d_key = in.k.size(2), d_value = in.v.size(2);
  std::map<int64_t, std::vector<const Segment*>> by_length;
  for (const Segment& s : packing.segments) by_length[s.length].push_back(&s);
  Walk walk{in, packing.kept};
  const at::Tensor zero = in.v.new_zeros({1, heads, d_key, d_value});
  const at::Tensor first = from.defined() ? at::cat({zero, AsStates(from, heads)}) : zero;
  for (const auto& [length, segments] : by_length) {
    const int64_t tokens = std::min(length, kChunk),
                  floats = heads * std::max(tokens * (tokens + d_key + d_value), d_key * d_value);
    const auto most = static_cast<size_t>(std::max<int64_t>(1, kDeltaTogether / floats));
    for (size_t begin = 0; begin < segments.size(); begin += most) {
      std::vector<int64_t> begins, carries;
      for (size_t i = begin; i < std::min(begin + most, segments.size()); ++i) {
        begins.push_back(segments[i]->begin);
        carries.push_back(segments[i]->carry + 1);
      }
      walk.Go(begins, length, first.index_select(0, RowIndex(carries, in.v)));
    }
  }
  if (!walk.states.empty()) kept = AsCarried(InRowOrder(at::cat(walk.states), walk.slots));
  return InRowOrder(at::cat(walk.y), walk.order);
}

}  // namespace

at::Tensor DeltaScan(const DeltaInput& in, const Packing& packing, const at::Tensor& from,
                     at::Tensor& kept, const CutRows& cuts) {
  if (cuts.none()) return Scan(in, packing, from, kept);
  const at::Tensor rows = RowIndex(cuts.rows(), in.v);
  const auto walked = [&](const at::Tensor& x) { return x.index_select(0, rows); };
  const at::Tensor v = cuts.Written(walked(in.v).flatten(1)).view({-1, in.v.size(1), in.v.size(2)});
  const DeltaInput seen{walked(in.q), walked(in.k), v, walked(in.log_a), walked(in.beta)};
  return Scan(seen, cuts.walked(), from, kept).index_select(0, RowIndex(cuts.output(), in.v));
}

at::Tensor DeltaMatrix(const DeltaInput& in, int64_t first) {
  const auto by_head = [](const at::Tensor& x) { return x.transpose(0, 1); };
  const DeltaInput h{by_head(in.q), by_head(in.k), {}, by_head(in.log_a), by_head(in.beta)};
  const at::Tensor decays = Decays(h.log_a);  // [head, token, token]
  const at::Tensor read =
      (Product(h.q.slice(1, first), h.k.transpose(1, 2)) * decays.slice(1, first));
  const at::Tensor writes = SolveLower(Erasures(h, decays), at::diag_embed(h.beta));
  return Product(read, writes).permute({1, 2, 0});
}

at::Tensor DeltaScanReference(const DeltaInput& in, const Packing& packing, const at::Tensor& from,
                              at::Tensor& kept) {
  const int64_t heads = in.v.size(1);
  std::vector<at::Tensor> y, states;
  for (const Segment& segment : packing.segments) {
    at::Tensor s = segment.carry < 0
                       ? in.v.new_zeros({heads, in.k.size(2), in.v.size(2)})
                       : AsStates(from, heads)[segment.carry];  // [heads, d_key, d_value]
    for (int64_t row = segment.begin; row < segment.end(); ++row) {
      const at::Tensor k = in.k[row].unsqueeze(2), q = in.q[row].unsqueeze(2);  // [heads, d_key, 1]
      s = s * at::exp(in.log_a[row]).view({heads, 1, 1});
      const at::Tensor u = in.beta[row].unsqueeze(1) * (in.v[row] - (s * k).sum(1));
      s = s + k * u.unsqueeze(1);
      y.push_back((s * q).sum(1).flatten());
      if (std::binary_search(packing.kept.begin(), packing.kept.end(), row)) states.push_back(s);
    }
  }
  if (!states.empty()) kept = AsCarried(at::stack(states));
  return at::stack(y);
}

}  // namespace mambascope
