// Compares norms with their formulas, on the device of the tests.
#include "mambascope/model/ops.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>

#include "mambascope/model/kernels/device_kernels.h"
#include "mambascope/model/kernels/kernels_test_support.h"

namespace mambascope {
namespace {

TEST(GatedRmsNormTest, EqualsItsSteps) {
  at::manual_seed(6);
  const at::Tensor x = RandomOnDevice({5, 96}, at::kFloat),
                   gate = RandomOnDevice({5, 200}, at::kFloat).narrow(1, 8, 96),
                   weight = RandomOnDevice({96}, at::kFloat);
  const at::Tensor gated = x * at::silu(gate), parts = gated.view({5, 3, 32}),
                   want = (parts / (parts.square().mean(2, true) + 1e-5).sqrt()).view({5, 96}) *
                          weight;
  EXPECT_LT(MaxDifference(GatedRmsNorm(x, gate, weight, 3, 1e-5), want), 1e-5);
  const at::Tensor plain = x / (x.square().mean(1, true) + 1e-5).sqrt() * weight;
  EXPECT_LT(MaxDifference(RmsNorm(x, weight, 1e-5), plain), 1e-5);
}

// A reader that rounds to bfloat16 reads the same, whether or not the norm rounds for it.
// Only a GPU's kernels round: run this there (MAMBASCOPE_TEST_DEVICE=cuda).
TEST(GatedRmsNormTest, MayRoundForItsReader) {
  at::manual_seed(7);
  const at::Tensor x = RandomOnDevice({5, 96}, at::kFloat),
                   gate = RandomOnDevice({5, 96}, at::kFloat),
                   weight = RandomOnDevice({96}, at::kFloat);
  for (const auto& norm :
       {std::function([&](at::ScalarType as) { return RmsNorm(x, weight, 1e-5, as); }),
        std::function(
            [&](at::ScalarType as) { return GatedRmsNorm(x, gate, weight, 3, 1e-5, as); })}) {
    EXPECT_EQ(norm(at::kFloat).scalar_type(), at::kFloat);
    const at::Tensor rounded = norm(at::kBFloat16);
    EXPECT_EQ(rounded.scalar_type(), FindFused({x}) ? at::kBFloat16 : at::kFloat);
    EXPECT_TRUE(at::equal(rounded.to(at::kBFloat16), norm(at::kFloat).to(at::kBFloat16)));
  }
}

}  // namespace
}  // namespace mambascope
