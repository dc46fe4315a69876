// The selective scan as a token-to-token matrix.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/scan_input.h"

namespace mambascope {

// Returns the matrix of each channel for one whole prompt: y_i = sum over j of M_ij x_j (Ali et al.
// 2024, "hidden attention"; Dao & Gu 2024, equation 3). in.x is not read.
//   M_ij = sum over n of C_i[n] exp(A[n] * sum over r = j+1..i of delta_r) delta_j B_j[n]
//          for j <= i, else 0
// The result is [row - first, row, d_inner], for the rows i from `first` on.
at::Tensor ScanMatrix(const ScanInput& in, int64_t first = 0);

}  // namespace mambascope
