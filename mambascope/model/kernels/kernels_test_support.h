// Shared by the tests of the scan and of the convolution.
#pragma once

#include <ATen/ATen.h>

#include "mambascope/model/kernels/packing.h"

namespace mambascope {

// Four segments: a whole prompt, two that continue from one slot of a carry, and a single token.
// Carries are kept inside segments and at their ends.
inline Packing TestPacking() {
  return {.segments = {{0, 5, 0, -1}, {5, 3, 2, 1}, {8, 4, 2, 1}, {12, 1, 7, 0}},
          .kept = {0, 4, 6, 12}};
}

inline at::Tensor Random(at::IntArrayRef shape, at::ScalarType dtype) {
  return at::randn(shape, dtype);
}

}  // namespace mambascope
