// The causal convolution over the last few tokens at the start of a state-space mixer.
//
// The reference (conv_reference.h) defines it in plain LibTorch. It runs on any device and is
// differentiable with respect to every input. A device's kernel (device_kernels.h) computes the
// same faster. CausalConv chooses between them.
#pragma once

#include <ATen/core/Tensor.h>

#include "mambascope/model/kernels/cut_rows.h"
#include "mambascope/model/kernels/packing.h"

namespace mambascope {

// Computes y_t = bias + sum over k of weight_k * x_(t - d_conv + 1 + k), separately for each
// channel. Inputs before a segment come from its carry; before a prompt they are 0.
//   x [row, width], weight [d_conv, width], bias [width] or undefined,
//   from [slot, d_conv - 1, width] -> y [row + extra, width]
// `kept` receives the last d_conv - 1 inputs at each row of packing.kept, [kept, d_conv - 1,
// width]. Rows from which a cut severs some inputs are computed without these inputs. The extra
// rows of the cuts follow the packed rows.
at::Tensor CausalConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      const Packing& packing, const at::Tensor& from, at::Tensor& kept,
                      const CutRows& cuts);
// Returns SiLU(CausalConv) of the same arguments.
at::Tensor SiluConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    const Packing& packing, const at::Tensor& from, at::Tensor& kept,
                    const CutRows& cuts);

}  // namespace mambascope
