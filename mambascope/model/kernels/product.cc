#include "mambascope/model/kernels/product.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#include <algorithm>
#include <vector>

#include "mambascope/model/kernels/product_loops.h"

namespace mambascope {
namespace {

// Rows that one task computes at most: they and a panel stay in the second-level cache.
constexpr int64_t kTaskRows = 192;
// Multiplications below which another thread costs more than it saves.
constexpr int64_t kWorthAThread = 1 << 16;

bool HasLoops(const at::Tensor& a, const at::Tensor& b) {
  const bool types = a.scalar_type() == at::kFloat &&
                     (b.scalar_type() == at::kFloat || b.scalar_type() == at::kBFloat16);
  return types && a.is_cpu() && b.is_cpu();
}

template <typename T>
MatrixView<T> ViewOf(const at::Tensor& b, int64_t matrix) {
  return {b.data_ptr<T>() + matrix * b.stride(0), b.stride(1), b.stride(2)};
}

// The tasks of a product of some pairs of matrices. A task computes some rows of one panel.
struct Tasks {
  int64_t matrices, row_blocks, panels, rows;  // rows of a block

  Tasks(int64_t matrices, int64_t m, int64_t n) : matrices(matrices) {
    panels = (n + PanelColumns() - 1) / PanelColumns();
    const int64_t wanted = int64_t{2} * at::get_num_threads(),
                  have = std::max<int64_t>(1, matrices * panels);
    row_blocks = std::max((m + kTaskRows - 1) / kTaskRows, (wanted + have - 1) / have);
    constexpr int64_t kTile = 12;  // rows of the tallest tile of any machine
    rows = ((m + row_blocks - 1) / row_blocks + kTile - 1) / kTile * kTile;
    row_blocks = (m + rows - 1) / rows;
  }
  int64_t count() const { return matrices * row_blocks * panels; }
};

// a [matrix, m, k] with contiguous rows, b [matrix, k, n], c [matrix, m, n] contiguous.
template <typename T>
void Multiply(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c) {
  const int64_t m = a.size(1), depth = a.size(2), n = b.size(2), width = PanelColumns();
  const Tasks tasks(a.size(0), m, n);
  const int64_t grain = kWorthAThread / std::max<int64_t>(1, tasks.rows * width * depth) + 1;
  at::parallel_for(0, tasks.count(), grain, [&](int64_t begin, int64_t end) {
    std::vector<float> panel(static_cast<size_t>(std::min(depth, kProductDepth) * width));
    for (int64_t task = begin; task < end; ++task) {
      const int64_t column = task % tasks.panels * width, block = task / tasks.panels,
                    row = block % tasks.row_blocks * tasks.rows, matrix = block / tasks.row_blocks;
      const int64_t columns = std::min(width, n - column);
      ProductRows rows{.a = a.data_ptr<float>() + matrix * a.stride(0) + row * a.stride(1),
                       .a_stride = a.stride(1),
                       .c = c.data_ptr<float>() + (matrix * m + row) * n + column,
                       .c_stride = n,
                       .rows = std::min(tasks.rows, m - row)};
      for (int64_t k = 0; k < depth; k += kProductDepth, rows.a += kProductDepth) {
        const int64_t until = std::min(k + kProductDepth, depth);
        PackPanel(ViewOf<T>(b, matrix), k, until, column, columns, panel.data());
        MultiplyPanel(rows, panel.data(), until - k, columns,
                      k == 0 ? ProductMode::kWrite : ProductMode::kAdd);
      }
    }
  });
}

at::Tensor Forward(const at::Tensor& a, const at::Tensor& b) {
  TORCH_CHECK(a.size(-1) == b.size(-2) &&
                  a.sizes().slice(0, a.dim() - 2) == b.sizes().slice(0, b.dim() - 2),
              "Product: the shapes do not fit");
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 8)
  if (a.is_cuda() && a.scalar_type() == at::kBFloat16 && a.dim() == 2)
    return at::mm(a, b.to(at::kBFloat16), at::kFloat);
#endif
  if (!HasLoops(a, b)) return at::matmul(a, b.to(a.scalar_type()));
  auto shape = a.sizes().vec();
  shape.back() = b.size(-1);
  if (a.numel() == 0 || b.numel() == 0) return at::zeros(shape, a.options());
  const auto as_matrices = [](const at::Tensor& x) {
    return x.dim() == 2 ? x.unsqueeze(0) : x.flatten(0, -3);
  };
  const at::Tensor c = at::empty(shape, a.options());
  const at::Tensor rows = a.stride(-1) == 1 ? a : a.contiguous();
  if (b.scalar_type() == at::kFloat)
    Multiply<float>(as_matrices(rows), as_matrices(b), as_matrices(c));
  else Multiply<at::BFloat16>(as_matrices(rows), as_matrices(b), as_matrices(c));
  return c;
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct ProductFunction : torch::autograd::Function<ProductFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& a, const at::Tensor& b) {
    // What no gradient needs is not kept.
    context->save_for_backward(
        {b.requires_grad() ? a : at::Tensor(), a.requires_grad() ? b : at::Tensor()});
    return Forward(a, b);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &a = saved[0], &b = saved[1];
    at::Tensor g = gradients[0];
    const at::Tensor& other = a.defined() ? a : b;
    if (g.is_cuda() && other.scalar_type() == at::kBFloat16) g = g.to(at::kBFloat16);
    return {b.defined() ? Product(g, b.transpose(-1, -2)) : at::Tensor(),
            a.defined() ? Product(a.transpose(-1, -2), g) : at::Tensor()};
  }
};

}  // namespace

at::Tensor Product(const at::Tensor& a, const at::Tensor& b) {
  if (a.dim() == 1) return Product(a.unsqueeze(0), b).squeeze(0);
  const bool differentiated =
      c10::GradMode::is_enabled() && (a.requires_grad() || b.requires_grad());
  return differentiated ? ProductFunction::apply(a, b) : Forward(a, b);
}

}  // namespace mambascope
