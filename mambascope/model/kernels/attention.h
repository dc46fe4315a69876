// Causal self-attention over packed segments, with grouped queries.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/kernels/attention_input.h"
#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/row_cut.h"

namespace mambascope {

// Returns softmax(cap(scale q k^T)) v for each head, [row, heads * head_dim]. Each row reads the
// earlier rows of its prompt and itself: the rows of its segment's slot of `from`, then those of
// its segment; of these, the last config.window. Query head i reads key head i / (heads /
// kv_heads). The scale is config.scale, and cap(x) = c tanh(x / c) with c = config.softcap, if it
// is not 0. `kept` receives the keys and values up to each row of packing.kept. Under a cut a row
// gives the hidden tokens no weight, and the other tokens share it. A row with nothing left to read
// gets 0. About `scores` scores are computed together, which bounds the memory (none:
// ScoresTogether). On the CPU, a row has the same bits with any number. REQUIRES: under cuts that
// read later tokens, every segment extends to the end of its prompt.
at::Tensor Attend(const AttentionInput& in, const AttentionConfig& config, const Packing& packing,
                  const Carry& from, Carry& kept, const std::vector<RowCut>& cuts,
                  std::optional<int64_t> scores = {});

// Returns the weights of Attend in one whole prompt, for its rows from `first` on: the softmax, and
// 0 for tokens that a row does not read.
//   q and k [row, heads, head_dim] -> [row - first, row, heads]
at::Tensor AttentionWeights(const at::Tensor& q, const at::Tensor& k, const AttentionConfig& config,
                            int64_t first);

}  // namespace mambascope
