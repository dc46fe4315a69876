// A layer's mean state, which mean ablation puts in place of a token's state (Sharma et al. 2024,
// section 6).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

// Returns the mean state of each layer at `site`: float32 [width] by layer, undefined for layers
// without the site. States are averaged over the tokens of each text, then over `texts` (token
// ids); texts of all lengths weigh the same. Calls progress(texts done) after each text. Throws
// Error when the model lacks the site. REQUIRES: at least one text, and none of them is empty.
std::vector<at::Tensor> MeanStates(const Model& model,
                                   const std::vector<std::vector<int64_t>>& texts, Site site,
                                   const std::function<void(size_t done)>& progress = {});

}  // namespace mambascope
