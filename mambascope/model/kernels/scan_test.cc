// Compares the scan's matrix with the reference, the reference with the kernel, and gradients with
// finite differences.
#include "mambascope/model/kernels/scan.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/model/kernels/autograd.h"
#include "mambascope/model/kernels/kernels_test_support.h"
#include "mambascope/model/kernels/scan_matrix.h"
#include "mambascope/model/kernels/scan_reference.h"

namespace mambascope {
namespace {

struct Sizes {
  int64_t d_inner, d_state, groups, a_rows;
};

struct ScanCase {
  ScanInput in;
  at::Tensor from;  // [2, d_state, d_inner]
};

ScanCase RandomCase(const Sizes& s, at::ScalarType dtype = at::kFloat) {
  at::manual_seed(7);
  const int64_t rows = TestPacking().rows();
  return {{RandomOnDevice({rows, s.d_inner}, dtype),
           at::softplus(RandomOnDevice({rows, s.d_inner}, dtype)),
           -RandomOnDevice({s.a_rows, s.d_inner}, dtype).exp(),
           RandomOnDevice({rows, s.groups, s.d_state}, dtype),
           RandomOnDevice({rows, s.groups, s.d_state}, dtype)},
          RandomOnDevice({2, s.d_state, s.d_inner}, dtype)};
}

class ScanTest : public testing::TestWithParam<Sizes> {};

INSTANTIATE_TEST_SUITE_P(Sizes, ScanTest,
                         testing::Values(Sizes{96, 16, 1, 16}, Sizes{7, 3, 1, 3},
                                         Sizes{130, 12, 1, 1}, Sizes{64, 5, 2, 1},
                                         Sizes{150, 4, 3, 1}, Sizes{96, 128, 2, 1},
                                         Sizes{40, 40, 1, 40}, Sizes{96, 48, 1, 48}),
                         [](const auto& info) {
                           return fmt::format("d{}_n{}_g{}_a{}", info.param.d_inner,
                                              info.param.d_state, info.param.groups,
                                              info.param.a_rows);
                         });

TEST_P(ScanTest, KernelEqualsReference) {
  const ScanCase c = RandomCase(GetParam());
  at::Tensor kept, kept_reference;
  const at::Tensor y = DifferentiableScan(c.in, TestPacking(), c.from, kept);
  const at::Tensor reference = SelectiveScanReference(c.in, TestPacking(), c.from, kept_reference);
  EXPECT_LT(MaxDifference(y, reference), 1e-5 * reference.abs().max().item<double>());
  EXPECT_LT(MaxDifference(kept, kept_reference), 1e-5 * kept_reference.abs().max().item<double>());
}

TEST_P(ScanTest, KernelGradientsEqualTheReferences) {
  const Packing packing = TestPacking();
  std::vector<std::vector<at::Tensor>> gradients;
  for (const auto scan : {DifferentiableScan, SelectiveScanReference}) {
    const ScanCase c = RandomCase(GetParam());
    const std::vector<at::Tensor> inputs = {c.in.x, c.in.delta, c.in.b, c.in.c, c.from};
    for (const at::Tensor& input : inputs) input.set_requires_grad(true);
    at::Tensor kept;
    const at::Tensor y = scan(c.in, packing, c.from, kept);
    ((y * at::sin(y)).sum() + (kept * at::cos(kept)).sum()).backward();
    gradients.emplace_back();
    for (const at::Tensor& input : inputs) gradients.back().push_back(input.grad());
  }
  for (size_t i = 0; i < gradients[0].size(); ++i) {
    const double scale = gradients[1][i].abs().max().item<double>();
    EXPECT_GT(scale, 0);
    EXPECT_LT(MaxDifference(gradients[0][i], gradients[1][i]), 2e-5 * scale) << "input " << i;
  }
}

TEST_P(ScanTest, ReferenceEqualsMatrix) {
  const ScanCase c = RandomCase(GetParam(), at::kDouble);
  at::Tensor kept;
  const at::Tensor y = SelectiveScanReference(c.in, Packing::Whole({c.in.x.size(0)}), {}, kept);
  const at::Tensor by_matrix = at::einsum("ijd,jd->id", {ScanMatrix(c.in), c.in.x});
  EXPECT_LT(MaxDifference(y, by_matrix), 1e-10 * y.abs().max().item<double>());
}

// Central differences of the reference in float64, along random directions.
TEST_P(ScanTest, ReferenceGradientsEqualFiniteDifferences) {
  ScanCase c = RandomCase(GetParam(), at::kDouble);
  const auto loss = [&] {
    at::Tensor kept;
    const at::Tensor y = SelectiveScanReference(c.in, TestPacking(), c.from, kept);
    return y.sin().sum() + kept.square().sum();
  };
  for (at::Tensor* input : {&c.in.x, &c.in.delta, &c.in.a, &c.in.b, &c.in.c, &c.from}) {
    const auto [numeric, analytic] = RandomSlope(*input, 1e-5, loss);
    EXPECT_NEAR(analytic, numeric, 1e-6 * std::max(1.0, std::abs(numeric)));
  }
}

// Central differences of the kernel in float32.
TEST_P(ScanTest, KernelGradientsEqualFiniteDifferences) {
  ScanCase c = RandomCase(GetParam());
  const at::Tensor weights = at::randn_like(c.in.x);
  for (at::Tensor* input : {&c.in.x, &c.in.delta, &c.in.b, &c.in.c, &c.from}) {
    const auto loss = [&] {
      at::Tensor kept;
      return (DifferentiableScan(c.in, TestPacking(), c.from, kept) * weights)
          .to(at::kDouble)
          .sum();
    };
    input->set_requires_grad(true);
    loss().backward();
    const at::Tensor gradient = input->grad().clone(), value = input->detach().clone();
    const at::Tensor direction = gradient / gradient.norm();
    const auto at_step = [&](double step) {
      *input = value + step * direction;
      return loss().item<double>();
    };
    const double numeric = (at_step(1e-2) - at_step(-1e-2)) / 2e-2,
                 analytic = gradient.norm().item<double>();
    EXPECT_NEAR(analytic, numeric, 5e-3 * analytic);
    *input = value;
  }
}

TEST(ScanEdgeTest, SecondOrderGradientsAreRefused) {
  const ScanCase c = RandomCase({8, 2, 1, 2});
  c.in.x.set_requires_grad(true);
  at::Tensor kept;
  const at::Tensor loss = DifferentiableScan(c.in, TestPacking(), c.from, kept).square().sum();
  EXPECT_THROW(
      torch::autograd::grad({loss}, {c.in.x}, {}, /*retain_graph=*/true, /*create_graph=*/true),
      Error);
}

// The kernel at the limits of float32's exponent: no decay, and complete decay.
TEST(ScanEdgeTest, ExtremeSteps) {
  ScanCase c = RandomCase({64, 4, 1, 4});
  c.in.delta.slice(1, 0, 32).fill_(0);
  c.in.delta.slice(1, 32).fill_(1e4);
  at::Tensor kept, kept_reference;
  const at::Tensor y = DifferentiableScan(c.in, TestPacking(), c.from, kept);
  EXPECT_TRUE(y.isfinite().all().item<bool>());
  EXPECT_LT(MaxDifference(y, SelectiveScanReference(c.in, TestPacking(), c.from, kept_reference)),
            1e-5 * y.abs().max().item<double>());
}

// Returns the scan's output on one whole prompt under cuts.
at::Tensor ScanWhole(const ScanInput& in, const std::vector<RowCut>& cuts) {
  const Packing packing = Packing::Whole({in.x.size(0)});
  at::Tensor kept;
  return SelectiveScan(in, packing, {}, kept, CutRows(packing, cuts, 4));
}

// Inputs 2^i without decay: the binary digits of each output show which tokens reached it.
ScanInput BinaryDigits(int64_t rows, int64_t d_state) {
  const at::TensorOptions options(TestDevice());
  const at::Tensor b = at::ones({rows, 1, d_state}, options) / static_cast<double>(d_state);
  return {at::pow(2, at::arange(rows, options.dtype(at::kFloat))).unsqueeze(1),
          at::ones({rows, 1}, options), at::zeros({1, 1}, options), b, at::ones_like(b)};
}

TEST(ScanCutTest, BinaryDigitsShowWhatGotThrough) {
  const auto outputs = [&](const std::vector<RowCut>& cuts) {
    return ToVector(ScanWhole(BinaryDigits(6, 1), cuts));
  };
  EXPECT_EQ(outputs({}), (std::vector<int64_t>{0b1, 0b11, 0b111, 0b1111, 0b11111, 0b111111}));
  EXPECT_EQ(outputs({{0, {3, 5}, {{{1, 2}}}}}),
            (std::vector<int64_t>{0b1, 0b11, 0b111, 0b1001, 0b11111, 0b111001}));
  EXPECT_EQ(outputs({{0, {4}, {{{0}}}}, {0, {5}, {{{0}}, {{5}}}}}),
            (std::vector<int64_t>{0b1, 0b11, 0b111, 0b1111, 0b11110, 0b011110}));
}

// Small cases of the public implementation of Endy et al. 2025: 8 tokens and 8 states, each token's
// write divided equally among the states.
TEST(ScanCutTest, PublicImplementationsSmallCases) {
  const ScanInput in = BinaryDigits(8, 8);
  const auto outputs = [&](std::vector<int64_t> from, std::vector<int64_t> to) {
    return ToVector(ScanWhole(in, {{0, std::move(to), {{std::move(from)}}}}));
  };
  const std::vector<int64_t> uncut = ToVector(ScanWhole(in, {}));
  EXPECT_EQ(uncut, (std::vector<int64_t>{1, 3, 7, 15, 31, 63, 127, 255}));
  EXPECT_EQ(outputs({0, 1, 2}, {4})[4], 24);
  EXPECT_EQ(outputs({0, 1}, {4})[4], 28);
  EXPECT_EQ(outputs({0, 1, 2}, {4, 5, 6}), (std::vector<int64_t>{1, 3, 7, 15, 24, 56, 120, 255}));
  EXPECT_EQ(outputs({}, {4}), uncut);
  EXPECT_EQ(outputs({1}, {}), uncut);
}

TEST(ScanCutTest, EqualsZeroedEntriesOfTheMatrix) {
  const ScanCase c = RandomCase({10, 3, 2, 1});
  const at::Tensor channels = at::arange(10) < 4;
  const Sources some{{2, 5}, channels};
  const at::Tensor y = ScanWhole(c.in, {{0, {6}, {some}}, {0, {12}, {some, {{0}}}}});
  at::Tensor m = ScanMatrix(c.in);
  for (int64_t i : {6, 12}) {
    for (int64_t j : {2, 5}) m[i][j].slice(0, 0, 4).zero_();
  }
  m[12][0].zero_();
  const at::Tensor want = at::einsum("ijd,jd->id", {m, c.in.x});
  EXPECT_LT(MaxDifference(y, want), 1e-5 * want.abs().max().item<double>());
  EXPECT_GT(MaxDifference(y[12], ScanWhole(c.in, {})[12]), 1e-2);
}

// A segment under a cut continues from a carry without the sources' writes. It gives the same
// output as the whole prompt.
TEST(ScanCutTest, CutsGoOnFromTheCarryThatTheyKept) {
  const ScanCase c = RandomCase({70, 3, 2, 1});
  Packing whole = Packing::Whole({13});
  whole.kept = {4, 7};
  at::Tensor kept, ignored;
  SelectiveScan(c.in, whole, {}, kept, CutRows(whole, {{0, {}, {{{2, 5}}}, -1, {7}}}, 4));
  ASSERT_EQ(kept.size(0), 3) << "two slots of the packing, and then the cut's";
  const Packing rest{.segments = {{0, 5, 8, 1}}, .kept = {}};
  const auto last = [](const at::Tensor& x) { return x.slice(0, 8); };
  const ScanInput in{last(c.in.x), last(c.in.delta), c.in.a, last(c.in.b), last(c.in.c)};
  const std::vector<RowCut> cuts = {{0, {1, 4}, {{{2, 5, 9}}}, 2}};
  const at::Tensor got = SelectiveScan(in, rest, kept, ignored, CutRows(rest, cuts, 4));
  const at::Tensor want = last(ScanWhole(c.in, {{0, {9, 12}, {{{2, 5, 9}}}}}));
  EXPECT_LT(MaxDifference(got, want), 1e-5 * want.abs().max().item<double>());
  EXPECT_GT(MaxDifference(got, SelectiveScan(in, rest, kept, ignored, CutRows(rest, {}, 4))), 1e-2);
}

// A hidden write is never made, so an infinite write reaches only the tokens that see it.
TEST(ScanCutTest, InfiniteSourcesStayHidden) {
  ScanInput in = BinaryDigits(6, 1);
  in.x[1].fill_(INFINITY);
  const at::Tensor y =
      ScanWhole(in, {{0, {4}, {{{1}}}}, {0, {5}, {{{1}, at::ones({1}, at::kBool)}}}});
  EXPECT_EQ(y[4].item<float>(), 0b11101);
  EXPECT_EQ(y[5].item<float>(), 0b111101);
  EXPECT_TRUE(std::isinf(y[3].item<float>()));
}

}  // namespace
}  // namespace mambascope
