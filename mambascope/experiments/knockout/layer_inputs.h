// The input of each block for one prompt, from which Layer::Mix starts.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

// Returns the inputs of `layers`. Throws Error for an empty prompt, and for a layer or an id that
// the model lacks.
std::vector<LayerInput> LayerInputs(const Model& model, const std::vector<int64_t>& ids,
                                    const std::vector<int>& layers);

}  // namespace mambascope
