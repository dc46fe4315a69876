// A Packing describes a batch of prompts of different lengths, without padding. The tokens of all
// prompts follow one another in the rows of every tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mambascope {

// Consecutive rows that are consecutive tokens of one prompt. A segment starts at the prompt's
// start or continues from a carry.
struct Segment {
  int64_t begin = 0;     // first row
  int64_t length = 0;    // number of rows, at least 1
  int64_t position = 0;  // position of the first row in its prompt
  int64_t carry = -1;    // slot of the carry at the token before; -1 at the prompt's start
  int64_t end() const { return begin + length; }
};

struct Packing {
  std::vector<Segment> segments;  // in row order, without gaps
  std::vector<int64_t> kept;      // rows, ascending, after which each layer keeps its carry
  // The kept carry may take over the memory of the carry that segments continue from, which nobody
  // may read any more. So a text that grows token by token is not copied at each. REQUIRES: no
  // gradients; each segment continues from a slot of its own, and its last row alone is kept.
  bool grows = false;
  // The embedding of every row, [row, d_model], which a few layers read besides their input.
  at::Tensor embedding = {};

  // Packs whole prompts of these lengths; keeps no carry.
  static Packing Whole(const std::vector<int64_t>& lengths);
  int64_t rows() const { return segments.empty() ? 0 : segments.back().end(); }
  // Returns the position of every row in its prompt, int64 [row].
  at::Tensor Positions() const;
  // Returns the last row of every segment.
  std::vector<int64_t> LastRows() const;
  // kept_count is the number of carry slots that are kept. KeptSlots returns, for each row, the
  // slot that is kept after it, or -1.
  int64_t kept_count() const { return static_cast<int64_t>(kept.size()); }
  std::vector<int64_t> KeptSlots() const;
};

// A Carry holds all that one token hands to the next in one layer, at some tokens ("slots"). A
// layer uses the tensors of its mixers; the others stay undefined.
struct Carry {
  at::Tensor conv;  // Mamba: [slot, d_conv - 1, width], the convolution's last inputs, oldest first
  at::Tensor ssm;   // Mamba: [slot, d_state, d_inner]; slots of cuts (RowCut::kept) come last
  struct Rows {
    int64_t begin, end;
  };
  at::Tensor keys, values;  // transformers: [row, kv_heads, head_dim], all slots together
  std::vector<Rows> rows;   // slot -> its rows of keys and values
};

// Copies `x` from the CPU to `device`. A copy to a GPU does not wait for the GPU's earlier work.
at::Tensor SentTo(const at::Device& device, const at::Tensor& x);
// Returns an index of `like`'s rows: int64, on its device.
at::Tensor RowIndex(const std::vector<int64_t>& rows, const at::Tensor& like);
// Returns x with its rows reordered: x[i] becomes row order[i]. REQUIRES: `order` is a permutation.
at::Tensor InRowOrder(const at::Tensor& x, const std::vector<int64_t>& order);

}  // namespace mambascope
