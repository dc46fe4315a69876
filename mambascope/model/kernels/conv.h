// A state-space mixer begins with a causal convolution over the last few tokens.
//
// The reference (conv_reference.h) says in plain LibTorch what is meant: it runs anywhere, and
// differentiates with respect to everything. A device's kernel (device_kernels.h) computes the same
// faster. CausalConv chooses.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/cut_rows.h"
#include "mambascope/model/kernels/packing.h"

namespace mambascope {

// y_t = bias + sum over k of weight_k * x_(t - d_conv + 1 + k), each channel for itself. Inputs
// before a segment come from its carry; before a prompt they are 0.
//   x [row, width], weight [d_conv, width], bias [width] or undefined, from [slot, d_conv - 1,
//   width] -> y [row, width]
// `kept` becomes the last d_conv - 1 inputs at each row of packing.kept, [kept, d_conv - 1, width].
// Rows that a cut severs from some of their inputs are computed without these. The cuts' extra rows
// come after the packed ones.
at::Tensor CausalConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      const Packing& packing, const at::Tensor& from, at::Tensor& kept,
                      const CutRows& cuts);

}  // namespace mambascope
