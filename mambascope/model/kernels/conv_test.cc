// Compares the convolution's kernel with the reference, and the reference with LibTorch's. Tests
// which inputs cuts set to 0.
#include "mambascope/model/kernels/conv.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/kernels/autograd.h"
#include "mambascope/model/kernels/conv_reference.h"
#include "mambascope/model/kernels/kernels_test_support.h"

namespace mambascope {
namespace {

struct ConvCase {
  at::Tensor x, weight, bias, from;
};

ConvCase RandomConv(at::ScalarType dtype = at::kFloat) {
  at::manual_seed(8);
  return {RandomOnDevice({TestPacking().rows(), 37}, dtype), RandomOnDevice({4, 37}, dtype),
          RandomOnDevice({37}, dtype), RandomOnDevice({2, 3, 37}, dtype)};
}

TEST(CausalConvTest, KernelEqualsReferenceWithGradients) {
  std::vector<std::vector<at::Tensor>> results;
  for (const auto conv : {DifferentiableConv, CausalConvReference}) {
    const ConvCase c = RandomConv();
    c.x.set_requires_grad(true);
    c.from.set_requires_grad(true);
    at::Tensor kept;
    const at::Tensor y = conv(c.x, c.weight, c.bias, TestPacking(), c.from, kept);
    (y.sin().sum() + kept.cos().sum()).backward();
    results.push_back({y, kept, c.x.grad(), c.from.grad()});
  }
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_GT(results[1][i].abs().max().item<double>(), 0.1);
    EXPECT_LT(MaxDifference(results[0][i], results[1][i]), 1e-5) << "result " << i;
  }
}

TEST(CausalConvTest, EqualsLibTorchsConvolution) {
  const ConvCase c = RandomConv();
  at::Tensor kept;
  const at::Tensor y = CausalConv(c.x, c.weight, c.bias, Packing::Whole({13}), {}, kept,
                                  CutRows(Packing::Whole({13}), {}, 4));
  const at::Tensor want =
      at::conv1d(c.x.t().unsqueeze(0), c.weight.t().unsqueeze(1), c.bias, 1, 3, 1, 37)[0].t().slice(
          0, 0, 13);
  EXPECT_LT(MaxDifference(y, want), 1e-5);
}

// Under a cut of the convolution, targets and all rows that they read see the sources' inputs as 0.
// Here token 6 does not see 4, and tokens 7 and 8 do not see 5. Rows 4 and 5 are recomputed for
// target 6. Rows 5 and 6 are recomputed for targets 7 and 8; row 6 also lacks token 4, as
// it does for every row that reads it.
TEST(CausalConvTest, CutsSilenceInputs) {
  const ConvCase c = RandomConv();
  const Packing packing = Packing::Whole({13});
  const auto without = [](std::vector<int64_t> tokens) {
    return Sources{std::move(tokens), {}, CutKind::kMixingAndConv};
  };
  const CutRows cuts(packing, {{0, {6}, {without({4})}}, {0, {7, 8}, {without({5})}}}, 4);
  ASSERT_EQ(cuts.target_rows(), 3);
  at::Tensor kept;
  const at::Tensor y = CausalConv(c.x, c.weight, c.bias, packing, {}, kept, cuts);
  ASSERT_EQ(y.size(0), 13 + 4);
  const auto zeroed = [&](std::vector<int64_t> tokens) {
    at::Tensor x = c.x.clone();
    for (int64_t token : tokens) x[token].zero_();
    return CausalConvReference(x, c.weight, c.bias, packing, {}, kept);
  };
  const at::Tensor whole = zeroed({});
  for (int64_t t = 0; t < 13; ++t) {
    const at::Tensor want = t == 6 ? zeroed({4}) : t == 7 || t == 8 ? zeroed({5}) : whole;
    EXPECT_LT(MaxDifference(y[t], want[t]), 1e-5) << t;
  }
  const std::vector<std::pair<int64_t, std::vector<int64_t>>> extra = {
      {4, {4}}, {5, {4}}, {5, {5}}, {6, {4, 5}}};
  ASSERT_EQ(cuts.recomputed().size(), 3 + extra.size());
  for (size_t i = 0; i < extra.size(); ++i) {
    EXPECT_EQ(cuts.recomputed()[3 + i].row, extra[i].first);
    EXPECT_LT(
        MaxDifference(y[13 + static_cast<int64_t>(i)], zeroed(extra[i].second)[extra[i].first]),
        1e-5)
        << i;
  }
  EXPECT_GT(MaxDifference(y[7], whole[7]), 1e-2);
}

}  // namespace
}  // namespace mambascope
