// The arguments of the selective scan.
#pragma once

#include <ATen/core/Tensor.h>

namespace mambascope {

// The inputs of the recurrence. The d_inner channels form `groups` equal runs of neighbours that
// share B and C.
struct ScanInput {
  at::Tensor x;      // [row, d_inner]
  at::Tensor delta;  // [row, d_inner], the step size
  // [d_state, d_inner] (Mamba-1), or [1, d_inner] for one decay in all states of a channel
  // (Mamba-2).
  at::Tensor a;
  at::Tensor b, c;  // [row, groups, d_state]
};

}  // namespace mambascope
