// Rotary position embedding (Su et al. 2021), and the scalings of its frequencies.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/checkpoint/config.h"

namespace mambascope {

// Rotates the first `rope.dims` features of every head by the row's position (Su et al. 2021).
// Feature i is paired with i + dims / 2, or 2i with 2i + 1 if `rope.interleaved`. x [row, heads,
// head_dim], positions [row].
at::Tensor Rotate(const at::Tensor& x, const at::Tensor& positions, const RopeConfig& rope);

}  // namespace mambascope
