// A mixture of experts in place of an MLP (Shazeer et al. 2017).
#pragma once

#include <memory>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/part.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// Weights of `count` MLPs, and of the router that chooses among them.
struct ExpertWeights {
  at::Tensor router;  // [expert, d_model]
  at::Tensor in;      // [expert, 2 width, d_model]: W_gate above W_up; without a gate only W_up
  at::Tensor down;    // [expert, d_model, width]
  // [expert], added to the scores by which experts are chosen, and not to their shares. Undefined:
  // 0 (DeepSeek-AI 2024, equation 16).
  at::Tensor choice_bias = {};

  // Loads the matrices of all experts. They lie in two tensors (gate_up_proj and down_proj), or by
  // expert (0.gate_proj, 0.up_proj, 0.down_proj, 1.gate_proj, ..).
  static ExpertWeights Load(const ExpertsConfig& config, int64_t d_model, at::Tensor router,
                            const Weights& w);
};

// For each row, the experts e with the `per_token` largest router scores s_e:
//
//   sum over e of share_e W_down,e (act(W_gate,e y) * W_up,e y)     without a gate: act(W_up,e y)
//   share_e = share_scale s_e       s = softmax(W_router y) or sigmoid(W_router y)
//
// If shares_add_to_one, s_e is divided by the sum of the chosen scores. Rows are routed each time,
// so an intervention can change the route.
std::unique_ptr<Part> MakeExperts(const ExpertsConfig& config, const ExpertWeights& weights);

}  // namespace mambascope
