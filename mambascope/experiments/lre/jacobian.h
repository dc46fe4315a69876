// How a prompt's last state depends on one earlier state, at all layers at once: what linear
// relational embeddings are made of (Hernandez et al. 2023, section 3).
//
//   J_l = d z / d h_l     h_l the output of block l at one token, z the last block's output at the
//   prompt's last token
//
// Reverse-mode differentiation of one component of z gives its row of J at every layer, so d_model
// cotangents give all of J_0 .. J_(L-1): one backward sweep instead of one per layer. The rows are
// packed: k copies of the tokens from the state on are k segments of one forward pass, each with a
// cotangent of its own, and the pass is walked back d_model / k times. The tokens before the state
// run once.
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
  int64_t memory =
      kDefaultMemory;  // bytes that the pass may take, beside the weights and the Jacobians
};

// Those of the outputs of blocks `layers`, at the prompt's token. Throws Error for a layer or a
// token that is not there, and where one row alone takes more than options.memory. REQUIRES:
// !layers.empty()
StateJacobians Jacobians(const Model& model, const PromptToken& prompt,
                         const std::vector<int>& layers, const JacobianOptions& options = {});

}  // namespace mambascope
