// A Packing makes one batch of prompts of different lengths, without padding. Their tokens lie one
// after the other in the rows of every tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mambascope {

// A Segment is consecutive rows that are consecutive tokens of one prompt. It starts where the
// prompt starts, or continues from a carry.
struct Segment {
  int64_t begin = 0;     // first row
  int64_t length = 0;    // rows, at least 1
  int64_t position = 0;  // of the first row in its prompt
  int64_t carry = -1;    // slot of the carry at the token before; -1 at the prompt's start
  int64_t end() const { return begin + length; }
};

struct Packing {
  std::vector<Segment> segments;  // in row order, without gaps
  std::vector<int64_t> kept;      // rows, ascending, after which each layer keeps its carry

  // Packs whole prompts of these lengths, keeping no carry.
  static Packing Whole(const std::vector<int64_t>& lengths);
  int64_t rows() const { return segments.empty() ? 0 : segments.back().end(); }
  // Position of every row in its prompt, int64 [row].
  at::Tensor Positions() const;
  // Last row of every segment.
  std::vector<int64_t> LastRows() const;
  // How many slots of the carry are kept; and by row the slot that is kept after it, or -1.
  int64_t kept_count() const { return static_cast<int64_t>(kept.size()); }
  std::vector<int64_t> KeptSlots() const;
};

// A Carry is all that one token hands to the next in one layer, at some tokens ("slots"). A layer
// uses the tensors of its mixers; the others stay undefined.
struct Carry {
  at::Tensor conv;  // Mamba: [slot, d_conv - 1, width], the convolution's last inputs, oldest first
  at::Tensor ssm;   // Mamba: [slot, d_state, d_inner]; slots of cuts (RowCut::kept) come last
  struct Rows {
    int64_t begin, end;
  };
  at::Tensor keys, values;  // transformers: [row, kv_heads, head_dim], of all slots together
  std::vector<Rows> rows;   // slot -> its tokens' rows of keys and values
};

// Makes an index of `like`'s rows: int64, on its device.
at::Tensor RowIndex(const std::vector<int64_t>& rows, const at::Tensor& like);
// Puts x into the order of the rows, where x[i] belongs to row order[i]. REQUIRES: `order` is a
// permutation.
at::Tensor InRowOrder(const at::Tensor& x, const std::vector<int64_t>& order);

}  // namespace mambascope
