// Compares steps that a GPU takes together with plain LibTorch. On the CPU they are taken one by
// one.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/kernels/conv.h"
#include "mambascope/model/kernels/conv_reference.h"
#include "mambascope/model/kernels/device_kernels.h"
#include "mambascope/model/kernels/kernels_test_support.h"
#include "mambascope/model/kernels/scan.h"
#include "mambascope/model/kernels/scan_reference.h"

namespace mambascope {
namespace {

struct GatedSizes {
  int64_t d_inner, d_state, groups, heads;  // heads 0: Mamba-1
  bool gate = true, kept = true;
};

class GatedScanTest : public testing::TestWithParam<GatedSizes> {};

INSTANTIATE_TEST_SUITE_P(Sizes, GatedScanTest,
                         testing::Values(GatedSizes{96, 16, 1, 0}, GatedSizes{96, 48, 1, 0},
                                         GatedSizes{128, 96, 1, 4, false}, GatedSizes{37, 5, 1, 0},
                                         GatedSizes{96, 32, 1, 0, false},
                                         GatedSizes{128, 32, 1, 4, false},
                                         GatedSizes{128, 128, 2, 4, false, false},
                                         GatedSizes{64, 64, 1, 16, false, false},
                                         GatedSizes{60, 12, 3, 6, true, false}),
                         [](const auto& info) {
                           const GatedSizes& s = info.param;
                           return fmt::format("d{}_n{}_g{}_h{}_{}{}", s.d_inner, s.d_state,
                                              s.groups, s.heads, s.gate, s.kept);
                         });

TEST_P(GatedScanTest, EqualsItsSteps) {
  at::manual_seed(3);
  const GatedSizes& s = GetParam();
  Packing packing = TestPacking();
  if (!s.kept) packing.kept.clear();
  const int64_t rows = packing.rows(), bc = s.groups * s.d_state,
                heads = s.heads == 0 ? s.d_inner : s.heads, head_dim = s.d_inner / heads;
  // The inputs are columns of wider matrices.
  const auto columns =
      at::split_with_sizes(RandomOnDevice({rows, 2 * s.d_inner + 2 * bc + heads}, at::kFloat),
                           {s.d_inner, s.d_inner, bc, bc, heads}, 1);
  const auto grouped = [&](const at::Tensor& x) { return x.unflatten(1, {s.groups, s.d_state}); };
  at::Tensor a = -RandomOnDevice({s.heads == 0 ? s.d_state : 1, heads}, at::kFloat).exp();
  a = a.repeat_interleave(head_dim, 1).contiguous();
  const GatedScanInput in{.x = columns[0],
                          .dt = columns[4],
                          .dt_bias = RandomOnDevice({heads}, at::kFloat),
                          .dt_min = s.heads == 0 ? 0 : 0.2,
                          .dt_max = s.heads == 0 ? std::numeric_limits<double>::infinity() : 1.5,
                          .a = a,
                          .b = grouped(columns[2]),
                          .c = grouped(columns[3]),
                          .d = RandomOnDevice({s.d_inner}, at::kFloat),
                          .gate_in = s.gate ? columns[1] : at::Tensor()};
  const at::Tensor from = RandomOnDevice({2, s.d_state, s.d_inner}, at::kFloat);
  at::Tensor kept, kept_by_steps;
  const at::Tensor y = GatedScan(in, packing, from, kept, CutRows(packing, {}, 4));

  const at::Tensor delta =
      at::softplus(in.dt + in.dt_bias).clamp(in.dt_min, in.dt_max).repeat_interleave(head_dim, 1);
  at::Tensor want =
      SelectiveScanReference({in.x, delta, in.a, in.b, in.c}, packing, from, kept_by_steps) +
      in.x * in.d;
  if (s.gate) want = want * at::silu(in.gate_in);
  EXPECT_GT(want.abs().max().item<double>(), 1);
  EXPECT_LT(MaxDifference(y, want), 1e-5 * want.abs().max().item<double>());
  if (s.kept)
    EXPECT_LT(MaxDifference(kept, kept_by_steps), 1e-5 * kept_by_steps.abs().max().item<double>());

  // Only a GPU's kernel rounds, unless the scan is made of matrix products.
  GatedScanInput for_rounding_reader = in;
  for_rounding_reader.as = at::kBFloat16;
  at::Tensor kept_too;
  const at::Tensor rounded =
      GatedScan(for_rounding_reader, packing, from, kept_too, CutRows(packing, {}, 4));
  EXPECT_TRUE(at::equal(rounded.to(at::kBFloat16), y.to(at::kBFloat16)));
  if (s.kept) EXPECT_TRUE(at::equal(kept_too, kept));
}

// Where many segments continue from many carries, as in a sweep.
TEST(GatedScanManySegmentsTest, EqualsTheReference) {
  at::manual_seed(5);
  Packing packing;
  for (int64_t i = 0; i < 200; ++i)
    packing.segments.push_back(
        {.begin = packing.rows(), .length = 1 + i * 7 % 60, .position = 1, .carry = i * i % 9 - 1});
  constexpr int64_t kInner = 128, kState = 32, kHeads = 2;
  const int64_t rows = packing.rows();
  const GatedScanInput in{.x = RandomOnDevice({rows, kInner}, at::kFloat),
                          .dt = RandomOnDevice({rows, kHeads}, at::kFloat) - 2,
                          .dt_bias = RandomOnDevice({kHeads}, at::kFloat),
                          .a = at::full({1, kInner}, -0.5, at::kFloat).to(TestDevice()),
                          .b = RandomOnDevice({rows, 1, kState}, at::kFloat),
                          .c = RandomOnDevice({rows, 1, kState}, at::kFloat),
                          .d = RandomOnDevice({kInner}, at::kFloat)};
  const at::Tensor from = RandomOnDevice({8, kState, kInner}, at::kFloat);
  at::Tensor kept;
  const at::Tensor y = GatedScan(in, packing, from, kept, CutRows(packing, {}, 4)),
                   want = SelectiveScanReference(ScanOf(in), packing, from, kept) + in.x * in.d;
  EXPECT_LT(MaxDifference(y, want), 1e-5 * want.abs().max().item<double>());
}

TEST(SiluConvTest, EqualsItsSteps) {
  at::manual_seed(4);
  for (const int64_t width : {37, 64}) {  // read one by one, and four together
    const Packing packing = TestPacking();
    const at::Tensor x = RandomOnDevice({packing.rows(), 2 * width}, at::kFloat)
                             .narrow(1, 0, width),
                     weight = RandomOnDevice({4, width}, at::kFloat),
                     bias = RandomOnDevice({width}, at::kFloat),
                     from = RandomOnDevice({2, 3, width}, at::kFloat);
    at::Tensor kept, kept_by_steps;
    const at::Tensor y = SiluConv(x, weight, bias, packing, from, kept, CutRows(packing, {}, 4)),
                     want = at::silu(
                         CausalConvReference(x, weight, bias, packing, from, kept_by_steps));
    EXPECT_GT(want.abs().max().item<double>(), 1);
    EXPECT_LT(MaxDifference(y, want), 1e-5);
    EXPECT_EQ(MaxDifference(kept, kept_by_steps), 0);
  }
}

TEST(FindFusedTest, IsOnlyForTheGpuAndWithoutGradients) {
  const at::Tensor x = RandomOnDevice({2, 4}, at::kFloat);
  EXPECT_EQ(FindFused({x}) != nullptr, TestDevice().is_cuda() && FindKernels(x) != nullptr);
  EXPECT_EQ(FindFused({x, at::ones_like(x).requires_grad_()}), nullptr);
}

}  // namespace
}  // namespace mambascope
