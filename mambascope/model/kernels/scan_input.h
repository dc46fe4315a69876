// The arguments of the selective scan.
#pragma once

#include <ATen/core/Tensor.h>

#include <limits>

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

// The inputs of a scan and of the steps around it in a mixer of Mamba. S is the state of the
// recurrence:
//   delta = clamp(softplus(dt + dt_bias), dt_min, dt_max)
//   s_t = C_t S_t + D x_t                                    mixed = s SiLU(gate_in)
struct GatedScanInput {
  at::Tensor x;        // [row, d_inner]
  at::Tensor dt;       // [row, d_inner], or [row, heads]: one for all channels of a head
  at::Tensor dt_bias;  // [d_inner] or [heads]
  double dt_min = 0, dt_max = std::numeric_limits<double>::infinity();
  at::Tensor a, b, c;       // as in ScanInput
  at::Tensor d;             // [d_inner]
  at::Tensor gate_in = {};  // [row, d_inner]; undefined: s is returned
  // The type to which the reader of the result rounds it. A GPU's kernel returns this type, which
  // saves a conversion. Elsewhere the result is float32.
  at::ScalarType as = at::kFloat;
};

}  // namespace mambascope
