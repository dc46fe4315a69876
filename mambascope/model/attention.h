// Attention as a mixer.
#pragma once

#include <functional>
#include <memory>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/kernels/attention.h"
#include "mambascope/model/ops.h"
#include "mambascope/model/part.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// The queries, keys and values of all heads for x [row, d_model], before rotary positions. Families
// store their weights in different ways.
using ProjectHeads = std::function<AttentionInput(const at::Tensor& x)>;

struct AttentionOptions {
  AttentionConfig config;
  // The kind of cut that the public implementation of Endy et al. 2025 makes in this family.
  CutKind published = CutKind::kMixing;
  bool edits_output = false;  // whether W_o can be edited, as in a Mamba mixer
};

// z = W_o softmax(scale q k^T) v, with config.scale. `out` is W_o.
std::unique_ptr<Part> MakeAttention(const AttentionOptions& options, ProjectHeads heads,
                                    Projection out);

// Attention with the projections q_proj, k_proj, v_proj and o_proj of `w`, as in Llama.
std::unique_ptr<Part> LoadAttention(const AttentionOptions& options, int64_t d_model,
                                    const Weights& w);

// Queries, keys and values from a matrix each. `q` is [heads * head_dim, d_model].
ProjectHeads SeparateHeads(int64_t head_dim, const Projection& q, const Projection& k,
                           const Projection& v);

}  // namespace mambascope
