// The gated delta rule: the recurrence of a gated DeltaNet over all tokens (Yang, Kautz &
// Hatamizadeh 2024, equation 10).
//
//   S_t = a_t S_(t-1) + k_t u_t^T
//   u_t = beta_t (v_t - a_t S_(t-1)^T k_t)
//   y_t = S_t^T q_t
//
// A token's write u_t first erases what the state holds at its key. DeltaScan computes some tokens
// of many segments at a time, in the matrix form of DeltaMatrix. It consists of LibTorch
// operations, so it runs on any device and is differentiable.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/cut_rows.h"
#include "mambascope/model/kernels/packing.h"

namespace mambascope {

struct DeltaInput {
  at::Tensor q, k;   // [row, heads, d_key]
  at::Tensor v;      // [row, heads, d_value]
  at::Tensor log_a;  // [row, heads], log of the decay, at most 0
  at::Tensor beta;   // [row, heads], strength of the write
};

// Returns y [packed row, heads * d_value]. `from` [slot, d_key, heads * d_value] holds the S before
// segments that continue. `kept` receives S after each row of packing.kept, then after the rows
// that the cuts keep. Under a cut the rows `to` read a recurrence in which the values v of the
// hidden tokens are 0. These tokens still erase. REQUIRES: `in` holds the packed rows, followed by
// the extra rows of the cuts.
at::Tensor DeltaScan(const DeltaInput& in, const Packing& packing, const at::Tensor& from,
                     at::Tensor& kept, const CutRows& cuts);

// Returns the matrix M with y = M v of one whole prompt, for its rows from `first` on, as
// [row - first, row, heads]:
//
//   M = (tril(Q K^T) * D) (I + diag(beta) (tril(K K^T, -1) * D))^-1 diag(beta)
//
// D_ij is the product of the decays of the tokens j + 1 to i.
at::Tensor DeltaMatrix(const DeltaInput& in, int64_t first);

// Computes the recurrence one token at a time, as the formula above. It checks DeltaScan.
at::Tensor DeltaScanReference(const DeltaInput& in, const Packing& packing, const at::Tensor& from,
                              at::Tensor& kept);

}  // namespace mambascope
