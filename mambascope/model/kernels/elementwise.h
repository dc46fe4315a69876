// Functions of single elements whose results depend on the element alone. LibTorch uses other
// instructions for the last elements of a tensor and of each thread's share. So its results for
// equal elements may differ in their last bits.
#pragma once

#include <ATen/core/Tensor.h>

namespace mambascope {

// Each takes and returns a tensor of any shape. On the CPU, an element of a float32 tensor has the
// same value wherever it lies and with any number of threads. The same holds for its gradient. Only
// first derivatives are supported.
at::Tensor Silu(const at::Tensor& x);      // x sigmoid(x)
at::Tensor Gelu(const at::Tensor& x);      // x Phi(x)
at::Tensor GeluTanh(const at::Tensor& x);  // Gelu's approximation by tanh
at::Tensor Sigmoid(const at::Tensor& x);
at::Tensor Softplus(const at::Tensor& x);  // log(1 + exp(x)), and x above 20

}  // namespace mambascope
