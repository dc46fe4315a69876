#include "mambascope/model/kernels/attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/kernels/product.h"

namespace mambascope {
namespace {

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
// one length, and so have all slots. The rows of each slot are stored once.
struct Block {
  std::vector<int64_t> slots;         // -1: the start of a prompt
  int64_t before, length;             // rows of each slot, and rows of each segment
  std::vector<size_t> segments = {};  // indices into the packing, ordered by slot
  int64_t count() const { return static_cast<int64_t>(segments.size()); }
  int64_t rows() const { return count() * length; }
};

std::vector<Block> MakeBlocks(const Packing& packing, const Carry& from, int64_t heads) {
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
    const auto most = static_cast<size_t>(
        std::max<int64_t>(1, kScoresTogether / (heads * length * (before + length))));
    for (size_t begin = 0; begin < segments.size(); begin += most) {
      const auto first = segments.begin() + static_cast<int64_t>(begin),
                 last = std::min(first + static_cast<int64_t>(most), segments.end());
      Block& block =
          open.try_emplace({before, length, last - first}, Block{{}, before, length}).first->second;
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

// Returns the packed rows of all segments of a block.
std::vector<int64_t> PackedRows(const Packing& packing, const Block& block) {
  std::vector<int64_t> rows;
  for (size_t i : block.segments) {
    for (int64_t row = packing.segments[i].begin; row < packing.segments[i].end(); ++row)
      rows.push_back(row);
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
  const std::vector<int64_t> shape = {block.length, block.before + block.length};
  return window == 0 ? at::zeros(shape, options.dtype(at::kBool))
                     : at::ones(shape, options.dtype(at::kBool)).tril(block.before - window);
}

// Those and later tokens, bool [row of a segment, readable row].
at::Tensor Unreadable(const Block& block, int64_t window, const at::TensorOptions& options) {
  const at::Tensor later =
      at::ones({block.length, block.before + block.length}, options.dtype(at::kBool))
          .triu(block.before + 1);
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
    begins[block.segments[i]] = static_cast<int64_t>(i) * block.length;
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
      masks.unreadable.narrow(1, begins[cut->segment], block.length)
          .copy_(BeforeWindow(block, window, at::kCPU));
  }
  for (const RowCut* cut : own) {
    std::vector<int64_t> rows;  // rows of the block
    for (int64_t row : cut->to)
      rows.push_back(begins[cut->segment] + row - packing.segments[cut->segment].begin);
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
  at::Tensor slot_k, slot_v;  // [slot, head, row, head_dim]
  at::Tensor own_k, own_v;    // [segment, head, row, head_dim]
};

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
  const at::Tensor own = by_slot(Product(q, r.own_k.transpose(2, 3)));
  at::Tensor scores =
      before == 0 ? own : at::cat({Product(by_slot(q), r.slot_k.transpose(2, 3)), own}, 3);
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
                             static_cast<double>(before + length);
    weights = at::where(unreadable.all(-1, true), alike, weights);
  }
  at::Tensor out = by_slot(Product(by_segment(weights.slice(3, before)), r.own_v));
  if (before > 0) out = out + Product(weights.slice(3, 0, before), r.slot_v);
  return by_segment(out).transpose(1, 2).reshape({slots * each * length, -1});
}

// Stores the keys and values of all kept slots. The rows of a slot must be contiguous, so a segment
// that continues copies the rows of its carry.
void Keep(const at::Tensor& k, const at::Tensor& v, const Packing& packing, const Carry& from,
          Carry& kept) {
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
    for (; row != packing.kept.end() && *row < s.end(); ++row)
      kept.rows.push_back({rows, rows + before + *row - s.begin + 1});
    rows += keys.back().size(0);
  }
  kept.keys = at::cat(keys);
  kept.values = at::cat(values);
}

}  // namespace

at::Tensor Attend(const AttentionInput& in, const AttentionConfig& config, const Packing& packing,
                  const Carry& from, Carry& kept, const std::vector<RowCut>& cuts) {
  const at::Tensor &q = in.q, &k = in.k, &v = in.v;
  const int64_t heads = q.size(1);
  std::vector<at::Tensor> out;
  std::vector<int64_t> order;
  for (const Block& block : MakeBlocks(packing, from, heads)) {
    const std::vector<int64_t> rows = PackedRows(packing, block);
    const auto select = [&](const at::Tensor& x, const std::vector<int64_t>& of,
                            int64_t length) {  // -> [.., head, row, head_dim]
      const at::Tensor y = x.index_select(0, RowIndex(of, x));
      const int64_t each = heads / x.size(1);
      return (each == 1 ? y : y.repeat_interleave(each, 1))
          .reshape({-1, length, heads, x.size(2)})
          .transpose(1, 2);
    };
    const auto own = [&](const at::Tensor& x) { return select(x, rows, block.length); };
    const auto slots = [&](const at::Tensor& carried, const at::Tensor& like) {
      return block.before == 0 ? like.new_empty({1, heads, 0, like.size(2)})
                               : select(carried, SlotRows(from, block), block.before);
    };
    const Readables readables{slots(from.keys, k), slots(from.values, v), own(k), own(v)};
    out.push_back(AttendBlock(own(q), readables, config, block,
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
  const Block rows{.slots = {}, .before = first, .length = q.size(0) - first};
  return at::softmax(scores.masked_fill(Unreadable(rows, config.window, scores.options()), kNever),
                     -1)
      .permute({1, 2, 0});
}

}  // namespace mambascope
