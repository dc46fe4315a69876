// The causal convolution in plain LibTorch. Shapes and meaning are those of CausalConv (conv.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "mambascope/model/kernels/cut_rows.h"
#include "mambascope/model/kernels/packing.h"

namespace mambascope {

at::Tensor CausalConvReference(const at::Tensor& x, const at::Tensor& weight,
                               const at::Tensor& bias, const Packing& packing,
                               const at::Tensor& from, at::Tensor& kept);

// Computes some rows without the inputs that cuts sever from them, [i, width].
at::Tensor ConvolveRows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                        const Packing& packing, const at::Tensor& from,
                        const std::vector<CutRows::ConvRow>& rows);

}  // namespace mambascope
