// Jacobians of a prompt's last state with respect to one earlier state, at all layers at once.
// Linear relational embeddings are made of them (Hernandez et al. 2023, section 3).
//
//   J_l = d z / d h_l
//
// h_l is the output of block l at one token, and z the last block's output at the prompt's last
// token.
//
// Reverse-mode differentiation of one component of z gives its row of J at every layer. So d_model
// cotangents give J_l of all layers in the work of one layer's. The rows are packed: one forward
// pass has k segments, each a copy of the tokens from the state on, with a cotangent of its own.
// d_model / k backward passes go through it. The tokens before the state run once.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "mambascope/intervene/token_states.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/model.h"

namespace mambascope {

struct StateJacobians {
  at::Tensor w;  // [layer, d_model, d_model], w[l][a][b] = d z_a / d h_b
  at::Tensor h;  // [layer, d_model]
  at::Tensor z;  // [d_model]
};

struct JacobianOptions {
  // Maximum bytes of the pass, beside the weights and the Jacobians.
  int64_t memory = kDefaultMemory;
};

// Returns the Jacobians at the outputs of blocks `layers` and the prompt's token. Throws Error for
// a layer or a token that does not exist, and when one row alone takes more than options.memory.
// REQUIRES: !layers.empty()
StateJacobians Jacobians(const Model& model, const PromptToken& prompt,
                         const std::vector<int>& layers, const JacobianOptions& options = {});

}  // namespace mambascope
