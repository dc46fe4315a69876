// A mixture of experts in place of an MLP (Shazeer et al. 2017).
#pragma once

#include <memory>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/part.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// Weights of `count` gated MLPs, and of the router that chooses among them.
struct ExpertWeights {
  at::Tensor router;   // [expert, d_model]
  at::Tensor gate_up;  // [expert, 2 width, d_model]: W_gate above W_up
  at::Tensor down;     // [expert, d_model, width]
};

// For each row, the experts e with the `per_token` largest router scores r_e:
//
//   sum over e of softmax(r)_e W_down,e (SiLU(W_gate,e y) * W_up,e y)
//
// The softmax is over the chosen experts, or over all of them if config.shares_add_to_one is false.
// Rows are routed each time, so an intervention can change the route.
std::unique_ptr<Part> MakeExperts(const ExpertsConfig& config, const ExpertWeights& weights);

}  // namespace mambascope
