// The selective scan is a state-space mixer's recurrence over all tokens.
//
// The reference (scan_reference.h) says in plain LibTorch what is meant: it runs anywhere, and
// differentiates with respect to everything. A device's kernel (device_kernels.h) computes the same
// faster. SelectiveScan chooses.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/cut_rows.h"
#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/scan_input.h"

namespace mambascope {

// S_t = exp(delta_t A) S_(t-1) + delta_t x_t B_t,  y_t = sum over states of C_t S_t   (Gu & Dao
// 2023, equation 2a; Mamba-2's SSD is the same with one decay per channel). `from` [slot, d_state,
// d_inner] holds the S before segments that continue -> y [packed row, d_inner]. `kept` becomes S
// after each row of packing.kept, and then after those that the cuts keep, [kept, d_state,
// d_inner]. Under a cut the rows `to` read a recurrence in which the hidden tokens write nothing:
// decay, and every other row, are as before (Endy et al. 2025, section 3). REQUIRES: the rows of
// `in` are the packed ones, and then the cuts' extra ones.
at::Tensor SelectiveScan(const ScanInput& in, const Packing& packing, const at::Tensor& from,
                         at::Tensor& kept, const CutRows& cuts);

}  // namespace mambascope
