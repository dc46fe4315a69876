// Compares Sweep with Run: every site, layer and token of every architecture, windows, Sets at
// several tokens, Holds, mixed lists and gradients.
#include "mambascope/intervene/sweep.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "mambascope/error.h"
#include "mambascope/intervene/sweep_test_support.h"

namespace mambascope {
namespace {

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
          if (model_.Has({info.site, layer}))
            window.push_back(Add{{info.site, layer, t}, Noise({info.site, layer})});
        }
      }
      cases.push_back({static_cast<size_t>(l) % 3, window});
    }
  }
  ExpectEqual(cases);
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

// Interventions of a base run also act in its variants, at whatever layer and token these start. A
// Hold takes the value of that base run.
TEST_P(SweepTest, BaseRunsWithInterventionsOfTheirOwn) {
  at::manual_seed(9);
  std::mt19937 random(9);
  for (size_t base = 0; base < bases_.size(); ++base) {
    bases_[base].variant = RandomVariant(random, base, 3);
    const Place embed{Site::kEmbed, kEmbedLayer};
    for (int64_t t : {0, 1})
      bases_[base].variant.push_back(Add{{embed.site, embed.layer, t}, Noise(embed)});
  }
  std::vector<SweepCase> cases;
  for (int i = 0; i < 60; ++i) {
    const size_t base = random() % bases_.size();
    cases.push_back({base, RandomVariant(random, base, 4)});
  }
  for (int l = 0; l < model_.layers(); ++l)
    cases.push_back({0, {Set{{Site::kResid, l, 1}, Noise({Site::kResid, l})}}});
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
  EXPECT_LT(MaxDifference(before, ByRun({{0, {}, {0, 1}}})),
            Amplification(GetParam()) * kSweepTolerance * before.abs().max().item<double>())
      << "tokens before it";
}

// A Hold blocks the change that a Set below would cause.
TEST_P(SweepTest, HoldsBlockPaths) {
  at::manual_seed(6);
  std::vector<SweepCase> cases;
  for (int l = 0; l < model_.layers(); ++l) {
    Variant variant = {Set{{Site::kResid, l, 2}, Noise({Site::kResid, l})}};
    for (int above : MixerLayers(model_)) variant.push_back(Hold{{Site::kMixerOut, above, 2}});
    cases.push_back({0, variant});
  }
  ExpectEqual(cases);
}

TEST_P(SweepTest, NothingAndHoldsAloneAreTheBaseRun) {
  const std::vector<SweepCase> cases = {{1, {}}, {0, {Hold{{Site::kResid, 0, 1}}}}};
  const at::Tensor got = model_.Unembed(Sweep(model_, bases_, cases));
  EXPECT_LT(MaxDifference(got, ByRun({{1, {}}, {0, {}}})),
            Amplification(GetParam()) * kSweepTolerance * got.abs().max().item<double>());
}

// Little memory gives many passes and the same numbers.
TEST_P(SweepTest, SplitWorkGivesTheSame) {
  at::manual_seed(7);
  std::vector<SweepCase> cases;
  for (int l = 0; l < model_.layers(); ++l) {
    for (size_t base : {2, 0, 1, 0, 2, 2, 1, 0, 2})
      cases.push_back({base, {Set{{Site::kResid, l, 1}, Noise({Site::kResid, l})}}});
    for (int64_t source : {0, 2, 4}) {
      if (model_.Has({Site::kMixerOut, l}))
        cases.push_back({2, {Cut{l, {source, source + 1}, {6, 7}}}});
    }
  }
  SweepOptions little{.memory = 10'000};  // the least that a single case needs
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

// What is told after each pass is the result, of some more cases each time.
TEST_P(SweepTest, TellsTheRowsOfEachPass) {
  at::manual_seed(11);
  std::mt19937 random(11);
  std::vector<SweepCase> cases;
  for (int i = 0; i < 10; ++i) {
    const size_t base = random() % bases_.size();
    cases.push_back({base, RandomVariant(random, base, 2)});
  }
  std::vector<int64_t> told;
  std::vector<at::Tensor> states;
  SweepOptions options{.most_cases = 4};
  options.found = [&](const std::vector<int64_t>& rows, const at::Tensor& found) {
    EXPECT_LE(rows.size(), 4u);
    told.insert(told.end(), rows.begin(), rows.end());
    states.push_back(found);
  };
  const at::Tensor result = Sweep(model_, bases_, cases, options);
  EXPECT_EQ(states.size(), 3u);
  EXPECT_EQ(std::set<int64_t>(told.begin(), told.end()).size(), cases.size());
  EXPECT_TRUE(
      at::equal(at::cat(states), result.index_select(0, at::tensor(told).to(TestDevice()))));
}

TEST_P(SweepTest, GradientsEqualRuns) {
  at::manual_seed(8);
  for (const Place& place : Places()) {
    std::vector<at::Tensor> gradients;
    const at::Tensor noise = Noise(place) * 0.1;
    for (const bool sweep : {true, false}) {
      at::Tensor delta = noise.clone().set_requires_grad(true);
      const std::vector<SweepCase> cases = {
          {0, {Add{{place.site, place.layer, 2}, delta}}},
          {2, {Add{{place.site, place.layer, 7}, delta}}},
          {2, {Add{{place.site, place.layer, 2}, delta}, Cut{CutLayer(), {0, 3}, {7}}}}};
      const at::Tensor logits = sweep ? model_.Unembed(Sweep(model_, bases_, cases)) : ByRun(cases);
      logits.log_softmax(1).select(1, 17).sum().backward();
      gradients.push_back(delta.grad());
    }
    EXPECT_GT(gradients[1].norm().item<double>(), 0);
    EXPECT_LT(((gradients[0] - gradients[1]).norm() / gradients[1].norm()).item<double>(),
              2e-4 * Amplification(GetParam()))
        << SiteName(place.site) << "." << place.layer;
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

// As in ROME's value search: one tensor that requires grad is changed in place between calls.
TEST_P(SweepTest, RepeatedSweepFollowsItsTensorsAndTheirGradients) {
  at::manual_seed(11);
  const Place low{model_.layer(1).editable()[0].value, 1}, high{Site::kResid, 0};
  std::vector<at::Tensor> deltas = {Noise(low), Noise(high)};
  for (at::Tensor& delta : deltas) delta.set_requires_grad(true);
  const std::vector<SweepCase> cases = {
      {0, {Add{{low.site, low.layer, 2}, deltas[0]}}, {4, 5}},
      {1, {Add{{low.site, low.layer, 1}, deltas[0]}}},
      {2, {Add{{high.site, high.layer, 3}, deltas[1]}, Hold{{Site::kMixerOut, CutLayer(), 4}}}}};
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
    EXPECT_LT(MaxDifference(got, want), Amplification(GetParam()) * kSweepTolerance * scale);
    const at::Tensor weights = at::randn(want.sizes()).to(TestDevice());
    (got * weights).sum().backward();
    const at::Tensor by_sweep = deltas[asked[0] == 2 ? 1 : 0].grad().clone();
    for (at::Tensor& delta : deltas) delta.mutable_grad() = at::Tensor();
    (want * weights).sum().backward();
    const at::Tensor by_run = deltas[asked[0] == 2 ? 1 : 0].grad();
    EXPECT_LT(MaxDifference(by_sweep, by_run),
              1e-4 * Amplification(GetParam()) * by_run.abs().max().item<double>());
    EXPECT_GT(by_run.abs().max().item<double>(), 0);
    if (asked.size() == 2) {
      EXPECT_GT(MaxDifference(got.slice(0, 1), before.slice(0, 0, 2)), 1e-3 * scale)
          << "the tensors had no effect";
    }
    before = got.detach();
    c10::NoGradGuard no_grad;
    for (at::Tensor& delta : deltas) delta.mul_(-1.5);
  }
}

}  // namespace
}  // namespace mambascope
