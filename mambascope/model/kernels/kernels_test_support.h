// Shared by the tests of the scan and of the convolution.
#pragma once

#include <ATen/ATen.h>

#include "mambascope/checkpoint/test_support.h"
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

// The same numbers on TestDevice().
inline at::Tensor RandomOnDevice(at::IntArrayRef shape, at::ScalarType dtype) {
  return Random(shape, dtype).to(TestDevice());
}

// The change of a loss along a direction of one of its inputs.
struct Slope {
  double numeric, analytic;
};

// Returns the slope of loss() along a random direction of `input`, by central differences of this
// step and by autograd. `input` keeps its value.
template <typename Loss>
Slope RandomSlope(at::Tensor& input, double step, const Loss& loss) {
  input.set_requires_grad(true);
  loss().backward();
  const at::Tensor gradient = input.grad().clone(), value = input.detach().clone(),
                   direction = at::randn_like(value);
  const auto at_step = [&](double size) {
    input = value + size * direction;
    return loss().template item<double>();
  };
  const Slope slope{.numeric = (at_step(step) - at_step(-step)) / (2 * step),
                    .analytic = (gradient * direction).sum().item<double>()};
  input = value;
  return slope;
}

}  // namespace mambascope
