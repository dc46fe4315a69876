#include "mambascope/model/kernels/product.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "mambascope/model/kernels/kernels_test_support.h"

namespace mambascope {
namespace {

struct Shape {
  int64_t m, k, n;
};
const std::vector<Shape> kShapes = {{1, 1, 1},     {3, 7, 1},      {13, 16, 2},   {12, 47, 33},
                                    {25, 192, 44}, {40, 600, 100}, {7, 1025, 64}, {200, 12, 384}};

// Sums of absolute products bound the rounding of any order of summation.
void ExpectClose(const at::Tensor& got, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor a64 = a.to(at::kDouble), b64 = b.to(at::kDouble);
  const at::Tensor error = (got.to(at::kDouble) - a64.matmul(b64)).abs();
  EXPECT_LE((error / a64.abs().matmul(b64.abs())).max().item<double>(), 1e-5);
}

TEST(Product, EqualsTheProductInFloat64) {
  at::manual_seed(1);
  for (const auto& [m, k, n] : kShapes) {
    const at::Tensor a = at::randn({m, k}), b = at::randn({k, n}), w = at::randn({n, k});
    ExpectClose(Product(a, b), a, b);
    ExpectClose(Product(a, w.t()), a, w.t());
    const at::Tensor turned = at::randn({k, m}).t();
    ExpectClose(Product(turned, b), turned, b);
    const at::Tensor half = w.to(at::kBFloat16);
    ExpectClose(Product(a, half.t()), a, half.t());
  }
}

TEST(Product, MultipliesPairsOfMatrices) {
  const at::Tensor a = at::randn({3, 2, 5, 9}), b = at::randn({3, 2, 9, 6});
  ExpectClose(Product(a, b), a, b);
  const at::Tensor keys = at::randn({3, 6, 2, 9}).transpose(1, 2).transpose(2, 3);
  ExpectClose(Product(a, keys), a, keys);
  EXPECT_EQ(Product(at::empty({0, 9}), b[0][0]).sizes(), at::IntArrayRef({0, 6}));
  EXPECT_EQ(Product(at::empty({4, 0}), at::empty({0, 6})).abs().max().item<float>(), 0);
}

TEST(Product, ARowDependsOnNeitherTheOtherRowsNorTheThreads) {
  const int threads = at::get_num_threads();
  for (const auto& [m, k, n] : kShapes) {
    const at::Tensor a = at::randn({m + 300, k}), b = at::randn({n, k}).t();
    at::set_num_threads(1);
    const at::Tensor all = Product(a, b);
    for (int count : {1, 2, 3, 5}) {
      at::set_num_threads(count);
      for (int64_t first : {0, 1, 5, 12, 299})
        EXPECT_TRUE(
            at::equal(Product(a.slice(0, first, first + m), b), all.slice(0, first, first + m)))
            << m << " x " << k << " x " << n << ", " << count << " threads, from row " << first;
      for (int64_t columns = 1; columns <= n; columns += 9)
        EXPECT_TRUE(at::equal(Product(a, b.slice(1, 0, columns)), all.slice(1, 0, columns)));
    }
  }
  at::set_num_threads(threads);
}

TEST(Product, GradientsEqualFiniteDifferences) {
  at::manual_seed(3);
  at::Tensor a = at::randn({2, 5, 9}), b = at::randn({2, 9, 6});
  const at::Tensor weight = at::randn({2, 5, 6});
  const auto loss = [&] { return (Product(a, b).tanh() * weight).to(at::kDouble).sum(); };
  for (at::Tensor* input : {&a, &b}) {
    const Slope slope = RandomSlope(*input, 1e-2, loss);
    EXPECT_NEAR(slope.numeric, slope.analytic, 2e-2 * std::abs(slope.numeric) + 1e-2);
  }
}

}  // namespace
}  // namespace mambascope
