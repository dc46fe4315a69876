// Attention as a mixer.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/kernels/attention.h"
#include "mambascope/model/ops.h"
#include "mambascope/model/part.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// The queries, keys and values of all heads for x [row, d_model], before convolution and rotary
// positions. Families store their weights in different ways.
using ProjectHeads = std::function<AttentionInput(const at::Tensor& x)>;

struct AttentionOptions {
  AttentionConfig config;
  // The kind of cut that the public implementation of Endy et al. 2025 makes in this family.
  CutKind published = CutKind::kMixing;
  bool transposed = false;  // whether the checkpoint stores W_o as [in, out]
  // The site of W_o's input, and the name under which W_o is edited. They differ from these beside
  // a Mamba mixer.
  Site mixed = Site::kMixed;
  std::string w_o = "W_o";
  std::string out = "o_proj";  // the name of W_o in the checkpoint, for LoadAttention
};

// A causal convolution of each feature of the queries, keys and values of all heads, in this order.
struct HeadsConv {
  at::Tensor weight;  // [d_conv, (heads + 2 kv_heads) head_dim]; undefined: none
  at::Tensor bias;    // [(heads + 2 kv_heads) head_dim], or undefined
};

// z = gate * softmax(scale q k^T) v, and the output W_o z. `out` is W_o.
std::unique_ptr<Part> MakeAttention(const AttentionOptions& options, ProjectHeads heads,
                                    Projection out, HeadsConv conv = {});

// Attention with the projections q_proj, k_proj, v_proj and options.out of `w`, as in Llama, and
// the norms q_norm and k_norm where config.attention has them. `config` gives d_model and the
// norms' epsilon.
std::unique_ptr<Part> LoadAttention(const AttentionOptions& options, const Config& config,
                                    const Weights& w);

// Queries, keys and values from a matrix each. `q` is [heads * head_dim, d_model].
ProjectHeads SeparateHeads(int64_t head_dim, const Projection& q, const Projection& k,
                           const Projection& v);

}  // namespace mambascope
