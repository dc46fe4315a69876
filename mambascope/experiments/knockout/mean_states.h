// A layer's mean state: what mean ablation puts in place of a token's own (Sharma et al. 2024,
// section 6).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

// The mean state at `site`, of each layer: over the tokens of a text, then over `texts` (token
// ids), whatever their lengths; float32 [width] by layer, undefined for layers without the site.
// Calls progress(texts done) after each. Throws Error for a site that the model lacks. REQUIRES:
// texts, none of them empty.
std::vector<at::Tensor> MeanStates(const Model& model,
                                   const std::vector<std::vector<int64_t>>& texts, Site site,
                                   const std::function<void(size_t done)>& progress = {});

}  // namespace mambascope
