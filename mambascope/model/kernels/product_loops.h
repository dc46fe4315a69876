// The inner loops of Product (product.h) on plain arrays.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace mambascope {

// Products are summed in blocks of this many elements; then the sums are added.
inline constexpr int64_t kProductDepth = 512;
// Number of columns in a panel: two vector registers of this machine, or more.
int64_t PanelColumns();

// A matrix [k, n] with any strides, in elements.
template <typename T>
struct MatrixView {
  const T* data;
  int64_t row_stride, column_stride;
};

// Copies the rows [begin, end) and the columns [first, first + columns) of `b` to `panel`
// [row, PanelColumns()]. Columns beyond `columns` are zero.
void PackPanel(const MatrixView<float>& b, int64_t begin, int64_t end, int64_t first,
               int64_t columns, float* panel);
void PackPanel(const MatrixView<c10::BFloat16>& b, int64_t begin, int64_t end, int64_t first,
               int64_t columns, float* panel);

// The rows of `a` and of the result that MultiplyPanel works on.
struct ProductRows {
  const float* a;  // [rows, depth], rows a_stride apart
  int64_t a_stride;
  float* c;  // [rows, columns], rows c_stride apart
  int64_t c_stride;
  int64_t rows;
};

enum class ProductMode { kWrite, kAdd };
// Computes c = a * panel (kWrite) or c += a * panel (kAdd), where the panel is
// [depth, PanelColumns()]. Uses only its first `columns` columns.
void MultiplyPanel(const ProductRows& rows, const float* panel, int64_t depth, int64_t columns,
                   ProductMode mode);

}  // namespace mambascope
