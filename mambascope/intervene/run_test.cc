// Tests the effect of each intervention, in every architecture, at every site, layer and token.
// Every test also checks that the intervention changes the output.
#include "mambascope/intervene/run.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/model/layers_test_support.h"

namespace mambascope {
namespace {

constexpr int64_t kTokens = 6;

class RunTest : public testing::TestWithParam<std::string> {
 protected:
  std::vector<Place> AllPlaces() const {
    std::vector<Place> places;
    for (const SiteInfo& info : model_.sites()) {
      if (info.site == Site::kEmbed) places.push_back({info.site, kEmbedLayer});
      for (int l : model_.LayersWith(info.site)) places.push_back({info.site, l});
    }
    return places;
  }
  at::Tensor Logits(const Variant& variant) const {
    return mambascope::Run(model_, {ids_}, {.variants = {variant}, .keep = {}}).Logits(0);
  }
  double Scale() const { return base_.Logits(0).abs().max().item<double>(); }

  Model model_ = Model::Load(GoldenFolder() / GetParam());
  std::vector<int64_t> ids_ = {7, 300, 21, 150, 9, 88}, other_ids_ = {7, 12, 333, 150, 9, 88};
  RunResult base_ = mambascope::Run(model_, {ids_}, {.variants = {}, .keep = AllPlaces()});
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, RunTest, testing::ValuesIn(TinyCheckpoints()), TestName);

TEST_P(RunTest, EverySiteHasItsWidth) {
  for (const SiteInfo& info : model_.sites()) {
    const int layer = info.site == Site::kEmbed ? kEmbedLayer : model_.LayersWith(info.site).back();
    const Place place{info.site, layer};
    EXPECT_EQ(base_.State(place, 0).sizes(), (at::IntArrayRef{kTokens, model_.width(place)}))
        << SiteName(info.site);
  }
}

// Prompts of different lengths, and a variant of the second one.
TEST_P(RunTest, PromptsGoUpInGroupsThatFitTheMemory) {
  const std::vector<std::vector<int64_t>> prompts = {ids_, {4, 9}, other_ids_, {1}, {8, 8, 2, 5}};
  const Place top{Site::kResid, model_.layers() - 1};
  RunOptions options{.variants = std::vector<Variant>(prompts.size()), .keep = {top}};
  options.variants[2] = {Add{{Site::kResid, 0, 1}, at::ones({model_.config().d_model})},
                         Hold{{Site::kResid, 1, 1}}};
  const RunResult together = mambascope::Run(model_, prompts, options);
  const int64_t kept = 19 * 2 * model_.config().d_model * kFloatBytes;  // of 19 tokens
  options.memory = kept + model_.PassBytes(kTokens, kTokens);
  const RunResult apart = mambascope::Run(model_, prompts, options);
  for (size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_TRUE(at::equal(apart.Logits(i), together.Logits(i))) << i;
    EXPECT_TRUE(at::equal(apart.State(top, i), together.State(top, i))) << i;
  }
  EXPECT_TRUE(at::equal(apart.LastLogits(), together.LastLogits()));
  --*options.memory;
  EXPECT_THAT(ErrorOf([&] { mambascope::Run(model_, prompts, options); }),
              testing::HasSubstr("a run of a prompt of 6 tokens takes about"));
}

TEST_P(RunTest, SetActsAtItsStateAndAfterIt) {
  at::manual_seed(1);
  for (const Place& place : AllPlaces()) {
    for (int64_t token : {int64_t{0}, int64_t{2}, kTokens - 1}) {
      const at::Tensor value =
          base_.State(place, 0)[token] + at::randn_like(base_.State(place, 0)[token]);
      const StateId at{place.site, place.layer, token};
      const RunResult set =
          mambascope::Run(model_, {ids_}, {.variants = {{Set{at, value}}}, .keep = {place}});
      EXPECT_EQ(MaxDifference(set.State(place, 0)[token], value), 0);
      const at::Tensor change = (set.Logits(0) - base_.Logits(0)).abs().amax(1);
      const std::string where =
          fmt::format("{}.{} token {}", SiteName(place.site), place.layer, token);
      EXPECT_LE(change.slice(0, 0, token).sum().item<double>(), 1e-6 * Scale())
          << where << " reached back";
      EXPECT_GT(change[token].item<double>(), 1e-4 * Scale()) << where << " moved nothing";
      const at::Tensor by_add = Logits({Add{at, value - base_.State(place, 0)[token]}});
      EXPECT_LT(MaxDifference(set.Logits(0), by_add), 2e-5 * Scale()) << where;
    }
  }
}

TEST_P(RunTest, SettingAStateToItselfChangesNothing) {
  Variant all;
  for (const Place& place : AllPlaces())
    all.push_back(Set{{place.site, place.layer, 3}, base_.State(place, 0)[3]});
  EXPECT_LT(MaxDifference(Logits(all), base_.Logits(0)), 2e-5 * Scale());
}

// Restoring every embedding of the corrupted prompt gives the clean prompt.
TEST_P(RunTest, RestoringAllEmbeddingsRestoresThePrompt) {
  const Place embed{Site::kEmbed, kEmbedLayer};
  Variant restore;
  for (int64_t t = 0; t < kTokens; ++t)
    restore.push_back(Set{{Site::kEmbed, kEmbedLayer, t}, base_.State(embed, 0)[t]});
  const RunResult corrupted = mambascope::Run(model_, {other_ids_});
  const RunResult restored =
      mambascope::Run(model_, {other_ids_}, {.variants = {restore}, .keep = {}});
  EXPECT_GT(MaxDifference(corrupted.Logits(0), base_.Logits(0)), 1e-2 * Scale());
  EXPECT_LT(MaxDifference(restored.Logits(0), base_.Logits(0)), 2e-5 * Scale());
}

TEST_P(RunTest, HoldKeepsTheBaseRunsValue) {
  const int last = model_.layers() - 1;
  const at::Tensor other = base_.State({Site::kResid, 0}, 0)[1] * -2;
  Variant variant = {Set{{Site::kResid, 0, 1}, other}};
  const at::Tensor moved = Logits(variant);
  EXPECT_GT(MaxDifference(moved, base_.Logits(0)), 1e-3 * Scale());
  for (int64_t t = 0; t < kTokens; ++t) variant.push_back(Hold{{Site::kResid, last, t}});
  EXPECT_LT(MaxDifference(Logits(variant), base_.Logits(0)), 1e-6 * Scale());
  const at::Tensor half_held = Logits(
      {Set{{Site::kResid, 0, 1}, other}, Hold{{Site::kMixerOut, MixerLayerFrom(model_, 1), 1}}});
  EXPECT_GT(MaxDifference(half_held, moved), 1e-5 * Scale());
}

TEST_P(RunTest, InterventionsActInOrder) {
  const StateId at{Site::kResid, 1, 2};
  const at::Tensor value = at::ones({model_.config().d_model}),
                   delta = at::full({model_.config().d_model}, 0.5);
  EXPECT_LT(
      MaxDifference(Logits({Set{at, value}, Add{at, delta}}), Logits({Set{at, value + delta}})),
      1e-6 * Scale());
  EXPECT_LT(MaxDifference(Logits({Add{at, delta}, Set{at, value}}), Logits({Set{at, value}})),
            1e-6 * Scale());
}

TEST_P(RunTest, EachPromptHasItsOwnVariant) {
  const Variant set = {
      Set{{Site::kMixerOut, MixerLayerFrom(model_, 0), 1}, at::zeros({model_.config().d_model})}};
  const RunResult both =
      mambascope::Run(model_, {other_ids_, ids_}, {.variants = {{}, set}, .keep = {}});
  EXPECT_LT(MaxDifference(both.Logits(0), mambascope::Run(model_, {other_ids_}).Logits(0)),
            2e-5 * Scale());
  EXPECT_LT(MaxDifference(both.Logits(1), Logits(set)), 2e-5 * Scale());
  EXPECT_GT(MaxDifference(both.Logits(1), base_.Logits(0)), 1e-4 * Scale());
}

TEST_P(RunTest, GradientFlowsToAnAddedDelta) {
  for (const Place& place : AllPlaces()) {
    const at::Tensor state = base_.State(place, 0)[1];
    at::Tensor delta = at::zeros_like(state).set_requires_grad(true);
    const auto loss = [&](const at::Tensor& d) {
      return Logits({Add{{place.site, place.layer, 1}, d}})
          .log_softmax(-1)
          .slice(0, 1)
          .slice(1, 5, 9)
          .sum();
    };
    loss(delta).backward();
    const at::Tensor gradient = delta.grad(), direction = gradient / gradient.norm();
    const double step = std::min(1e-2, 0.1 / gradient.norm().item<double>());
    const double numeric =
        (loss(direction * step) - loss(direction * -step)).item<double>() / (2 * step);
    EXPECT_NEAR(numeric, gradient.norm().item<double>(), 0.02 * std::max(0.05, std::abs(numeric)))
        << SiteName(place.site) << place.layer;
    EXPECT_GT(gradient.norm().item<double>(), 1e-4);
  }
}

TEST_P(RunTest, CutMovesTheTargetsAloneWithinItsLayer) {
  // What the last mixer moved is passed on to no other token.
  const int last = MixerLayers(model_).back();
  const at::Tensor cut = Logits({Cut{last, {0, 2}, {3, 5}, {}}});
  const at::Tensor change = (cut - base_.Logits(0)).abs().amax(1);
  for (int64_t t = 0; t < kTokens; ++t) {
    if (t == 3 || t == 5) EXPECT_GT(change[t].item<double>(), 1e-6 * Scale()) << t;
    else EXPECT_EQ(change[t].item<double>(), 0) << t;
  }
  EXPECT_EQ(MaxDifference(Logits({Cut{last, {}, {3}, {}}}), base_.Logits(0)), 0) << "no sources";
  EXPECT_EQ(MaxDifference(Logits({Cut{last, {4, 5}, {3}, {}}}), base_.Logits(0)), 0)
      << "sources after the target";
}

// Cuts every earlier token from the last one in all layers. Attention models then do not depend on
// these tokens; Mamba still does through its convolution.
TEST_P(RunTest, CutInAllLayersHidesTheSourcesFromAttention) {
  at::Tensor delta = at::zeros({model_.config().d_model}).set_requires_grad(true);
  Variant variant = {Add{{Site::kEmbed, kEmbedLayer, 3}, delta}};
  bool conv = false;
  for (int l : MixerLayers(model_)) {
    variant.push_back(Cut{l, {0, 1, 2, 3, 4}, {5}, {}});
    conv = conv || HasConv(model_.layer(l));
  }
  Logits(variant)[5].square().sum().backward();
  const double reach = delta.grad().norm().item<double>();
  if (conv) EXPECT_GT(reach, 0) << "three tokens back is inside the convolution";
  else EXPECT_EQ(reach, 0);
}

// A token's mixer output depends on a source in three ways: through the recurrence, through the
// convolution, and through the source's decay of earlier tokens. A cut of the mixing alone removes
// only the first. A cut that includes the convolution removes all three.
TEST_P(RunTest, CutOfMixingAndConvolutionHidesTheSourcesCompletely) {
  for (int l : MixerLayers(model_)) {
    SCOPED_TRACE(l);
    // Where the Mamba mixer reads what attention moved, a source reaches a target by way of a token
    // between them.
    if (model_.layer(l).Has(Site::kSharedOut)) continue;
    const Place in = BlockInput(l), out{Site::kMixerOut, l};
    for (int64_t source = 0; source < 5; ++source) {
      const auto reach = [&](const Variant& cuts) {
        at::Tensor delta = at::zeros({model_.config().d_model}).set_requires_grad(true);
        Variant variant = {Add{{in.site, in.layer, source}, delta}};
        variant.insert(variant.end(), cuts.begin(), cuts.end());
        mambascope::Run(model_, {ids_}, {.variants = {variant}, .keep = {out}})
            .State(out, 0)[5]
            .square()
            .sum()
            .backward();
        return delta.grad().norm().item<double>();
      };
      const Cut both{l, {source}, {5}, {}, CutKind::kMixingAndConv}, mixing{l, {source}, {5}};
      EXPECT_GT(reach({}), 0) << source;
      EXPECT_EQ(reach({both}), 0) << source;
      EXPECT_EQ(reach({both, Cut{l, {0}, {4, 5}}}), 0) << source << " beside another cut";
      if (HasConv(model_.layer(l))) EXPECT_GT(reach({mixing}), 0) << source;
      else EXPECT_EQ(reach({mixing}), 0) << source;
    }
    EXPECT_EQ(
        MaxDifference(Logits({Cut{l, {}, {5}, {}, CutKind::kMixingAndConv}}), base_.Logits(0)), 0)
        << "no sources";
  }
}

TEST_P(RunTest, BadRequestsAreRefused) {
  const at::Tensor value = at::zeros({model_.config().d_model});
  EXPECT_THROW(mambascope::Run(model_, {}), Error);
  EXPECT_THROW(mambascope::Run(model_, {std::vector<int64_t>{}}), Error);
  EXPECT_THROW(Logits({Set{{Site::kResid, model_.layers(), 0}, value}}), Error);
  EXPECT_THROW(Logits({Set{{Site::kResid, -1, 0}, value}}), Error);
  EXPECT_THROW(Logits({Set{{Site::kResid, 0, kTokens}, value}}), Error);
  EXPECT_THROW(Logits({Set{{Site::kResid, 0, 0}, at::zeros({3})}}), Error);
  EXPECT_THROW(Logits({Set{{Site::kEmbed, 0, 0}, value}}), Error);
  EXPECT_THROW(Logits({Hold{{Site::kResid, 99, 0}}}), Error);
  for (int l : MixerLayers(model_)) {
    EXPECT_THROW(Logits({Cut{l, {0}, {99}, {}}}), Error);
    EXPECT_THROW(Logits({Cut{l, {0}, {1}, at::ones({3}, at::kBool)}}), Error)
        << "a mask of another width";
  }
  EXPECT_THROW(mambascope::Run(model_, {ids_, ids_}, {.variants = {{}}, .keep = {}}), Error);
}

// A site that a layer lacks is refused, and the error says which layers or sites there are. A layer
// without a mixer cannot be cut.
TEST_P(RunTest, WhatALayerLacksIsRefused) {
  for (const char* name : {"mixer_in", "conv_in", "ssm_in", "ssm_out", "gate_in", "gate", "mixed",
                           "mixer_out", "mlp_mid", "mlp_out"}) {
    const Site site = ReadSite(name);
    const std::vector<int> with = model_.LayersWith(site);
    for (int l = 0; l < model_.layers(); ++l) {
      const std::string error = ErrorOf([&] { Logits({Hold{{site, l, 0}}}); });
      if (model_.layer(l).Has(site)) EXPECT_EQ(error, "no error") << name << l;
      else if (with.empty()) EXPECT_THAT(error, testing::HasSubstr("it has: embed, mixer_in"));
      else
        EXPECT_THAT(error, testing::HasSubstr(
                               fmt::format("layer {} has no site {}; layers that have it: {}", l,
                                           name, fmt::join(with, ", "))));
    }
  }
  for (int l = 0; l < model_.layers(); ++l) {
    const std::string error = ErrorOf([&] { Logits({Cut{l, {0}, {1}}}); });
    if (!model_.layer(l).mixers().empty()) EXPECT_EQ(error, "no error") << l;
    else EXPECT_THAT(error, testing::HasSubstr(fmt::format("layer {} has no mixer", l)));
  }
}

// A row with nothing left to read outputs 0. A partly cut row gives its weight to the remaining
// tokens.
TEST(AttentionCutTest, RowsWithNothingLeftAreZero) {
  const Model model = Model::Load(GoldenFolder() / "llama");
  const Place mixed{Site::kMixed, 1};
  const auto state = [&](const Cut& cut) {
    return mambascope::Run(model, {std::vector<int64_t>{5, 6, 7}},
                           {.variants = {{cut}}, .keep = {mixed}})
        .State(mixed, 0);
  };
  EXPECT_EQ(state({1, {0, 1, 2}, {2}, {}})[2].abs().max().item<double>(), 0);
  EXPECT_GT(state({1, {0, 1}, {2}, {}})[2].abs().max().item<double>(), 0);
  const at::Tensor one_head = at::arange(4) == 2;  // each head has 12 features
  const at::Tensor cut = state({1, {0, 1, 2}, {2}, one_head})[2],
                   whole = state({1, {}, {2}, {}})[2];
  EXPECT_EQ(cut.slice(0, 24, 36).abs().max().item<double>(), 0);
  EXPECT_EQ(MaxDifference(cut.slice(0, 0, 24), whole.slice(0, 0, 24)), 0);
}

// A cut of the convolution removes only the sources. In Mamba-1 all inputs of the mixer pass the
// convolution. So the target's mixer equals that of a run in which the source's convolution input
// is 0 and its write is cut.
TEST(ConvolutionCutTest, IsAZeroedInput) {
  const Place out{Site::kMixerOut, 0};
  for (const char* name : {"mamba", "mamba-untied-bias", "falcon_mamba"}) {
    const Model model = Model::Load(GoldenFolder() / name);
    const auto state = [&](const Variant& variant) {
      return mambascope::Run(model, {std::vector<int64_t>{7, 300, 21, 150, 9, 88}},
                             {.variants = {variant}, .keep = {out}})
          .State(out, 0)[5];
    };
    const at::Tensor zero = at::zeros({model.width({Site::kConvIn, 0})});
    for (int64_t source = 0; source < 5; ++source) {
      const at::Tensor want = state({Set{{Site::kConvIn, 0, source}, zero}, Cut{0, {source}, {5}}});
      const at::Tensor got = state({Cut{0, {source}, {5}, {}, CutKind::kMixingAndConv}});
      EXPECT_LT(MaxDifference(got, want), 1e-6 * std::max(1.0, want.abs().max().item<double>()))
          << name << " " << source;
    }
    EXPECT_GT(MaxDifference(state({Cut{0, {4}, {5}, {}, CutKind::kMixingAndConv}}),
                            state({Cut{0, {4}, {5}}})),
              1e-6)
        << name;
  }
}

// Cuts in transformers as the public implementation of Endy et al. computes them. Each token has
// its own value, so the output shows which values a row reads.
class PublicCutTest : public testing::Test {
 protected:
  at::Tensor Mixed(const Model& model, const std::vector<Cut>& cuts) const {
    const Place mixed{Site::kMixed, 1};
    return mambascope::Run(model, {std::vector<int64_t>{5, 6, 7, 8}},
                           {.variants = {{cuts.begin(), cuts.end()}}, .keep = {mixed}})
        .State(mixed, 0);
  }
};

TEST_F(PublicCutTest, RowsWithNothingLeftReadEveryTokenAlike) {
  const Model model = Model::Load(GoldenFolder() / "gpt2");
  // Each row's own value: its output when all other tokens are cut from it.
  std::vector<Cut> alone;
  for (int64_t t = 0; t < 4; ++t) {
    Cut cut{1, {}, {t}};
    for (int64_t other = 0; other < t; ++other) cut.from.push_back(other);
    if (t > 0) alone.push_back(cut);
  }
  const at::Tensor values = Mixed(model, alone);
  const at::Tensor uniform = Mixed(model, {{1, {0, 1}, {0, 1, 2}, {}, CutKind::kEmptyRowsUniform}});
  for (int64_t t : {0, 1}) EXPECT_LT(MaxDifference(uniform[t], values.mean(0)), 1e-6) << t;
  EXPECT_LT(MaxDifference(uniform[2], values[2]), 1e-6) << "it has itself left";
  EXPECT_GT(MaxDifference(uniform[0], values[0]), 1e-3);
}

TEST_F(PublicCutTest, BidirectionalRowsReadLaterTokens) {
  const Model model = Model::Load(GoldenFolder() / "llama");
  const at::Tensor causal = Mixed(model, {}), cut = Mixed(model, {{1, {0}, {3}}});
  const at::Tensor both = Mixed(model, {{1, {0}, {3}, {}, CutKind::kBidirectional}});
  for (int64_t t : {0, 1, 2}) EXPECT_GT(MaxDifference(both[t], causal[t]), 1e-4) << t;
  EXPECT_LT(MaxDifference(both[3], cut[3]), 1e-6) << "the last token has no later ones";
  const at::Tensor hidden = Mixed(model, {{1, {2, 3}, {1}, {}, CutKind::kBidirectional}});
  EXPECT_LT(MaxDifference(hidden[1], causal[1]), 1e-6) << "later sources are hidden, too";
}

}  // namespace
}  // namespace mambascope
