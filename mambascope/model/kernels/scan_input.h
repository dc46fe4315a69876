// The selective scan's arguments.
#pragma once

#include <ATen/core/Tensor.h>

namespace mambascope {

// What the recurrence reads. d_inner channels in `groups` equal runs of neighbours that share B and
// C.
struct ScanInput {
  at::Tensor x;      // [row, d_inner]
  at::Tensor delta;  // [row, d_inner], the step size
  at::Tensor a;  // [d_state, d_inner] (Mamba-1), or [1, d_inner]: one decay for all of a channel's
                 // states (Mamba-2)
  at::Tensor b, c;  // [row, groups, d_state]
};

}  // namespace mambascope
