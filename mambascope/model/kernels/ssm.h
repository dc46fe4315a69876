// The two operations of a state-space mixer that reach across tokens: a causal convolution over the last few, and a recurrence over all.
//
// Both take packed segments. Each has a reference in plain LibTorch, which says what is meant, runs anywhere and differentiates with
// respect to everything, and a CPU kernel (ssm_cpu.h) that computes the same faster. CausalConv and SelectiveScan choose.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/cut_rows.h"
#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/scan_input.h"

namespace mambascope {

// y_t = bias + sum over k of weight_k * x_(t - d_conv + 1 + k), each channel for itself. Inputs before a segment come from its carry;
// before a prompt they are 0.
//   x [row, width], weight [d_conv, width], bias [width] or undefined, from [slot, d_conv - 1, width] -> y [row, width]
// `kept` becomes the last d_conv - 1 inputs at each row of packing.kept, [kept, d_conv - 1, width].
// Rows that a cut severs from some of their inputs are computed without these; the cuts' extra rows come after the packed ones.
at::Tensor CausalConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Packing& packing, const at::Tensor& from,
                      at::Tensor& kept, const CutRows& cuts);

// S_t = exp(delta_t A) S_(t-1) + delta_t x_t B_t,  y_t = sum over states of C_t S_t   (Gu & Dao 2023, equation 2a; Mamba-2's SSD is the
// same with one decay per channel). `from` [slot, d_state, d_inner] holds the S before segments that continue -> y [packed row, d_inner].
// `kept` becomes S after each row of packing.kept, and then after those that the cuts keep, [kept, d_state, d_inner]. Under a cut the rows
// `to` read a recurrence in which the hidden tokens write nothing: decay, and every other row, are as before (Endy et al. 2025, section 3).
// REQUIRES: the rows of `in` are the packed ones, and then the cuts' extra ones.
at::Tensor SelectiveScan(const ScanInput& in, const Packing& packing, const at::Tensor& from, at::Tensor& kept, const CutRows& cuts);

// The references.
at::Tensor CausalConvReference(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Packing& packing,
                               const at::Tensor& from, at::Tensor& kept);
at::Tensor SelectiveScanReference(const ScanInput& in, const Packing& packing, const at::Tensor& from, at::Tensor& kept);

// The scan as a matrix from token to token, one per channel, for one whole prompt: y_i = sum over j of M_ij x_j (Ali et al. 2024, "hidden
// attention"; Dao & Gu 2024, equation 3). Checks the reference. in.x is not read.
//   M_ij = sum over n of C_i[n] exp(A[n] * sum over r = j+1..i of delta_r) delta_j B_j[n] for j <= i, else 0
// -> [row - first, row, d_inner], the rows i from `first` on.
at::Tensor ScanMatrix(const ScanInput& in, int64_t first = 0);

}  // namespace mambascope
