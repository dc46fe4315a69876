// Causal self-attention over packed segments, with grouped queries and rotary positions.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/row_cut.h"

namespace mambascope {

// The inputs of attention, after the rotary positions are applied.
struct AttentionInput {
  at::Tensor q;     // [row, heads, head_dim]
  at::Tensor k, v;  // [row, kv_heads, head_dim]
};

// Rotates the first `rope.dims` features of every head by the row's position (Su et al. 2021).
// Feature i is paired with i + dims / 2. x [row, heads, head_dim], positions [row].
at::Tensor Rotate(const at::Tensor& x, const at::Tensor& positions, const RopeConfig& rope);

// Returns softmax(q k^T / sqrt(head_dim)) v. Each row reads the earlier rows of its prompt and
// itself: the rows of its segment's slot of `from`, then those of its segment. Query head i reads
// key head i / (heads / kv_heads).
//   q [row, heads, head_dim], k and v [row, kv_heads, head_dim] -> [row, heads * head_dim]
// `kept` receives the keys and values up to each row of packing.kept. Under a cut a row gives the
// hidden tokens no weight, and the other tokens share it. A row with nothing left to read gets 0.
// REQUIRES: under cuts that read later tokens, every segment extends to the end of its prompt.
at::Tensor Attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const Packing& packing, const Carry& from, Carry& kept,
                  const std::vector<RowCut>& cuts);

// Returns the weights of Attend in one whole prompt, for its rows from `first` on: softmax(q k^T /
// sqrt(head_dim)), and 0 for later tokens.
//   q and k [row, heads, head_dim] -> [row - first, row, heads]
at::Tensor AttentionWeights(const at::Tensor& q, const at::Tensor& k, int64_t first);

}  // namespace mambascope
