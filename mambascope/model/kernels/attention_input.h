// The arguments of attention.
#pragma once

#include <ATen/core/Tensor.h>

namespace mambascope {

// The inputs of attention, after the rotary positions are applied.
struct AttentionInput {
  at::Tensor q;          // [row, heads, head_dim]
  at::Tensor k, v;       // [row, kv_heads, head_dim]
  at::Tensor gate = {};  // [row, heads * head_dim], of the output; undefined: none
};

}  // namespace mambascope
