#include "mambascope/model/kernels/attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/kernels/device_kernels.h"
#include "mambascope/model/kernels/product.h"

namespace mambascope {
namespace {

// Keys of a row up to which a GPU computes each row alone. Beyond, it multiplies matrices.
constexpr int64_t kFusedKeys = 2048;
constexpr double kNever = -std::numeric_limits<double>::infinity();

// Returns the keys or values that a segment's rows may read: those of its carry, then its own.
at::Tensor Readable(const at::Tensor& own, const at::Tensor& carried, const Segment& s,
                    const Carry& from) {
  const at::Tensor rows = own.narrow(0, s.begin, s.length);
  if (s.carry < 0) return rows;
  const Carry::Rows before = from.rows[static_cast<size_t>(s.carry)];
  return at::cat({carried.slice(0, before.begin, before.end), rows});
}

// Segments that are computed together: an equal number for each of several slots. All segments have
// one length, and so have all slots. The rows of each slot are stored once. Of a segment with many
// scores, each block computes some rows.
struct Block {
  std::vector<int64_t> slots;         // -1: the start of a prompt
  int64_t before;                     // rows of each slot
  int64_t first, end;                 // rows of each segment that are computed
  int64_t keys;                       // leading rows of each segment that these may read
  std::vector<size_t> segments = {};  // indices into the packing, ordered by slot
  int64_t count() const { return static_cast<int64_t>(segments.size()); }
  int64_t length() const { return end - first; }
  int64_t rows() const { return count() * length(); }
};

// Splits a segment whose scores are too many. The rows of a block depend on nothing but the
// segment's own sizes. A softmax has the same bits with and without later tokens if it has at least
// kLeastKeys of them.
void SplitSegment(const Block& whole, int64_t heads, int64_t scores, bool reads_later,
                  std::vector<Block>& blocks) {
  constexpr int64_t kLeastKeys = 64;
  const int64_t rows = std::max<int64_t>(1, scores / (heads * (whole.before + whole.end)));
  for (int64_t first = 0; first < whole.end; first += rows) {
    Block block = whole;
    block.first = first;
    block.end = std::min(first + rows, whole.end);
    if (!reads_later) block.keys = std::min(std::max(block.end, kLeastKeys), whole.end);
    blocks.push_back(std::move(block));
  }
}

std::vector<Block> MakeBlocks(const Packing& packing, const Carry& from, int64_t heads,
                              int64_t scores, const std::vector<RowCut>& cuts) {
  std::set<size_t> cut_segments;
  for (const RowCut& cut : cuts) cut_segments.insert(cut.segment);
  std::map<std::pair<int64_t, int64_t>, std::vector<size_t>> by_slot;  // by slot and length
  for (size_t i = 0; i < packing.segments.size(); ++i)
    by_slot[{packing.segments[i].carry, packing.segments[i].length}].push_back(i);
  std::map<std::array<int64_t, 3>, Block> open;
  std::vector<Block> blocks;
  for (const auto& [key, segments] : by_slot) {
    const auto [slot, length] = key;
    const int64_t before = slot < 0 ? 0
                                    : from.rows[static_cast<size_t>(slot)].end -
                                          from.rows[static_cast<size_t>(slot)].begin;
    const int64_t of_segment = heads * length * (before + length);
    if (of_segment > scores) {
      for (const size_t segment : segments)
        SplitSegment({{slot}, before, 0, length, length, {segment}}, heads, scores,
                     cut_segments.contains(segment), blocks);
      continue;
    }
    const auto most = static_cast<size_t>(scores / of_segment);
    for (size_t begin = 0; begin < segments.size(); begin += most) {
      const auto first = segments.begin() + static_cast<int64_t>(begin),
                 last = std::min(first + static_cast<int64_t>(most), segments.end());
      Block& block =
          open.try_emplace({before, length, last - first}, Block{{}, before, 0, length, length})
              .first->second;
      block.slots.push_back(slot);
      block.segments.insert(block.segments.end(), first, last);
      if (block.segments.size() + static_cast<size_t>(last - first) <= most) continue;
      blocks.push_back(std::move(block));
      open.erase({before, length, last - first});
    }
  }
  for (auto& [key, block] : open) blocks.push_back(std::move(block));
  return blocks;
}

// Returns the packed rows [first, end) of each segment of a block.
std::vector<int64_t> PackedRows(const Packing& packing, const Block& block, int64_t first,
                                int64_t end) {
  std::vector<int64_t> rows;
  for (size_t i : block.segments) {
    for (int64_t row = first; row < end; ++row) rows.push_back(packing.segments[i].begin + row);
  }
  return rows;
}

// Returns the rows of a block's slots.
std::vector<int64_t> SlotRows(const Carry& from, const Block& block) {
  std::vector<int64_t> rows;
  for (int64_t slot : block.slots) {
    for (int64_t i = 0; i < block.before; ++i)
      rows.push_back(from.rows[static_cast<size_t>(slot)].begin + i);
  }
  return rows;
}

// The tokens that rows of a block do not read.
struct Masks {
  // Bool [1 or heads, row of the block, readable row]: hidden and later tokens. Undefined: only
  // later tokens.
  at::Tensor unreadable;
  // Bool [row of the block, 1]: rows that read everything equally when nothing is left to read.
  at::Tensor uniform;
};

// Tokens that lie before the window of each row, bool [row of a segment, readable row].
at::Tensor BeforeWindow(const Block& block, int64_t window, const at::TensorOptions& options) {
  const std::vector<int64_t> shape = {block.length(), block.before + block.keys};
  return window == 0
             ? at::zeros(shape, options.dtype(at::kBool))
             : at::ones(shape, options.dtype(at::kBool)).tril(block.before + block.first - window);
}

// Those and later tokens, bool [row of a segment, readable row].
at::Tensor Unreadable(const Block& block, int64_t window, const at::TensorOptions& options) {
  const at::Tensor later =
      at::ones({block.length(), block.before + block.keys}, options.dtype(at::kBool))
          .triu(block.before + block.first + 1);
  return window == 0 ? later : later.logical_or(BeforeWindow(block, window, options));
}

// scale q k^T -> the scores under the softmax.
at::Tensor Scored(const at::Tensor& products, const AttentionConfig& config, int64_t head_dim) {
  const at::Tensor scores = config.scale == 0 ? products / std::sqrt(static_cast<double>(head_dim))
                                              : products * config.scale;
  return config.softcap == 0 ? scores : at::tanh(scores / config.softcap) * config.softcap;
}

bool Has(const RowCut& cut, CutKind kind) {
  return std::any_of(cut.hidden.begin(), cut.hidden.end(),
                     [&](const Sources& sources) { return sources.kind == kind; });
}

// Hides `sources` from these rows of the block.
void Hide(const Sources& sources, const std::vector<int64_t>& rows,
          at::TensorAccessor<bool, 3> unreadable) {
  const at::Tensor by_head = sources.channels.defined() ? sources.channels.to(at::kCPU)
                                                        : at::ones({unreadable.size(0)}, at::kBool);
  const auto acts = by_head.accessor<bool, 1>();
  for (int64_t head = 0; head < unreadable.size(0); ++head) {
    for (int64_t row : rows) {
      for (int64_t token : sources.tokens) {
        if (acts[head] && token < unreadable.size(2)) unreadable[head][row][token] = true;
      }
    }
  }
}

Masks MakeMasks(const Packing& packing, const Block& block, int64_t heads, int64_t window,
                const std::vector<RowCut>& cuts) {
  std::map<size_t, int64_t> begins;  // segment -> its first row in the block
  for (size_t i = 0; i < block.segments.size(); ++i)
    begins[block.segments[i]] = static_cast<int64_t>(i) * block.length();
  std::vector<const RowCut*> own;
  bool by_head = false;
  for (const RowCut& cut : cuts) {
    if (!begins.contains(cut.segment)) continue;
    own.push_back(&cut);
    for (const Sources& sources : cut.hidden) by_head = by_head || sources.channels.defined();
  }
  if (own.empty()) return {};
  Masks masks{
      .unreadable =
          Unreadable(block, window, at::kCPU).repeat({by_head ? heads : 1, block.count(), 1}),
      .uniform = at::zeros({block.rows(), 1}, at::kBool)};
  for (const RowCut* cut : own) {
    if (Has(*cut, CutKind::kBidirectional))
      masks.unreadable.narrow(1, begins[cut->segment], block.length())
          .copy_(BeforeWindow(block, window, at::kCPU));
  }
  for (const RowCut* cut : own) {
    std::vector<int64_t> rows;  // rows of the block
    for (int64_t row : cut->to) {
      const int64_t of_segment = row - packing.segments[cut->segment].begin;
      if (of_segment >= block.first && of_segment < block.end)
        rows.push_back(begins[cut->segment] + of_segment - block.first);
    }
    for (const Sources& sources : cut->hidden)
      Hide(sources, rows, masks.unreadable.accessor<bool, 3>());
    const bool uniform = Has(*cut, CutKind::kEmptyRowsUniform);
    for (int64_t row : rows) masks.uniform.accessor<bool, 2>()[row][0] = uniform;
  }
  return masks;
}

// The keys and values that a block's rows read: those of their slots and those of their own
// segments.
struct Readables {
  at::Tensor slot_k, slot_v;  // [slot, key head, row, head_dim]
  at::Tensor own_k, own_v;    // [segment, key head, row, head_dim]
};

// Multiplies the matrices of the query heads by those of their key heads:
//   a [.., heads, row, m], b [.., kv_heads, m, n] -> [.., heads, row, n]
at::Tensor ByKeyHead(const at::Tensor& a, const at::Tensor& b) {
  const int64_t each = a.size(1) / b.size(1), rows = each * a.size(2);
  // A gradient of b is computed for each query head alone, and then added up.
  if (each > 1 && b.requires_grad()) return Product(a, b.repeat_interleave(each, 1));
  return Product(a.reshape({a.size(0), b.size(1), rows, a.size(3)}), b)
      .reshape({a.size(0), a.size(1), a.size(2), b.size(3)});
}

// Returns the rows `rows` of x, without a copy if they follow one another.
at::Tensor TakeRows(const at::Tensor& x, const std::vector<int64_t>& rows) {
  const bool jumps = std::adjacent_find(rows.begin(), rows.end(), [](int64_t a, int64_t b) {
                       return b != a + 1;
                     }) != rows.end();
  return jumps ? x.index_select(0, RowIndex(rows, x))
               : x.narrow(0, rows[0], static_cast<int64_t>(rows.size()));
}

// q [segment, head, row, head_dim] -> [row of the block, heads * head_dim]
at::Tensor AttendBlock(const at::Tensor& q, const Readables& r, const AttentionConfig& config,
                       const Block& block, const Masks& masks) {
  const int64_t slots = r.slot_k.size(0), each = q.size(0) / slots, heads = q.size(1),
                length = q.size(2), before = r.slot_k.size(2);
  const auto by_slot = [&](const at::Tensor& x) {  // [segment, head, row, width] -> [slot, head,
                                                   // row of the slot's segments, width]
    return x.reshape({slots, each, heads, length, x.size(3)})
        .transpose(1, 2)
        .reshape({slots, heads, each * length, x.size(3)});
  };
  const auto by_segment = [&](const at::Tensor& x) {  // the inverse
    return x.reshape({slots, heads, each, length, x.size(3)})
        .transpose(1, 2)
        .reshape({slots * each, heads, length, x.size(3)});
  };
  const at::Tensor own = by_slot(ByKeyHead(q, r.own_k.transpose(2, 3)));
  at::Tensor scores =
      before == 0 ? own : at::cat({ByKeyHead(by_slot(q), r.slot_k.transpose(2, 3)), own}, 3);
  const auto for_scores = [&](const at::Tensor& x) {  // [heads or 1, row of the block, readable row
                                                      // or 1] -> as the scores
    return x.to(scores.device()).reshape({-1, slots, each * length, x.size(-1)}).transpose(0, 1);
  };
  const bool cut = masks.unreadable.defined();
  const at::Tensor unreadable =
      cut ? for_scores(masks.unreadable)
          : Unreadable(block, config.window, scores.options()).repeat({each, 1});
  scores = Scored(scores, config, q.size(3)).masked_fill(unreadable, kNever);
  at::Tensor weights =
      at::softmax(scores, -1);  // [slot, head, row of the slot's segments, readable row]
  if (cut) {
    const at::Tensor alike = for_scores(masks.uniform.unsqueeze(0)).to(weights.scalar_type()) /
                             static_cast<double>(before + block.keys);
    weights = at::where(unreadable.all(-1, true), alike, weights);
  }
  at::Tensor out = by_slot(ByKeyHead(by_segment(weights.slice(3, before)), r.own_v));
  if (before > 0) out = out + ByKeyHead(weights.slice(3, 0, before), r.slot_v);
  return by_segment(out).transpose(1, 2).reshape({slots * each * length, -1});
}

// Keep for a packing that grows. Each slot has room for more rows, so that most steps write only
// the rows of their own segments, where the carry lies already.
void Grow(const at::Tensor& k, const at::Tensor& v, const Packing& packing, const Carry& from,
          Carry& kept) {
  const auto before = [&](const Segment& s) {
    return s.carry < 0 ? Carry::Rows{0, 0} : from.rows[static_cast<size_t>(s.carry)];
  };
  const auto fits = [&](const Segment& s) {
    const auto next = static_cast<size_t>(s.carry + 1);
    return s.carry >= 0 &&
           before(s).end + s.length <=
               (next < from.rows.size() ? from.rows[next].begin : from.keys.size(0));
  };
  kept.keys = from.keys;
  kept.values = from.values;
  kept.rows.clear();
  if (std::all_of(packing.segments.begin(), packing.segments.end(), fits)) {
    for (const Segment& s : packing.segments) kept.rows.push_back(before(s));
  } else {
    int64_t room = 0;
    for (const Segment& s : packing.segments) {
      const int64_t own = before(s).end - before(s).begin;
      kept.rows.push_back({room, room + own});
      room += (own + s.length) * 3 / 2 + 64;
    }
    kept.keys = k.new_empty({room, k.size(1), k.size(2)});
    kept.values = v.new_empty({room, v.size(1), v.size(2)});
  }
  for (size_t i = 0; i < packing.segments.size(); ++i) {
    const Segment& s = packing.segments[i];
    Carry::Rows& rows = kept.rows[i];
    const auto store = [&](const at::Tensor& to, const at::Tensor& carried, const at::Tensor& own) {
      if (!to.is_same(carried) && s.carry >= 0)
        to.slice(0, rows.begin, rows.end).copy_(carried.slice(0, before(s).begin, before(s).end));
      to.narrow(0, rows.end, s.length).copy_(own.narrow(0, s.begin, s.length));
    };
    store(kept.keys, from.keys, k);
    store(kept.values, from.values, v);
    rows.end += s.length;
  }
}

// Stores the keys and values of all kept slots. The rows of a slot must be contiguous, so a segment
// that continues copies the rows of its carry.
void Keep(const at::Tensor& k, const at::Tensor& v, const Packing& packing, const Carry& from,
          Carry& kept) {
  if (packing.kept.empty()) return;
  if (packing.grows) return Grow(k, v, packing, from, kept);
  std::vector<at::Tensor> keys, values;
  kept.rows.clear();
  int64_t rows = 0;
  auto row = packing.kept.begin();
  for (const Segment& s : packing.segments) {
    if (row == packing.kept.end() || *row >= s.end()) continue;
    keys.push_back(Readable(k, from.keys, s, from));
    values.push_back(Readable(v, from.values, s, from));
    const int64_t before = keys.back().size(0) - s.length;
    for (; row != packing.kept.end() && *row < s.end(); ++row)
      kept.rows.push_back({rows, rows + before + *row - s.begin + 1});
    rows += keys.back().size(0);
  }
  kept.keys = at::cat(keys);
  kept.values = at::cat(values);
}

// The most keys that a row reads.
int64_t MostKeys(const Packing& packing) {
  int64_t most = 0;
  for (const Segment& s : packing.segments) most = std::max(most, s.position + s.length);
  return most;
}

}  // namespace

at::Tensor Attend(const AttentionInput& in, const AttentionConfig& config, const Packing& packing,
                  const Carry& from, Carry& kept, const std::vector<RowCut>& cuts,
                  std::optional<int64_t> scores) {
  const at::Tensor &q = in.q, &k = in.k, &v = in.v;
  const FusedKernels* fused = FindFused({q, k, v, from.keys, from.values});
  if (fused != nullptr && cuts.empty() && q.size(2) <= kMostFusedHead &&
      MostKeys(packing) <= kFusedKeys) {
    Keep(k, v, packing, from, kept);
    return fused->attend(in, config, packing, from);
  }
  const int64_t heads = q.size(1), together = scores.value_or(ScoresTogether(q.device()));
  std::vector<at::Tensor> out;
  std::vector<int64_t> order;
  for (const Block& block : MakeBlocks(packing, from, heads, together, cuts)) {
    const std::vector<int64_t> rows = PackedRows(packing, block, block.first, block.end),
                               readable = PackedRows(packing, block, 0, block.keys);
    const auto select = [](const at::Tensor& x, const std::vector<int64_t>& of,
                           int64_t length) {  // -> [.., head, row, head_dim]
      return TakeRows(x, of).reshape({-1, length, x.size(1), x.size(2)}).transpose(1, 2);
    };
    const auto own = [&](const at::Tensor& x) { return select(x, readable, block.keys); };
    const auto slots = [&](const at::Tensor& carried, const at::Tensor& like) {
      return block.before == 0 ? like.new_empty({1, like.size(1), 0, like.size(2)})
                               : select(carried, SlotRows(from, block), block.before);
    };
    const Readables readables{slots(from.keys, k), slots(from.values, v), own(k), own(v)};
    out.push_back(AttendBlock(select(q, rows, block.length()), readables, config, block,
                              MakeMasks(packing, block, heads, config.window, cuts)));
    order.insert(order.end(), rows.begin(), rows.end());
  }
  Keep(k, v, packing, from, kept);
  return InRowOrder(at::cat(out), order);
}

at::Tensor AttentionWeights(const at::Tensor& q, const at::Tensor& k, const AttentionConfig& config,
                            int64_t first) {
  const at::Tensor scores =
      Scored(Product(q.slice(0, first).transpose(0, 1), k.permute({1, 2, 0})), config, q.size(2));
  const int64_t length = q.size(0) - first;
  const Block rows{.slots = {}, .before = first, .first = 0, .end = length, .keys = length};
  return at::softmax(scores.masked_fill(Unreadable(rows, config.window, scores.options()), kNever),
                     -1)
      .permute({1, 2, 0});
}

}  // namespace mambascope
