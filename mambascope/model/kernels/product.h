// Matrix products whose elements do not depend on what else is computed. Libraries choose the order
// of a sum by the size of the product, the number of threads and the place of a row in it. A fact's
// numbers would then depend on the facts that are computed beside it.
#pragma once

#include <ATen/core/Tensor.h>

namespace mambascope {

// Returns the product of two matrices: a [.., m, k], b [.., k, n] -> [.., m, n]. Leading dimensions
// are equal. `a` may also be one row [k], which gives [n]. On the CPU, `a` is float32, and
// `b` is float32 or bfloat16, whose elements are widened. Element (i, j) depends on row i of `a`
// and column j of `b` alone: products of 512 elements are added in order, and then the sums of
// these. So an element is the same for any m, n, leading dimensions and number of threads. Other
// devices and types use LibTorch's product, whose result has the type of `a`. There is one
// exception: on a GPU with LibTorch 2.8 or newer, two bfloat16 matrices give float32, which is not
// rounded to bfloat16. Product can be differentiated any number of times.
at::Tensor Product(const at::Tensor& a, const at::Tensor& b);

}  // namespace mambascope
