// The selective scan: the recurrence of a state-space mixer over all tokens.
//
// The reference (scan_reference.h) defines it in plain LibTorch. It runs on any device and is
// differentiable with respect to every input. A device's kernel (device_kernels.h) computes the
// same faster. SelectiveScan chooses between them.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/cut_rows.h"
#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/kernels/scan_input.h"

namespace mambascope {

// Computes S_t = exp(delta_t A) S_(t-1) + delta_t x_t B_t and y_t = sum over states of C_t S_t (Gu
// & Dao 2023, equation 2a). Mamba-2's SSD is the same with one decay per channel.
//   from [slot, d_state, d_inner], the S before segments that continue -> y [packed row, d_inner]
// `kept` receives S after each row of packing.kept, then after the rows that the cuts keep, [kept,
// d_state, d_inner]. Under a cut the rows `to` read a recurrence in which the hidden tokens write
// nothing. The decay and all other tokens are unchanged (Endy et al. 2025, section 3). REQUIRES:
// `in` holds the packed rows, followed by the extra rows of the cuts.
at::Tensor SelectiveScan(const ScanInput& in, const Packing& packing, const at::Tensor& from,
                         at::Tensor& kept, const CutRows& cuts);

// Computes delta for each channel, and returns the input of SelectiveScan.
ScanInput ScanOf(const GatedScanInput& in);
// Returns `mixed` of GatedScanInput as [packed row, d_inner], or s where there is no gate.
// `packing`, `from`, `kept` and `cuts` are as in SelectiveScan. REQUIRES: in.gate_in has the packed
// rows only. x, dt, b and c also have the extra rows of the cuts.
at::Tensor GatedScan(const GatedScanInput& in, const Packing& packing, const at::Tensor& from,
                     at::Tensor& kept, const CutRows& cuts);

}  // namespace mambascope
