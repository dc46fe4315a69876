// Compares Sweep with Run under cuts of every kind.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>

#include "mambascope/intervene/sweep.h"
#include "mambascope/intervene/sweep_test_support.h"

namespace mambascope {
namespace {

using SweepCutTest = SweepTest;
INSTANTIATE_TEST_SUITE_P(Models, SweepCutTest, testing::ValuesIn(TinyModels()), TestName);

// Cuts of each kind over windows of layers, with several sets of sources, towards the last token
// and towards others.
TEST_P(SweepCutTest, Cuts) {
  at::manual_seed(6);
  std::vector<SweepCase> cases;
  for (const CutKind kind : {CutKind::kMixing, CutKind::kMixingAndConv, CutKind::kEmptyRowsUniform,
                             CutKind::kBidirectional}) {
    for (int l = 0; l + 1 < model_.layers(); ++l) {
      for (const std::vector<int64_t>& to :
           std::vector<std::vector<int64_t>>{{5}, {3, 4}, {2, 5}}) {
        for (const std::vector<int64_t>& from :
             std::vector<std::vector<int64_t>>{{0}, {1, 2}, {0, 1, 2, 3}, {5}, {2, 4, 5}}) {
          cases.push_back({0, {}});
          for (int layer : {l, l + 1}) {
            if (model_.Has({Site::kMixerOut, layer}))
              cases.back().variant.push_back(Cut{layer, from, to, {}, kind});
          }
        }
      }
    }
  }
  ExpectEqual(cases);
}

TEST_P(SweepCutTest, RandomCuts) {
  at::manual_seed(7);
  std::mt19937 random(7);
  std::vector<SweepCase> cases;
  for (SweepBase& base : bases_) {
    if (base.ids.size() > 3)
      base.variant = {RandomCut(random, 0)};  // the base run of one prompt is cut, too
  }
  for (int i = 0; i < 80; ++i) {
    const size_t base = random() % bases_.size();
    Variant variant;
    for (size_t n = 1 + random() % 3; n > 0; --n) variant.push_back(RandomCut(random, base));
    cases.push_back({base, variant, {0, static_cast<int64_t>(bases_[base].ids.size()) - 1}});
  }
  ExpectEqual(cases);
}

// For a cut whose sources come before its targets, only the targets' rows are computed. The base
// run keeps a carry without the sources.
TEST_P(SweepCutTest, CutsComputeTheTargetsRowsAlone) {
  const SweepPlan plan = PlanSweep(model_, bases_, {{2, {Cut{CutLayer(), {0, 3}, {7}}}}});
  EXPECT_EQ(plan.peak_rows, 1);
  EXPECT_EQ(plan.layer_tokens, 8 * model_.layers() + (model_.layers() - CutLayer()));
}

// Only one layer's carries of cuts exist at a time. So a separate mask for each layer takes no more
// memory than one shared mask. Only a scan needs the carry without the sources, and only for
// sources before the first target. A layer with several mixers is cut without a mask.
TEST_P(SweepCutTest, MasksOfTheirOwnTakeNoMoreMemory) {
  Variant one, own, late;
  bool scans = false;
  std::map<int64_t, at::Tensor> shared;  // by number of channels
  for (int l : MixerLayers(model_)) {
    at::Tensor mask, copy;
    if (const std::optional<int64_t> channels = Channels(l)) {
      mask = shared.emplace(*channels, at::ones({*channels}, at::kBool).to(TestDevice()))
                 .first->second;
      copy = mask.clone();
    }
    one.push_back(Cut{l, {0, 3}, {7}, mask});
    own.push_back(Cut{l, {0, 3}, {7}, copy});
    late.push_back(Cut{l, {7}, {7}, mask});
    scans = scans || HasScan(model_.layer(l));
  }
  const auto bytes = [&](const Variant& variant) {
    return PlanSweep(model_, bases_, {{2, variant}}).peak_bytes;
  };
  EXPECT_EQ(bytes(own), bytes(one));
  if (scans) EXPECT_GT(bytes(one), bytes(late));
  else EXPECT_EQ(bytes(one), bytes(late));
}

TEST_P(SweepCutTest, RepeatedSweepCutsAsSweepDoes) {
  const std::vector<SweepCase> cases = {
      {2, {Cut{CutLayer(), {0, 3}, {7}}}},
      {0, {Cut{MixerLayerFrom(model_, 0), {1}, {5}, {}, CutKind::kMixingAndConv}}},
      {2, {}}};
  const at::Tensor want = Sweep(model_, bases_, {cases[2], cases[0], cases[1]});
  const at::Tensor got = RepeatedSweep(model_, bases_, cases)({2, 0, 1});
  EXPECT_LT(MaxDifference(got, want), 1e-5 * want.abs().max().item<double>());
  EXPECT_GT(MaxDifference(got[0], got[1]), 1e-5 * want.abs().max().item<double>());
}

// Gradients flow from a cut segment to the base run's tokens through the carry that was kept
// without the sources.
TEST_P(SweepCutTest, GradientsFlowThroughTheCarriesOfCuts) {
  at::manual_seed(9);
  const at::Tensor noise = Noise({Site::kResid, 0}) * 0.1;
  for (const CutKind kind : {CutKind::kMixing, CutKind::kMixingAndConv}) {
    std::vector<at::Tensor> gradients;
    for (const bool sweep : {true, false}) {
      at::Tensor delta = noise.clone().set_requires_grad(true);
      bases_[2].variant = {Add{{Site::kResid, 0, 4}, delta}};
      const std::vector<SweepCase> cases = {{2, {Cut{CutLayer(), {0, 3}, {7}, {}, kind}}}};
      const at::Tensor logits = sweep ? model_.Unembed(Sweep(model_, bases_, cases)) : ByRun(cases);
      logits.log_softmax(1).select(1, 17).sum().backward();
      gradients.push_back(delta.grad());
    }
    EXPECT_GT(gradients[1].norm().item<double>(), 0);
    EXPECT_LT(((gradients[0] - gradients[1]).norm() / gradients[1].norm()).item<double>(),
              1e-4 * Amplification(GetParam()));
  }
}

}  // namespace
}  // namespace mambascope
