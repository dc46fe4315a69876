// Compares every knockout cell with one direct run with hand-made interventions, and the averages
// with numbers worked out by hand.
#include "mambascope/experiments/knockout/knockout.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/prompt_test_support.h"
#include "mambascope/error.h"
#include "mambascope/experiments/facts/token_sets.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Cells = std::vector<AnswerCell>;

TEST(KnockoutWindowsTest, LieInTheModelAsAWhole) {
  EXPECT_THAT(WholeWindows(5, 3), ElementsAre(Span{0, 3}, Span{1, 4}, Span{2, 5}));
  EXPECT_THAT(WholeWindows(4, 4), ElementsAre(Span{0, 4}));
  EXPECT_THAT(ErrorOf([] { WholeWindows(4, 5); }),
              AllOf(HasSubstr("5 layers"), HasSubstr("has 4")));
}

// The windows are layers max(0, l - 5) to min(64, l + 5), as in the public implementation of Sharma
// et al. 2024.
TEST(KnockoutWindowsTest, AroundALayerTheyAreThoseOfFigure11) {
  const std::vector<Span> windows = WindowsAround(64, 10);
  ASSERT_EQ(windows.size(), 64u);
  for (int l = 0; l < 64; ++l)
    EXPECT_EQ(windows[static_cast<size_t>(l)], (Span{std::max(0, l - 5), std::min(64, l + 5)}))
        << l;
}

TEST(KnockoutWindowsTest, DefaultIsThePapersShareOfTheLayers) {
  EXPECT_EQ(DefaultKnockoutWindow(64), 9);
  EXPECT_EQ(DefaultKnockoutWindow(48), 7);
  EXPECT_EQ(DefaultKnockoutWindow(24), 3);
  EXPECT_EQ(DefaultKnockoutWindow(16), 2);
  EXPECT_EQ(DefaultKnockoutWindow(2), 1);
}

TEST(FlowsTest, AreEveryPairAndGroupAndWithMeanAblationEverySource) {
  KnockoutOptions options{.from = {"subject", "first"},
                          .to = {"last", "subject"},
                          .channels = {{"all"}, {"some"}},
                          .windows = {{.windows = {{0, 1}}}}};
  const std::vector<Flow> flows = ListFlows(options);
  ASSERT_EQ(flows.size(), 8u);
  EXPECT_EQ(flows[1].from, "first");
  EXPECT_EQ(flows[1].to, "last");
  EXPECT_EQ(flows[2].group, 1u);
  EXPECT_EQ(flows[7].to, "subject");
  options.ablation.emplace();
  EXPECT_EQ(ListFlows(options).size(), 2u);
  EXPECT_EQ(ListFlows(options)[0].to, "");
}

class KnockOutTest : public testing::TestWithParam<const char*> {
 protected:
  KnockOutTest() {
    for (const Span& window : WholeWindows(model_.layers(), 2)) windows_.push_back(window);
  }
  std::vector<KnockedFact> Knock(KnockoutOptions options) const {
    options.windows = {{.length = 2, .windows = windows_}};
    Audit audit;
    return KnockOut(model_, pairs_, options, audit);
  }
  // Returns p of fact 0's answer under `variant`.
  double Direct(const Variant& variant) const {
    const RunResult run =
        mambascope::Run(model_, {pairs_[0].clean.ids}, {.variants = {variant}, .keep = {}});
    return run.LastLogits()[0].softmax(0)[*pairs_[0].answer_id].item<double>();
  }
  bool is_mamba() const { return model_.layer(0).Has(Site::kSsmOut); }
  std::vector<CutKind> Everywhere(CutKind kind) const {
    return std::vector<CutKind>(static_cast<size_t>(model_.layers()), kind);
  }

  const c10::NoGradGuard no_grad_;
  const Model model_ = LoadTinyModel(GetParam());
  const std::vector<FactPair> pairs_ = {{.relation = {},
                                         .clean = MadeUpPrompt({7, 300, 21, 150, 9, 88}, {1, 3}),
                                         .corrupt = {},
                                         .answer_id = 33},
                                        {.relation = {},
                                         .clean = MadeUpPrompt({12, 333, 45, 9, 61}, {0, 2}),
                                         .corrupt = {},
                                         .answer_id = {}}};
  std::vector<Span> windows_;
};
INSTANTIATE_TEST_SUITE_P(Models, KnockOutTest, testing::Values("mamba", "mamba2", "gpt_neox"),
                         [](const auto& info) { return info.param; });

TEST_P(KnockOutTest, EveryCellIsTheRunWithItsWindowCut) {
  const std::vector<std::string> from = {"subject", "relation", "0,4"}, to = {"last", "subject"};
  const std::vector<KnockedFact> facts = Knock({.from = from, .to = {"last", "subject"}});
  double moved = 0;
  for (size_t f = 0; f < 6; ++f) {
    for (size_t w = 0; w < windows_.size(); ++w) {
      Variant variant;
      for (int64_t l = windows_[w].begin; l < windows_[w].end; ++l) {
        variant.push_back(Cut{.layer = static_cast<int>(l),
                              .from = ResolveTokens(from[f % 3], pairs_[0].clean),
                              .to = ResolveTokens(to[f / 3], pairs_[0].clean)});
      }
      const double direct = Direct(variant);
      EXPECT_NEAR(facts[0].cells[f][w].p, direct, 1e-5 * direct) << f << " " << w;
      moved = std::max(moved, std::abs(direct - facts[0].base.p) / facts[0].base.p);
    }
  }
  EXPECT_GT(moved, 1e-3) << "the cuts must move the output";
}

TEST_P(KnockOutTest, BaseIsTheRunAndItsMostProbableTokenTheAnswer) {
  const std::vector<KnockedFact> facts = Knock({.from = {"first"}, .to = {"last"}});
  EXPECT_NEAR(facts[0].base.p, Direct({}), 1e-5 * Direct({}));
  EXPECT_EQ(facts[0].answer_id, 33);
  const at::Tensor p = mambascope::Run(model_, {pairs_[1].clean.ids}).LastLogits()[0].softmax(0);
  EXPECT_EQ(
      facts[0].base.is_top,
      mambascope::Run(model_, {pairs_[0].clean.ids}).LastLogits()[0].argmax().item<int64_t>() ==
          33);
  EXPECT_EQ(facts[1].answer_id, p.argmax().item<int64_t>());
  EXPECT_NEAR(facts[1].base.p, p.max().item<double>(), 1e-5);
  EXPECT_TRUE(facts[1].base.is_top);
}

TEST_P(KnockOutTest, NothingToSeverIsTheBaseRunExactly) {
  const std::vector<KnockedFact> facts = Knock({.from = {"context"}, .to = {"last", "context"}});
  EXPECT_THAT(facts[0].sources, ElementsAre(1, 1));
  EXPECT_THAT(facts[1].sources, ElementsAre(0, 0)) << "the subject begins the prompt";
  for (const Cells& cells : facts[1].cells) {
    for (const AnswerCell& cell : cells) {
      EXPECT_EQ(cell.p, facts[1].base.p);
      EXPECT_EQ(cell.is_top, facts[1].base.is_top);
    }
  }
  EXPECT_EQ(AverageKnockouts(facts, 0).with_sources, 1);
}

// No mixer reads later tokens, except in the published way of cutting some transformers.
TEST_P(KnockOutTest, SourcesAfterAllTargetsAreNoneToSever) {
  const KnockoutOptions options{.from = {"last", "all"}, .to = {"subject"}};
  const std::vector<KnockedFact> facts = Knock(options);
  EXPECT_THAT(facts[0].sources, ElementsAre(0, 6));
  EXPECT_EQ(facts[0].cells[0][1].p, facts[0].base.p);
  if (is_mamba()) return;
  KnockoutOptions later = options;
  later.kinds = Everywhere(CutKind::kBidirectional);
  EXPECT_THAT(Knock(later)[0].sources, ElementsAre(1, 6));
}

TEST_P(KnockOutTest, DecomposesTheBaseRunsLogitBySource) {
  const std::vector<KnockedFact> facts =
      Knock({.from = {"subject"}, .to = {"last"}, .decompose = true});
  const AnswerParts parts = DecomposeAnswer(model_, pairs_[0].clean.ids, 33);
  const at::Tensor logits = mambascope::Run(model_, {pairs_[0].clean.ids}).LastLogits()[0];
  EXPECT_NEAR(facts[0].parts->logit, logits[33].item<double>(), 1e-4);
  const CarriedAverage carried = AverageCarried({facts[0]}, "subject"),
                       both = AverageCarried(facts, "subject");
  ASSERT_EQ(carried.logit.size(), static_cast<size_t>(model_.layers()));
  double largest = 0;
  for (size_t l = 0; l < carried.logit.size(); ++l) {
    EXPECT_NEAR(carried.logit[l], parts.by_token[l][1] + parts.by_token[l][2], 1e-9) << l;
    EXPECT_FALSE(carried.ci95[l]) << "one fact has no interval";
    EXPECT_TRUE(both.ci95[l]->first <= both.logit[l] && both.logit[l] <= both.ci95[l]->second) << l;
    largest = std::max(largest, std::abs(carried.logit[l]));
  }
  EXPECT_GT(largest, 1e-4);
}

TEST_P(KnockOutTest, HeatMapsRowsAreTheCurvesOfSingleTokens) {
  const std::vector<KnockedFact> facts =
      Knock({.from = {"last", "first", "2"}, .to = {"last"}, .heatmap = true});
  const auto p = [](const Cells& cells) {
    std::vector<double> values;
    for (const AnswerCell& cell : cells) values.push_back(cell.p);
    return values;
  };
  for (const KnockedFact& fact : facts) {
    ASSERT_EQ(fact.heatmap.size(), fact.prompt.ids.size());
    EXPECT_EQ(p(fact.heatmap.back()), p(fact.cells[0]));
    EXPECT_EQ(p(fact.heatmap.front()), p(fact.cells[1]));
    EXPECT_EQ(p(fact.heatmap[2]), p(fact.cells[2]));
    EXPECT_NE(p(fact.heatmap.back()), p(fact.heatmap.front()));
  }
}

TEST_P(KnockOutTest, ChannelsOfAGroupAreThoseOfTheCut) {
  const int64_t width = model_.layer(0).mixers()[0].channels;
  ChannelGroup odd{.name = "odd", .blocked = {}};
  for (int l = 0; l < model_.layers(); ++l)
    odd.blocked.push_back(at::arange(width).remainder(2 + l).eq(1));
  const std::vector<KnockedFact> facts =
      Knock({.from = {"relation"}, .to = {"last"}, .channels = {{}, odd}});
  Variant variant;
  for (int l = 1; l < 3; ++l)
    variant.push_back(Cut{
        l, ResolveTokens("relation", pairs_[0].clean), {5}, odd.blocked[static_cast<size_t>(l)]});
  EXPECT_NEAR(facts[0].cells[1][1].p, Direct(variant), 1e-5 * facts[0].cells[1][1].p);
  EXPECT_GT(std::abs(facts[0].cells[1][1].p - facts[0].cells[0][1].p),
            1e-5 * facts[0].cells[1][1].p)
      << "a part is not the whole";
  const KnockedFact first =
      Knock({.from = {"4"}, .to = {"last"}, .channels = {odd, {}}, .heatmap = true})[0];
  EXPECT_EQ(first.heatmap[4][1].p, first.cells[0][1].p) << "heat maps are of the first group";
  EXPECT_NE(first.heatmap[4][1].p, first.cells[1][1].p);
}

TEST_P(KnockOutTest, KindIsThatOfTheCut) {
  const std::vector<KnockedFact> facts =
      Knock({.from = {"4"}, .to = {"last"}, .kinds = Everywhere(CutKind::kMixingAndConv)});
  const Variant variant = {Cut{1, {4}, {5}, {}, CutKind::kMixingAndConv},
                           Cut{2, {4}, {5}, {}, CutKind::kMixingAndConv}};
  EXPECT_NEAR(facts[0].cells[0][1].p, Direct(variant), 1e-5 * facts[0].cells[0][1].p);
  if (is_mamba()) {
    const double plain = Knock({.from = {"4"}, .to = {"last"}})[0].cells[0][1].p;
    EXPECT_GT(std::abs(facts[0].cells[0][1].p - plain), 1e-5 * plain)
        << "the convolution reaches that far";
  }
}

// Each layer of a window is cut by the mixers that it has. A group of heads cuts attention only,
// and a group of channels cuts scans only.
using MixedKnockOutTest = KnockOutTest;
INSTANTIATE_TEST_SUITE_P(Models, MixedKnockOutTest, testing::Values("mixed"),
                         [](const auto& info) { return info.param; });

TEST_P(MixedKnockOutTest, LayersAreCutByTheirOwnMixers) {
  ChannelGroup heads{.name = "heads", .blocked = std::vector<at::Tensor>(5)};
  heads.blocked[1] = at::arange(4) < 2;
  std::vector<CutKind> kinds = Everywhere(CutKind::kMixing);
  kinds[1] = CutKind::kBidirectional;
  const KnockedFact fact =
      Knock({.from = {"first"}, .to = {"last"}, .channels = {{}, heads}, .kinds = kinds})[0];
  ASSERT_EQ(fact.cells[0].size(), 4u) << "windows 0-1, 1-2, 2-3, 3-4";
  const auto cut = [&](int layer) {
    return Cut{layer, {0}, {5}, {}, kinds[static_cast<size_t>(layer)]};
  };
  const std::vector<Variant> all = {{cut(0), cut(1)}, {cut(1), cut(2)}, {cut(2)}, {cut(4)}};
  const Cut some{1, {0}, {5}, heads.blocked[1], CutKind::kBidirectional};
  const std::vector<Variant> parts = {{some}, {some}, {}, {}};
  for (size_t w = 0; w < 4; ++w) {
    EXPECT_NEAR(fact.cells[0][w].p, Direct(all[w]), 1e-5 * fact.base.p) << w;
    EXPECT_GT(std::abs(fact.cells[0][w].p - fact.base.p), 1e-6 * fact.base.p) << w;
    EXPECT_NEAR(fact.cells[1][w].p, Direct(parts[w]), 1e-5 * fact.base.p) << w;
  }
}

TEST_P(MixedKnockOutTest, OnlyLayersWithTheSiteAreAblated) {
  MeanAblation ablation{.means = std::vector<at::Tensor>(5)};
  for (int l : model_.LayersWith(Site::kConvIn))
    ablation.means[static_cast<size_t>(l)] = at::zeros({model_.width({Site::kConvIn, l})});
  const KnockedFact fact = Knock({.from = {"last"}, .to = {}, .ablation = ablation})[0];
  EXPECT_NEAR(fact.cells[0][2].p, Direct({Set{{Site::kConvIn, 2, 5}, ablation.means[2]}}),
              1e-5 * fact.base.p);
  EXPECT_GT(std::abs(fact.cells[0][2].p - fact.base.p), 1e-5 * fact.base.p);
}

// Cuts transformers in the way of public implementations.
using PublishedReadingTest = KnockOutTest;
INSTANTIATE_TEST_SUITE_P(Models, PublishedReadingTest, testing::Values("llama", "gpt2"),
                         [](const auto& info) { return info.param; });

TEST_P(PublishedReadingTest, IsTheRunWithThatKindOfCut) {
  const CutKind kind =
      std::string(GetParam()) == "llama" ? CutKind::kBidirectional : CutKind::kEmptyRowsUniform;
  const std::vector<KnockedFact> facts =
      Knock({.from = {"all"}, .to = {"subject"}, .kinds = Everywhere(kind)});
  const std::vector<int64_t> all = {0, 1, 2, 3, 4, 5};
  const double direct = Direct({Cut{1, all, {1, 2}, {}, kind}, Cut{2, all, {1, 2}, {}, kind}});
  EXPECT_NEAR(facts[0].cells[0][1].p, direct, 1e-5 * direct);
  const double plain = Knock({.from = {"all"}, .to = {"subject"}})[0].cells[0][1].p;
  EXPECT_GT(std::abs(direct - plain), 1e-5 * plain) << "the reading must differ";
}

class MeanAblationTest : public KnockOutTest {
 protected:
  MeanAblationTest() {
    at::manual_seed(3);
    for (int l = 0; l < model_.layers(); ++l)
      means_.push_back(at::randn({model_.width({Site::kConvIn, l})}));
  }
  // Returns the interventions in layers 1 and 2 that ablate the subject of fact 0.
  Variant ByHand(MeanAblation::Others others) const {
    Variant variant;
    for (int l = 1; l < 3; ++l) {
      for (int64_t t : {1, 2})
        variant.push_back(Set{{Site::kConvIn, l, t}, means_[static_cast<size_t>(l)]});
      for (int64_t t : {0, 3, 4}) {
        if (others == MeanAblation::Others::kHeld) variant.push_back(Hold{{Site::kConvIn, l, t}});
      }
    }
    return variant;
  }
  std::vector<at::Tensor> means_;
};
INSTANTIATE_TEST_SUITE_P(Models, MeanAblationTest, testing::Values("mamba", "mamba2"),
                         [](const auto& info) { return info.param; });

TEST_P(MeanAblationTest, IsTheRunWithSourcesSetAndOthersHeld) {
  std::vector<double> p;
  for (const auto others : {MeanAblation::Others::kHeld, MeanAblation::Others::kFree}) {
    const std::vector<KnockedFact> facts =
        Knock({.from = {"subject"}, .to = {}, .ablation = MeanAblation{means_, others}});
    const double direct = Direct(ByHand(others));
    EXPECT_NEAR(facts[0].cells[0][1].p, direct, 1e-5 * direct);
    p.insert(p.end(), {facts[0].base.p, direct});
  }
  EXPECT_GT(std::abs(p[1] - p[0]), 1e-3 * p[0]) << "the ablation must move the output";
  EXPECT_GT(std::abs(p[3] - p[1]), 1e-5 * p[1]) << "and so must what spreads inside the window";
}

TEST_P(MeanAblationTest, HeatMapAblatesOneTokenAtATime) {
  const std::vector<KnockedFact> facts =
      Knock({.from = {"3", "last"},
             .to = {},
             .ablation = MeanAblation{means_, MeanAblation::Others::kHeld},
             .heatmap = true});
  EXPECT_EQ(facts[0].heatmap[3][0].p, facts[0].cells[0][0].p);
  EXPECT_EQ(facts[0].heatmap[5][0].p, facts[0].cells[1][0].p);
  EXPECT_NE(facts[0].heatmap[3][0].p, facts[0].base.p);
}

using KnockOutErrorTest = KnockOutTest;
INSTANTIATE_TEST_SUITE_P(Models, KnockOutErrorTest, testing::Values("mamba"),
                         [](const auto& info) { return info.param; });

TEST_P(KnockOutErrorTest, TokenBeyondAPromptIsRefused) {
  EXPECT_THAT(Knock({.from = {"5"}, .to = {"last"}})[1].sources, ElementsAre(0))
      << "the second has 5 tokens";
  EXPECT_THAT(ErrorOf([&] { CheckTokens("0,5", pairs_[1].clean); }),
              HasSubstr("token 5 is beyond the prompt"));
}

TEST_P(KnockOutErrorTest, AnswerOutsideTheVocabularyIsRefused) {
  std::vector<FactPair> pairs = {pairs_[0]};
  pairs[0].answer_id = 1'000'000;
  Audit audit;
  EXPECT_THAT(ErrorOf([&] {
                KnockOut(model_, pairs,
                         {.from = {"first"}, .to = {"last"}, .windows = {{.windows = {{0, 1}}}}},
                         audit);
              }),
              HasSubstr("outside the model's vocabulary"));
}

KnockedFact MakeFact(double base, const std::vector<AnswerCell>& cells, int64_t sources) {
  return {.relation = {},
          .prompt = {},
          .answer_id = 0,
          .answer = {},
          .base = {base, true},
          .cells = {cells},
          .sources = {sources}};
}

// The changes are -50, -75 and +25 %, and 0, 0 and -10 %; t(2) = 4.3027.
TEST(KnockoutAverageTest, IsTheMeanOfRelativeChangesWithItsInterval) {
  const std::vector<KnockedFact> facts = {MakeFact(0.8, {{0.4, true}, {0.8, true}}, 2),
                                          MakeFact(0.4, {{0.1, false}, {0.4, true}}, 0),
                                          MakeFact(0.2, {{0.25, false}, {0.18, true}}, 1)};
  const KnockoutAverage average = AverageKnockouts(facts, 0);
  ASSERT_EQ(average.change.size(), 2u);
  EXPECT_NEAR(average.change[0], -100.0 / 3, 1e-9);
  EXPECT_NEAR(average.change[1], -10.0 / 3, 1e-9);
  // The deviations are -50/3, -125/3 and 175/3, so sd = sqrt((2500 + 15625 + 30625) / 9 / 2) =
  // 52.0416. Half the interval is 4.3027 * 52.0416 / sqrt(3) = 129.28.
  EXPECT_NEAR(average.ci95[0]->first, -100.0 / 3 - 129.28, 0.05);
  EXPECT_NEAR(average.ci95[0]->second, -100.0 / 3 + 129.28, 0.05);
  EXPECT_NEAR(average.accuracy[0], 100.0 / 3, 1e-9);
  EXPECT_NEAR(average.accuracy[1], 100, 1e-9);
  EXPECT_EQ(average.with_sources, 2);
}

TEST(KnockoutAverageTest, OneFactHasNoInterval) {
  const KnockoutAverage average = AverageKnockouts({MakeFact(0.5, {{0.25, true}}, 1)}, 0);
  EXPECT_EQ(average.change[0], -50);
  EXPECT_FALSE(average.ci95[0].has_value());
}

}  // namespace
}  // namespace mambascope
