// The gated DeltaNet as a mixer (Yang, Kautz & Hatamizadeh 2024), as in Qwen3-Next and Qwen3.5.
#pragma once

#include <functional>
#include <memory>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/part.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// What the input projections give for x [row, d_model]. Families store their weights in different
// ways.
struct DeltaProjected {
  at::Tensor q, k;  // [row, key_heads * d_key]
  at::Tensor v, z;  // [row, heads * d_value]
  at::Tensor b, a;  // [row, heads]: before the sigmoid of beta and the softplus of the decay
};
using ProjectDelta = std::function<DeltaProjected(const at::Tensor& x)>;

std::unique_ptr<Part> MakeDeltaNet(const DeltaConfig& config, int64_t d_model,
                                   ProjectDelta projections, const Weights& w);

}  // namespace mambascope
