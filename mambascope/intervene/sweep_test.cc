// Sweep against Run, the oracle: every site, layer and token of every architecture, windows, multi-token sets, holds, cuts, mixed lists,
// gradients.
#include "mambascope/intervene/sweep.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {
namespace {

constexpr double kTolerance = 2e-5;  // of the largest absolute logit

class SweepTest : public testing::TestWithParam<std::string> {
 protected:
  std::vector<Place> Places() const {
    std::vector<Place> places;
    for (const SiteInfo& info : model_.sites()) {
      if (info.site == Site::kEmbed) places.push_back({info.site, kEmbedLayer});
      for (int l : model_.LayersWith(info.site)) places.push_back({info.site, l});
    }
    return places;
  }
  at::Tensor Noise(const Place& place) { return at::randn({model_.width(place)}); }
  std::vector<int> MixerLayers() const { return model_.LayersWith(Site::kMixerOut); }
  // The entries of a cut's mask in `layer`.
  int64_t Channels(int layer) const { return model_.layer(layer).mixers().at(0).channels; }

  // By whole passes, one per case: the logits of the tokens read, [read, vocab].
  at::Tensor ByRun(const std::vector<SweepCase>& cases) const {
    std::vector<at::Tensor> logits;
    for (const SweepCase& c : cases) {
      const SweepBase& base = bases_[c.base];
      const at::Tensor all = mambascope::Run(model_, {base.ids}, {.variants = {c.variant}, .keep = {}, .base = {base.variant}}).Logits(0);
      if (c.read.empty()) logits.push_back(all[-1]);
      for (int64_t token : c.read) logits.push_back(all[token]);
    }
    return at::stack(logits);
  }
  // Sweep equals Run in every case, and the cases do something.
  void ExpectEqual(const std::vector<SweepCase>& cases, const SweepOptions& options = {}) const {
    const at::Tensor want = ByRun(cases), got = model_.Unembed(Sweep(model_, bases_, cases, options));
    const double scale = want.abs().max().item<double>();
    const at::Tensor error = (got - want).abs().amax(1);
    EXPECT_LT(error.max().item<double>(), kTolerance * scale) << "case " << error.argmax().item<int64_t>();
    RecordProperty("largest_difference", fmt::format("{:.1e}", error.max().item<double>() / scale));
    std::vector<SweepCase> untouched;
    for (const SweepCase& c : cases) untouched.push_back({c.base, {}, c.read});
    const at::Tensor moved = (want - ByRun(untouched)).abs().amax(1);
    EXPECT_GT((moved > 1e-4 * scale).to(at::kFloat).mean().item<double>(), 0.5) << "most cases changed nothing";
  }
  // Some tokens from some others, of each kind, some of them in some channels or heads alone.
  Cut RandomCut(std::mt19937& random, size_t base) {
    constexpr CutKind kKinds[] = {CutKind::kMixing, CutKind::kMixingAndConv, CutKind::kEmptyRowsUniform, CutKind::kBidirectional};
    Cut cut{.layer = MixerLayers()[random() % MixerLayers().size()], .from = {}, .to = {}};
    for (auto* tokens : {&cut.from, &cut.to}) {
      for (size_t n = 1 + random() % 3; n > 0; --n) tokens->push_back(static_cast<int64_t>(random() % bases_[base].ids.size()));
    }
    cut.kind = kKinds[random() % 4];
    if (random() % 3 == 0 && cut.kind != CutKind::kMixingAndConv) cut.channels = at::rand({Channels(cut.layer)}) < 0.5;
    return cut;
  }
  // Any list of interventions: sets, adds, cuts and, where asked for, holds at random places, several on one state among them.
  Variant RandomVariant(std::mt19937& random, size_t base, unsigned verbs) {
    const std::vector<Place> places = Places();
    const auto token = [&] { return static_cast<int64_t>(random() % bases_[base].ids.size()); };
    Variant variant;
    for (size_t n = 1 + random() % 5; n > 0; --n) {
      const Place place = places[random() % places.size()];
      const StateId at{place.site, place.layer, token()};
      switch (random() % verbs) {
        case 0: variant.push_back(Set{at, Noise(place)}); break;
        case 1: variant.push_back(Add{at, Noise(place)}); break;
        case 2: variant.push_back(RandomCut(random, base)); break;
        default: variant.push_back(Hold{at});
      }
      if (random() % 4 == 0) variant.push_back(Add{at, Noise(place)});
    }
    return variant;
  }

  Model model_ = LoadTinyModel(GetParam());
  std::vector<SweepBase> bases_ = {{{7, 300, 21, 150, 9, 88}}, {{12, 333, 4}}, {{5, 6, 7, 8, 9, 10, 11, 200}}};
};

INSTANTIATE_TEST_SUITE_P(Models, SweepTest, testing::ValuesIn(TinyModels()), TestName);

TEST_P(SweepTest, EverySiteLayerAndToken) {
  at::manual_seed(3);
  std::vector<SweepCase> cases;
  for (const Place& place : Places()) {
    for (size_t base = 0; base < bases_.size(); ++base) {
      for (int64_t t = 0; t < static_cast<int64_t>(bases_[base].ids.size()); ++t) {
        cases.push_back({base, {Set{{place.site, place.layer, t}, Noise(place)}}});
      }
    }
  }
  ExpectEqual(cases);
}

TEST_P(SweepTest, WindowsAndSetsOfTokens) {
  at::manual_seed(4);
  std::vector<SweepCase> cases;
  for (const SiteInfo& info : model_.sites()) {
    if (info.site == Site::kEmbed) continue;
    for (int l = 0; l + 1 < model_.layers(); ++l) {
      Variant window;
      for (int64_t t : {1, 2}) {
        for (int layer : {l, l + 1}) {
          if (model_.Has({info.site, layer})) window.push_back(Add{{info.site, layer, t}, Noise({info.site, layer})});
        }
      }
      cases.push_back({static_cast<size_t>(l) % 3, window});
    }
  }
  ExpectEqual(cases);
}

// Windows of cuts of each kind, several sets of sources, towards the last token and towards others.
TEST_P(SweepTest, Cuts) {
  at::manual_seed(6);
  std::vector<SweepCase> cases;
  for (const CutKind kind : {CutKind::kMixing, CutKind::kMixingAndConv, CutKind::kEmptyRowsUniform, CutKind::kBidirectional}) {
    for (int l = 0; l + 1 < model_.layers(); ++l) {
      for (const std::vector<int64_t>& to : std::vector<std::vector<int64_t>>{{5}, {3, 4}, {2, 5}}) {
        for (const std::vector<int64_t>& from : std::vector<std::vector<int64_t>>{{0}, {1, 2}, {0, 1, 2, 3}, {5}, {2, 4, 5}}) {
          cases.push_back({0, {}});
          for (int layer : {l, l + 1}) {
            if (model_.Has({Site::kMixerOut, layer})) cases.back().variant.push_back(Cut{layer, from, to, {}, kind});
          }
        }
      }
    }
  }
  ExpectEqual(cases);
}

TEST_P(SweepTest, RandomCuts) {
  at::manual_seed(7);
  std::mt19937 random(7);
  std::vector<SweepCase> cases;
  for (SweepBase& base : bases_) {
    if (base.ids.size() > 3) base.variant = {RandomCut(random, 0)};  // one prompt's base run is cut itself
  }
  for (int i = 0; i < 80; ++i) {
    const size_t base = random() % bases_.size();
    Variant variant;
    for (size_t n = 1 + random() % 3; n > 0; --n) variant.push_back(RandomCut(random, base));
    cases.push_back({base, variant, {0, static_cast<int64_t>(bases_[base].ids.size()) - 1}});
  }
  ExpectEqual(cases);
}

// A cut whose sources stand before its targets computes the targets' rows alone: the carry is kept without the sources.
TEST_P(SweepTest, CutsComputeTheTargetsRowsAlone) {
  const SweepPlan plan = PlanSweep(model_, bases_, {{2, {Cut{1, {0, 3}, {7}}}}});
  EXPECT_EQ(plan.peak_rows, 1);
  EXPECT_EQ(plan.layer_tokens, 8 * model_.layers() + (model_.layers() - 1));
}

// One layer's carries of cuts are alive at a time: a mask for each layer takes no more memory than one for all.
TEST_P(SweepTest, MasksOfTheirOwnTakeNoMoreMemory) {
  Variant one, own;
  std::map<int64_t, at::Tensor> shared;  // by channels
  for (int l : MixerLayers()) {
    const at::Tensor mask = at::ones({Channels(l)}, at::kBool);
    one.push_back(Cut{l, {0, 3}, {7}, shared.emplace(Channels(l), mask).first->second});
    own.push_back(Cut{l, {0, 3}, {7}, mask.clone()});
  }
  EXPECT_EQ(PlanSweep(model_, bases_, {{2, own}}).peak_bytes, PlanSweep(model_, bases_, {{2, one}}).peak_bytes);
  if (model_.layer(0).mixers().at(0).kind == MixerKind::kScan) {
    EXPECT_GT(PlanSweep(model_, bases_, {{2, one}}).peak_bytes, PlanSweep(model_, bases_, {{2, {Cut{0, {7}, {7}}}}}).peak_bytes);
  }
}

TEST_P(SweepTest, RepeatedSweepCutsAsSweepDoes) {
  const std::vector<SweepCase> cases = {{2, {Cut{1, {0, 3}, {7}}}}, {0, {Cut{0, {1}, {5}, {}, CutKind::kMixingAndConv}}}, {2, {}}};
  const at::Tensor want = Sweep(model_, bases_, {cases[2], cases[0], cases[1]});
  const at::Tensor got = RepeatedSweep(model_, bases_, cases)({2, 0, 1});
  EXPECT_LT(MaxDifference(got, want), 1e-5 * want.abs().max().item<double>());
  EXPECT_GT(MaxDifference(got[0], got[1]), 1e-5 * want.abs().max().item<double>());
}

TEST_P(SweepTest, RandomLists) {
  at::manual_seed(5);
  std::mt19937 random(5);
  std::vector<SweepCase> cases;
  for (int i = 0; i < 60; ++i) {
    const size_t base = random() % bases_.size();
    cases.push_back({base, RandomVariant(random, base, 4)});
  }
  ExpectEqual(cases);
}

// What is done to a base run is done to its variants, at whatever layer and token they leave it; a Hold means the state of that base run.
TEST_P(SweepTest, BaseRunsWithInterventionsOfTheirOwn) {
  at::manual_seed(9);
  std::mt19937 random(9);
  for (size_t base = 0; base < bases_.size(); ++base) {
    bases_[base].variant = RandomVariant(random, base, 3);
    const Place embed{Site::kEmbed, kEmbedLayer};
    for (int64_t t : {0, 1}) bases_[base].variant.push_back(Add{{embed.site, embed.layer, t}, Noise(embed)});
  }
  std::vector<SweepCase> cases;
  for (int i = 0; i < 60; ++i) {
    const size_t base = random() % bases_.size();
    cases.push_back({base, RandomVariant(random, base, 4)});
  }
  for (int l = 0; l < model_.layers(); ++l) cases.push_back({0, {Set{{Site::kResid, l, 1}, Noise({Site::kResid, l})}}});
  ExpectEqual(cases);
}

TEST_P(SweepTest, AnyTokensAreRead) {
  at::manual_seed(10);
  std::vector<SweepCase> cases;
  for (int l = 0; l < model_.layers(); ++l) {
    const Variant variant = {Set{{Site::kResid, l, 2}, Noise({Site::kResid, l})}};
    cases.push_back({0, variant, {5, 2, 3}});
    cases.push_back({2, variant, {2}});
    cases.push_back({0, variant});
    const Place out{model_.Has({Site::kMixerOut, l}) ? Site::kMixerOut : Site::kMlpOut, l};
    cases.push_back({2, {Add{{out.site, l, 1}, Noise(out)}, Hold{{Site::kResid, l, 6}}}, {1, 3}});
  }
  ExpectEqual(cases);
  const at::Tensor before = model_.Unembed(Sweep(model_, bases_, {{0, cases[0].variant, {0, 1}}}));
  EXPECT_LT(MaxDifference(before, ByRun({{0, {}, {0, 1}}})), kTolerance * before.abs().max().item<double>()) << "tokens before it";
}

// A hold blocks what a set below would have changed.
TEST_P(SweepTest, HoldsBlockPaths) {
  at::manual_seed(6);
  std::vector<SweepCase> cases;
  for (int l = 0; l < model_.layers(); ++l) {
    Variant variant = {Set{{Site::kResid, l, 2}, Noise({Site::kResid, l})}};
    for (int above : MixerLayers()) variant.push_back(Hold{{Site::kMixerOut, above, 2}});
    cases.push_back({0, variant});
  }
  ExpectEqual(cases);
}

TEST_P(SweepTest, NothingAndHoldsAloneAreTheBaseRun) {
  const std::vector<SweepCase> cases = {{1, {}}, {0, {Hold{{Site::kResid, 0, 1}}}}};
  const at::Tensor got = model_.Unembed(Sweep(model_, bases_, cases));
  EXPECT_LT(MaxDifference(got, ByRun({{1, {}}, {0, {}}})), kTolerance * got.abs().max().item<double>());
}

// Little memory means many passes, and the same numbers.
TEST_P(SweepTest, SplitWorkGivesTheSame) {
  at::manual_seed(7);
  std::vector<SweepCase> cases;
  for (int l = 0; l < model_.layers(); ++l) {
    for (size_t base : {2, 0, 1, 0, 2, 2, 1, 0, 2}) cases.push_back({base, {Set{{Site::kResid, l, 1}, Noise({Site::kResid, l})}}});
    for (int64_t source : {0, 2, 4}) {
      if (model_.Has({Site::kMixerOut, l})) cases.push_back({2, {Cut{l, {source, source + 1}, {6, 7}}}});
    }
  }
  SweepOptions little{.memory = 10'000};  // the least that a case alone can live with
  const auto fits = [&] {
    try {
      return PlanSweep(model_, bases_, cases, little).passes > 0;
    } catch (const Error&) {
      return false;
    }
  };
  while (!fits()) little.memory += little.memory / 4;
  EXPECT_GT(PlanSweep(model_, bases_, cases, little).passes, 2);
  EXPECT_LE(PlanSweep(model_, bases_, cases, little).peak_bytes, little.memory);
  EXPECT_EQ(PlanSweep(model_, bases_, cases).passes, 1);
  ExpectEqual(cases, little);
}

TEST_P(SweepTest, GradientsEqualRuns) {
  at::manual_seed(8);
  for (const Place& place : Places()) {
    std::vector<at::Tensor> gradients;
    const at::Tensor noise = Noise(place) * 0.1;
    for (const bool sweep : {true, false}) {
      at::Tensor delta = noise.clone().set_requires_grad(true);
      const std::vector<SweepCase> cases = {{0, {Add{{place.site, place.layer, 2}, delta}}},
                                            {2, {Add{{place.site, place.layer, 7}, delta}}},
                                            {2, {Add{{place.site, place.layer, 2}, delta}, Cut{1, {0, 3}, {7}}}}};
      const at::Tensor logits = sweep ? model_.Unembed(Sweep(model_, bases_, cases)) : ByRun(cases);
      logits.log_softmax(1).select(1, 17).sum().backward();
      gradients.push_back(delta.grad());
    }
    EXPECT_GT(gradients[1].norm().item<double>(), 0);
    EXPECT_LT(((gradients[0] - gradients[1]).norm() / gradients[1].norm()).item<double>(), 1e-4)
        << SiteName(place.site) << "." << place.layer;
  }
}

// What the base run's tokens hand to a cut segment through the carry that was kept without the sources.
TEST_P(SweepTest, GradientsFlowThroughTheCarriesOfCuts) {
  at::manual_seed(9);
  const at::Tensor noise = Noise({Site::kResid, 0}) * 0.1;
  for (const CutKind kind : {CutKind::kMixing, CutKind::kMixingAndConv}) {
    std::vector<at::Tensor> gradients;
    for (const bool sweep : {true, false}) {
      at::Tensor delta = noise.clone().set_requires_grad(true);
      bases_[2].variant = {Add{{Site::kResid, 0, 4}, delta}};
      const std::vector<SweepCase> cases = {{2, {Cut{1, {0, 3}, {7}, {}, kind}}}};
      const at::Tensor logits = sweep ? model_.Unembed(Sweep(model_, bases_, cases)) : ByRun(cases);
      logits.log_softmax(1).select(1, 17).sum().backward();
      gradients.push_back(delta.grad());
    }
    EXPECT_GT(gradients[1].norm().item<double>(), 0);
    EXPECT_LT(((gradients[0] - gradients[1]).norm() / gradients[1].norm()).item<double>(), 1e-4);
  }
}

TEST_P(SweepTest, BadRequestsAreRefused) {
  EXPECT_THROW(Sweep(model_, {}, {}), Error);
  EXPECT_THROW(Sweep(model_, bases_, {{0, {Set{{Site::kResid, 99, 0}, at::zeros({1})}}}}), Error);
  EXPECT_THROW(Sweep(model_, bases_, {{9, {}}}), Error);
  EXPECT_THROW(Sweep(model_, bases_, {{0, {}, {6}}}), Error);
  EXPECT_THROW(Sweep(model_, bases_, {{0, {}}}, {.memory = 1000}), Error);
  EXPECT_THROW(Sweep(model_, {{{1, 2}, {Hold{{Site::kResid, 0, 0}}}}}, {{0, {}}}), Error);
}

// What one layer has, another one may lack.
TEST(MixedSweepTest, WhatALayerLacksIsRefused) {
  const Model model = MixedModel();
  const auto error = [&](const Intervention& intervention) {
    return ErrorOf([&] { Sweep(model, {{{5, 6, 7}}}, {{0, {intervention}}}); });
  };
  EXPECT_EQ(error(Cut{1, {0}, {2}}), "no error");
  EXPECT_THAT(error(Cut{3, {0}, {2}}), testing::HasSubstr("layer 3 has no mixer"));
  EXPECT_THAT(error(Hold{{Site::kSsmOut, 1, 0}}), testing::HasSubstr("layer 1 has no site ssm_out; layers that have it: 0, 2, 4"));
  EXPECT_THAT(error(Cut{1, {0}, {2}, at::ones({96}, at::kBool)}), testing::HasSubstr("a mask (bool) of 4 heads"));
  EXPECT_THAT(error(Cut{0, {0}, {2}, at::ones({4}, at::kBool)}), testing::HasSubstr("a mask (bool) of 96 channels"));
  EXPECT_EQ(error(Cut{1, {0}, {2}, at::ones({4}, at::kBool), CutKind::kMixingAndConv}), "no error");
}

// A pass takes what its largest layer takes, and carries what each layer hands on.
TEST(MixedSweepTest, CostsAreThoseOfTheLayers) {
  const Model mixed = MixedModel(), mamba = Model::Load(GoldenFolder() / "mamba");
  const std::vector<SweepBase> bases = {{{5, 6, 7, 8, 9, 10}}};
  const std::vector<SweepCase> cases = {{0, {Set{{Site::kResid, 0, 3}, at::zeros({48})}}}};
  EXPECT_GT(PlanSweep(mixed, bases, cases).peak_bytes, PlanSweep(mamba, bases, cases).peak_bytes);
  const LayerCost attention = mixed.layer(1).cost(), scan = mixed.layer(2).cost(), last = mixed.layer(4).cost();
  const int64_t carries = attention.slot + scan.slot + last.slot, tokens = 6;
  EXPECT_EQ(RepeatedBytes(mixed, bases, cases), carries + tokens * (attention.keys_and_values + 48 * 4));
}

// The region of every residual state of one prompt: at layer l the tokens from t on, for the states below l.
TEST(SweepPlanTest, CountsTheRegionsOfATrace) {
  const Model model = Model::Load(GoldenFolder() / "mamba");
  std::vector<SweepCase> cases;
  for (int l = 0; l < 4; ++l) {
    for (int64_t t = 0; t < 5; ++t) cases.push_back({0, {Set{{Site::kResid, l, t}, at::zeros({48})}}});
  }
  const SweepPlan plan = PlanSweep(model, {{{1, 2, 3, 4, 5}}}, cases);
  EXPECT_EQ(plan.layer_tokens, (3 + 2 + 1 + 0) * (5 + 4 + 3 + 2 + 1) + 4 * 5);
  EXPECT_EQ(plan.naive_layer_tokens, 20 * 4 * 5);
  EXPECT_EQ(plan.peak_rows, 4 * 15);
}

// ROME's value search: one tensor that requires grad, changed in place between the calls.
TEST_P(SweepTest, RepeatedSweepFollowsItsTensorsAndTheirGradients) {
  at::manual_seed(11);
  const Place low{model_.layer(1).editable()[0].value, 1}, high{Site::kResid, 0};
  std::vector<at::Tensor> deltas = {Noise(low), Noise(high)};
  for (at::Tensor& delta : deltas) delta.set_requires_grad(true);
  const std::vector<SweepCase> cases = {{0, {Add{{low.site, low.layer, 2}, deltas[0]}}, {4, 5}},
                                        {1, {Add{{low.site, low.layer, 1}, deltas[0]}}},
                                        {2, {Add{{high.site, high.layer, 3}, deltas[1]}, Hold{{Site::kMixerOut, 1, 4}}}}};
  const RepeatedSweep sweep(model_, bases_, cases);
  const std::vector<std::vector<size_t>> calls = {{0, 1, 2}, {2, 0}, {1}};
  at::Tensor before;
  for (const std::vector<size_t>& asked : calls) {
    std::vector<SweepCase> some;
    for (size_t i : asked) some.push_back(cases[i]);
    for (at::Tensor& delta : deltas) delta.mutable_grad() = at::Tensor();
    const at::Tensor got = model_.Unembed(sweep(asked));
    const at::Tensor want = ByRun(some);
    const double scale = want.abs().max().item<double>();
    EXPECT_LT(MaxDifference(got, want), kTolerance * scale);
    const at::Tensor weights = at::randn(want.sizes());
    (got * weights).sum().backward();
    const at::Tensor by_sweep = deltas[asked[0] == 2 ? 1 : 0].grad().clone();
    for (at::Tensor& delta : deltas) delta.mutable_grad() = at::Tensor();
    (want * weights).sum().backward();
    const at::Tensor by_run = deltas[asked[0] == 2 ? 1 : 0].grad();
    EXPECT_LT(MaxDifference(by_sweep, by_run), 1e-4 * by_run.abs().max().item<double>());
    EXPECT_GT(by_run.abs().max().item<double>(), 0);
    if (asked.size() == 2) {
      EXPECT_GT(MaxDifference(got.slice(0, 1), before.slice(0, 0, 2)), 1e-3 * scale) << "the tensors had no effect";
    }
    before = got.detach();
    c10::NoGradGuard no_grad;
    for (at::Tensor& delta : deltas) delta.mul_(-1.5);
  }
}

}  // namespace
}  // namespace mambascope
