#include "mambascope/model/kernels/product_loops.h"

#include <algorithm>

#define MAMBASCOPE_INLINE inline __attribute__((always_inline))

namespace mambascope {
namespace {

typedef float Float16 __attribute__((vector_size(64)));
typedef float Float8 __attribute__((vector_size(32)));
typedef float Float4 __attribute__((vector_size(16)));

// Computes kRows rows of a panel of kVectors vectors. Its sums stay in registers.
template <typename Vector, int kRows, int kVectors>
MAMBASCOPE_INLINE void Tile(const float* a, int64_t a_stride, const float* panel, int64_t depth,
                            float* c, int64_t c_stride, ProductMode mode) {
  constexpr int kLanes = sizeof(Vector) / sizeof(float);
  Vector sum[kRows][kVectors] = {};
  for (int64_t k = 0; k < depth; ++k) {
    Vector b[kVectors];
    for (int j = 0; j < kVectors; ++j)
      __builtin_memcpy(&b[j], panel + (k * kVectors + j) * kLanes, sizeof(Vector));
    for (int i = 0; i < kRows; ++i) {
      const float x = a[i * a_stride + k];
      for (int j = 0; j < kVectors; ++j) sum[i][j] += x * b[j];
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kVectors; ++j) {
      float* const to = c + i * c_stride + j * kLanes;
      if (mode == ProductMode::kAdd) {
        Vector before;
        __builtin_memcpy(&before, to, sizeof(Vector));
        sum[i][j] += before;
      }
      __builtin_memcpy(to, &sum[i][j], sizeof(Vector));
    }
  }
}

// As Tile, for a panel of which only some columns count.
template <typename Vector, int kRows, int kVectors>
MAMBASCOPE_INLINE void EdgeTile(const float* a, int64_t a_stride, const float* panel, int64_t depth,
                                float* c, int64_t c_stride, int64_t columns, ProductMode mode) {
  constexpr int kColumns = kVectors * sizeof(Vector) / sizeof(float);
  float tile[kRows * kColumns];
  Tile<Vector, kRows, kVectors>(a, a_stride, panel, depth, tile, kColumns, ProductMode::kWrite);
  for (int i = 0; i < kRows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      float* const to = c + i * c_stride + j;
      *to = mode == ProductMode::kAdd ? *to + tile[i * kColumns + j] : tile[i * kColumns + j];
    }
  }
}

// Computes as many tiles of kRows rows as there are, from row `row` on. Returns the row after them.
template <typename Vector, int kRows, int kVectors>
MAMBASCOPE_INLINE int64_t Tiles(const ProductRows& r, const float* panel, int64_t depth,
                                int64_t columns, ProductMode mode, int64_t row) {
  const bool whole = columns == static_cast<int64_t>(kVectors * sizeof(Vector) / sizeof(float));
  for (; row + kRows <= r.rows; row += kRows) {
    const float* const a = r.a + row * r.a_stride;
    float* const c = r.c + row * r.c_stride;
    if (whole) Tile<Vector, kRows, kVectors>(a, r.a_stride, panel, depth, c, r.c_stride, mode);
    else
      EdgeTile<Vector, kRows, kVectors>(a, r.a_stride, panel, depth, c, r.c_stride, columns, mode);
  }
  return row;
}

template <typename Vector, int kRows, int kVectors>
MAMBASCOPE_INLINE void AllTiles(const ProductRows& r, const float* panel, int64_t depth,
                                int64_t columns, ProductMode mode) {
  int64_t row = Tiles<Vector, kRows, kVectors>(r, panel, depth, columns, mode, 0);
  row = Tiles<Vector, kRows / 2, kVectors>(r, panel, depth, columns, mode, row);
  row = Tiles<Vector, 2, kVectors>(r, panel, depth, columns, mode, row);
  Tiles<Vector, 1, kVectors>(r, panel, depth, columns, mode, row);
}

// The kernels for each instruction set. The sums of a tile fill about three quarters of the
// registers.
struct ProductKernels {
  int64_t columns;
  void (*multiply)(const ProductRows&, const float*, int64_t, int64_t, ProductMode);
};

void MultiplyBaseline(const ProductRows& r, const float* panel, int64_t depth, int64_t columns,
                      ProductMode mode) {
  AllTiles<Float4, 4, 2>(r, panel, depth, columns, mode);
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx2,fma"))) void MultiplyAvx2(const ProductRows& r, const float* panel,
                                                      int64_t depth, int64_t columns,
                                                      ProductMode mode) {
  AllTiles<Float8, 6, 2>(r, panel, depth, columns, mode);
}
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))) void MultiplyAvx512(
    const ProductRows& r, const float* panel, int64_t depth, int64_t columns, ProductMode mode) {
  AllTiles<Float16, 12, 2>(r, panel, depth, columns, mode);
}

ProductKernels ChooseKernels() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx512) return {32, MultiplyAvx512};
  if (avx2) return {16, MultiplyAvx2};
  return {8, MultiplyBaseline};
}
#else
ProductKernels ChooseKernels() { return {8, MultiplyBaseline}; }
#endif

const ProductKernels& Kernels() {
  static const ProductKernels kernels = ChooseKernels();
  return kernels;
}

// Rows of the matrix that are copied together when its columns are contiguous.
constexpr int64_t kPackRows = 16;

template <typename T>
void Pack(const MatrixView<T>& b, int64_t begin, int64_t end, int64_t first, int64_t columns,
          float* panel) {
  const int64_t width = PanelColumns();
  if (b.column_stride == 1) {
    for (int64_t k = begin; k < end; ++k) {
      const T* const from = b.data + k * b.row_stride + first;
      for (int64_t j = 0; j < columns; ++j) panel[(k - begin) * width + j] = from[j];
    }
  } else {
    for (int64_t k = begin; k < end; k += kPackRows) {
      const int64_t rows = std::min(kPackRows, end - k);
      for (int64_t j = 0; j < columns; ++j) {
        const T* const from = b.data + (first + j) * b.column_stride + k * b.row_stride;
        float* const to = panel + (k - begin) * width + j;
        for (int64_t i = 0; i < rows; ++i) to[i * width] = from[i * b.row_stride];
      }
    }
  }
  for (int64_t k = 0; k < end - begin; ++k)
    std::fill(panel + k * width + columns, panel + (k + 1) * width, 0.0f);
}

}  // namespace

int64_t PanelColumns() { return Kernels().columns; }

void PackPanel(const MatrixView<float>& b, int64_t begin, int64_t end, int64_t first,
               int64_t columns, float* panel) {
  Pack(b, begin, end, first, columns, panel);
}

void PackPanel(const MatrixView<c10::BFloat16>& b, int64_t begin, int64_t end, int64_t first,
               int64_t columns, float* panel) {
  Pack(b, begin, end, first, columns, panel);
}

void MultiplyPanel(const ProductRows& rows, const float* panel, int64_t depth, int64_t columns,
                   ProductMode mode) {
  Kernels().multiply(rows, panel, depth, columns, mode);
}

}  // namespace mambascope
