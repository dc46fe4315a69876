// Tests the memory and work that a sweep plans, and the cases that it refuses.
#include "mambascope/intervene/sweep_plan.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/intervene/sweep.h"
#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {
namespace {

// A site that one layer has may be missing in another.
TEST(MixedSweepTest, WhatALayerLacksIsRefused) {
  const Model model = MixedModel();
  const auto error = [&](const Intervention& intervention) {
    return ErrorOf([&] { Sweep(model, {{{5, 6, 7}}}, {{0, {intervention}}}); });
  };
  EXPECT_EQ(error(Cut{1, {0}, {2}}), "no error");
  EXPECT_THAT(error(Cut{3, {0}, {2}}), testing::HasSubstr("layer 3 has no mixer"));
  EXPECT_THAT(error(Hold{{Site::kSsmOut, 1, 0}}),
              testing::HasSubstr("layer 1 has no site ssm_out; layers that have it: 0, 2, 4"));
  EXPECT_THAT(error(Cut{1, {0}, {2}, at::ones({96}, at::kBool)}),
              testing::HasSubstr("a mask (bool) of 4 heads"));
  EXPECT_THAT(error(Cut{0, {0}, {2}, at::ones({4}, at::kBool)}),
              testing::HasSubstr("a mask (bool) of 96 channels"));
  EXPECT_EQ(error(Cut{1, {0}, {2}, at::ones({4}, at::kBool), CutKind::kMixingAndConv}), "no error");
}

// A pass costs as much as its most expensive layer, plus the carries of each layer.
TEST(MixedSweepTest, CostsAreThoseOfTheLayers) {
  const Model mixed = MixedModel(), mamba = Model::Load(GoldenFolder() / "mamba");
  const std::vector<SweepBase> bases = {{{5, 6, 7, 8, 9, 10}}};
  const std::vector<SweepCase> cases = {{0, {Set{{Site::kResid, 0, 3}, at::zeros({48})}}}};
  EXPECT_GT(PlanSweep(mixed, bases, cases).peak_bytes, PlanSweep(mamba, bases, cases).peak_bytes);
  const LayerCost attention = mixed.layer(1).cost(), scan = mixed.layer(2).cost(),
                  last = mixed.layer(4).cost();
  const int64_t carries = attention.slot + scan.slot + last.slot, tokens = 6;
  EXPECT_EQ(RepeatedBytes(mixed, bases, cases),
            carries + tokens * (attention.keys_and_values + 48 * 4));
}

// The regions of every residual-stream state of one prompt. A state at token t below layer l gives
// a region of the tokens from t on, from layer l up.
TEST(SweepPlanTest, CountsTheRegionsOfATrace) {
  const Model model = Model::Load(GoldenFolder() / "mamba");
  std::vector<SweepCase> cases;
  for (int l = 0; l < 4; ++l) {
    for (int64_t t = 0; t < 5; ++t)
      cases.push_back({0, {Set{{Site::kResid, l, t}, at::zeros({48})}}});
  }
  const SweepPlan plan = PlanSweep(model, {{{1, 2, 3, 4, 5}}}, cases);
  EXPECT_EQ(plan.layer_tokens, (3 + 2 + 1 + 0) * (5 + 4 + 3 + 2 + 1) + 4 * 5);
  EXPECT_EQ(plan.naive_layer_tokens, 20 * 4 * 5);
  EXPECT_EQ(plan.peak_rows, 4 * 15);
}

}  // namespace
}  // namespace mambascope
