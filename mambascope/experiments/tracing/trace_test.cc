// Compares every cell of a causal trace with one direct run with states set by hand, and the rest
// with numbers worked out by hand.
#include "mambascope/experiments/tracing/trace.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/prompt_test_support.h"
#include "mambascope/data/random.h"
#include "mambascope/error.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;
constexpr auto kNone = std::nullopt;

FactTrace TraceFact(const Model& model, const Prompt& clean, const Prompt& corrupt,
                    std::optional<int64_t> answer, const TraceOptions& options) {
  Audit audit;
  return TraceFacts(model,
                    {{.relation = {}, .clean = clean, .corrupt = corrupt, .answer_id = answer}},
                    options, audit)[0];
}

Prompt OfLength(size_t tokens, Span subject) {
  return MadeUpPrompt(std::vector<int64_t>(tokens, 0), subject);
}

TEST(AlignTokensTest, SubjectsOfOneLengthAlignOneToOne) {
  EXPECT_THAT(AlignTokens(OfLength(5, {1, 3}), OfLength(5, {1, 3})), ElementsAre(0, 1, 2, 3, 4));
}

TEST(AlignTokensTest, SubjectsAlignFromTheirEnds) {
  EXPECT_THAT(AlignTokens(OfLength(7, {2, 5}), OfLength(5, {2, 3})),
              ElementsAre(0, 1, kNone, kNone, 2, 3, 4))
      << "the clean one is longer";
  EXPECT_THAT(AlignTokens(OfLength(5, {2, 3}), OfLength(7, {2, 5})), ElementsAre(0, 1, 4, 5, 6))
      << "the clean one is shorter";
  EXPECT_THAT(AlignTokens(OfLength(5, {0, 3}), OfLength(4, {0, 2})), ElementsAre(kNone, 0, 1, 2, 3))
      << "at the start";
  EXPECT_THAT(AlignTokens(OfLength(4, {2, 4}), OfLength(5, {2, 5})), ElementsAre(0, 1, 3, 4))
      << "at the end";
}

// The subject's first token may include text before it, and the text after it may be split
// differently.
TEST(AlignTokensTest, TokensWithoutACounterpartHaveNone) {
  EXPECT_THAT(AlignTokens(OfLength(4, {2, 3}), OfLength(3, {1, 2})), ElementsAre(0, kNone, 1, 2));
  EXPECT_THAT(AlignTokens(OfLength(6, {1, 2}), OfLength(4, {1, 2})),
              ElementsAre(0, 1, 2, 3, kNone, kNone));
}

TEST(WindowTest, LiesAroundItsLayerAndEndsWithTheModel) {
  const struct {
    int layer, window, layers;
    Span want;
  } kCases[] = {{3, 1, 8, {3, 4}},   {20, 10, 64, {15, 25}}, {5, 10, 64, {0, 10}},
                {0, 10, 64, {0, 5}}, {63, 10, 64, {58, 64}}, {59, 10, 64, {54, 64}},
                {5, 3, 16, {4, 7}},  {0, 3, 16, {0, 2}},     {15, 3, 16, {14, 16}},
                {2, 100, 4, {0, 4}}};
  for (const auto& [layer, window, layers, want] : kCases)
    EXPECT_EQ(WindowAround(layer, window, layers), want) << layer << " of window " << window;
}

TEST(WindowTest, DefaultIsThePapersShareOfTheLayers) {
  EXPECT_EQ(DefaultWindow(Site::kSsmOut, 64), 10);
  EXPECT_EQ(DefaultWindow(Site::kMixerOut, 16), 2);
  EXPECT_EQ(DefaultWindow(Site::kSsmIn, 48), 7);
  EXPECT_EQ(DefaultWindow(Site::kGate, 4), 1);
  EXPECT_EQ(DefaultWindow(Site::kResid, 64), 1);
  EXPECT_EQ(DefaultWindow(Site::kEmbed, 64), 1);
}

// The subject has two tokens in the clean prompt and three in the corrupted one.
class TraceFactTest : public testing::Test {
 protected:
  static double Probability(const RunResult& run, int64_t id) {
    return run.Logits(0)[-1].softmax(0)[id].item<double>();
  }
  FactTrace Trace(Site site, int window) const {
    return TraceFact(model_, clean_, corrupt_, answer_, {.site = site, .window = window});
  }
  double PClean() const { return Probability(mambascope::Run(model_, {clean_.ids}), answer_); }
  double PCorrupt() const { return Probability(mambascope::Run(model_, {corrupt_.ids}), answer_); }
  // p(answer) with the clean run's states of token `from` in place of the corrupted run's states of
  // token `to`.
  double Restored(Site site, const std::vector<int>& layers, int64_t from, int64_t to) const {
    std::vector<Place> keep;
    for (int layer : layers) keep.push_back({site, layer});
    const RunResult clean = mambascope::Run(model_, {clean_.ids}, {.variants = {}, .keep = keep});
    Variant variant;
    for (const Place& place : keep)
      variant.push_back(Set{{site, place.layer, to}, clean.State(place, 0)[from]});
    return Probability(mambascope::Run(model_, {corrupt_.ids}, {.variants = {variant}, .keep = {}}),
                       answer_);
  }

  const Model model_ = Model::Load(GoldenFolder() / "mamba");  // four layers
  const Prompt clean_ = MadeUpPrompt({7, 300, 21, 150, 9, 88}, {1, 3}),
               corrupt_ = MadeUpPrompt({7, 12, 333, 45, 150, 9, 88}, {1, 4});
  const int64_t answer_ = 33;
};

// The grid has a column for every layer. Columns of layers without the site are empty, and windows
// skip these layers.
TEST_F(TraceFactTest, LayersWithoutTheSiteAreEmpty) {
  const Model mixed = MixedModel();
  const Prompt corrupt = MadeUpPrompt({7, 12, 333, 150, 9, 88}, {1, 3});
  const RunResult clean = mambascope::Run(
      mixed, {clean_.ids}, {.variants = {}, .keep = {{Site::kSsmOut, 0}, {Site::kSsmOut, 2}}});
  const FactTrace trace =
      TraceFact(mixed, clean_, corrupt, answer_, {.site = Site::kSsmOut, .window = 3});
  const auto state = [&](int layer) {
    return Set{{Site::kSsmOut, layer, 2}, clean.State({Site::kSsmOut, layer}, 0)[2]};
  };
  const RunResult restored =
      mambascope::Run(mixed, {corrupt.ids}, {.variants = {{state(2)}}, .keep = {}});
  ASSERT_EQ(trace.probs[2].size(), 5u);
  for (size_t l = 0; l < 5; ++l) EXPECT_EQ(trace.probs[2][l].has_value(), l % 2 == 0) << l;
  EXPECT_NEAR(*trace.probs[2][2], Probability(restored, answer_), 1e-6);
  EXPECT_GT(std::abs(*trace.probs[2][2] - trace.fact.p_corrupt), 1e-7);
}

TEST_F(TraceFactTest, ProbabilitiesOfTheTwoPromptsAreTheirRuns) {
  const FactTrace trace = Trace(Site::kResid, 1);
  EXPECT_NEAR(trace.fact.p_clean, PClean(), 1e-6 * PClean());
  EXPECT_NEAR(trace.fact.p_corrupt, PCorrupt(), 1e-6 * PCorrupt());
  EXPECT_GT(std::abs(PClean() - PCorrupt()), 0.05 * PClean())
      << "the prompts must differ for the other tests to say anything";
  EXPECT_EQ(trace.fact.answer_id, answer_);
}

TEST_F(TraceFactTest, AnswerIsTheMostProbableTokenUnlessGiven) {
  const FactTrace trace = TraceFact(model_, clean_, corrupt_, std::nullopt, {});
  const at::Tensor probabilities = mambascope::Run(model_, {clean_.ids}).Logits(0)[-1].softmax(0);
  EXPECT_EQ(trace.fact.answer_id, probabilities.argmax().item<int64_t>());
  EXPECT_NEAR(trace.fact.p_clean, probabilities.max().item<double>(), 1e-6);
}

TEST_F(TraceFactTest, EveryCellIsTheRunWithItsWindowRestored) {
  const std::vector<std::vector<int>> kWindows = {
      {0, 1}, {0, 1, 2}, {1, 2, 3}, {2, 3}};  // three layers around each, cut off at the ends
  const std::vector<std::optional<int64_t>> kCounterparts = {0, 2, 3, 4, 5, 6};
  for (const Site site : {Site::kResid, Site::kSsmOut, Site::kMixerOut}) {
    const FactTrace one = Trace(site, 1), three = Trace(site, 3);
    ASSERT_EQ(three.probs.size(), 6u);
    int moved = 0;
    for (const int64_t t : {1, 2, 4, 5}) {
      const int64_t to = *kCounterparts[static_cast<size_t>(t)];
      for (const int layer : {0, 2, 3}) {
        const auto row = static_cast<size_t>(t), column = static_cast<size_t>(layer);
        const double single = Restored(site, {layer}, t, to),
                     window = Restored(site, kWindows[column], t, to);
        EXPECT_NEAR(*one.probs[row][column], single, 1e-5 * single)
            << SiteName(site) << " token " << t << " layer " << layer;
        EXPECT_NEAR(*three.probs[row][column], window, 1e-5 * window)
            << SiteName(site) << " token " << t << " layers around " << layer;
        moved += std::abs(single - PCorrupt()) > 1e-3 * PCorrupt() &&
                         std::abs(window - single) > 1e-3 * single
                     ? 1
                     : 0;
      }
    }
    EXPECT_GE(moved, 6) << "restoring, and the window, must change something at " << SiteName(site);
  }
}

TEST_F(TraceFactTest, LastResidOfTheLastTokenBringsTheCleanAnswerBack) {
  const FactTrace trace = Trace(Site::kResid, 1);
  EXPECT_NEAR(*trace.probs[5][3], trace.fact.p_clean, 1e-6 * trace.fact.p_clean);
  EXPECT_GT(std::abs(*trace.probs[5][2] - trace.fact.p_clean), 1e-3 * trace.fact.p_clean)
      << "the layer before it leaves one layer to the corrupted tokens";
  for (size_t t = 0; t < 5; ++t)
    EXPECT_NEAR(*trace.probs[t][3], trace.fact.p_corrupt, 1e-6 * trace.fact.p_corrupt)
        << "nothing after it reads token " << t;
}

TEST_F(TraceFactTest, EmbeddingsAreOneColumn) {
  const FactTrace trace = Trace(Site::kEmbed, 1);
  for (size_t t = 0; t < trace.probs.size(); ++t) {
    ASSERT_EQ(trace.probs[t].size(), 1u);
    const bool same = t != 1 && t != 2;  // the corrupted prompt has the same token
    const double moved = std::abs(*trace.probs[t][0] - trace.fact.p_corrupt);
    if (same)
      EXPECT_LT(moved, 1e-5 * trace.fact.p_corrupt)
          << t;  // batches of other shapes round differently
    else EXPECT_GT(moved, 1e-3 * trace.fact.p_corrupt) << t;
  }
  EXPECT_NEAR(*trace.probs[2][0], Restored(Site::kEmbed, {kEmbedLayer}, 2, 3), 1e-6);
  const Prompt close = MadeUpPrompt({7, 301, 21, 150, 9, 88}, {1, 3});  // one token differs
  const FactTrace whole = TraceFact(model_, clean_, close, answer_, {.site = Site::kEmbed});
  EXPECT_NEAR(*whole.probs[1][0], whole.fact.p_clean, 1e-5 * whole.fact.p_clean);
  EXPECT_GT(std::abs(whole.fact.p_clean - whole.fact.p_corrupt), 1e-3 * whole.fact.p_clean);
}

TEST_F(TraceFactTest, TokenWithoutACounterpartHasNoValues) {
  const FactTrace trace = TraceFact(model_, corrupt_, clean_, answer_, {});
  EXPECT_THAT(trace.probs[1], testing::Each(kNone));
  for (const size_t t : {0, 2, 3, 4, 5, 6})
    EXPECT_THAT(trace.probs[t], testing::Each(testing::Ne(kNone))) << t;
}

TEST_F(TraceFactTest, ProgressCountsTheCells) {
  std::vector<int64_t> calls;
  TraceOptions options;
  options.cells.sweep.progress =
      [&](int64_t done, int64_t total) {
        calls.push_back(done);
        EXPECT_EQ(total, 1 + 5 * 4)
            << "the corrupted run, and all cells but those of the token before the subject";
      };
  TraceFact(model_, clean_, corrupt_, answer_, options);
  EXPECT_TRUE(std::is_sorted(calls.begin(), calls.end()));
  EXPECT_EQ(calls.back(), 1 + 5 * 4);
}

// Before the first different token, both prompts have the same states.
TEST_F(TraceFactTest, TellsTheCellsOfEachPass) {
  TraceOptions options{.site = Site::kResid, .window = 1};
  options.cells.sweep.most_cases = 5;
  std::vector<FactTrace> told;
  options.partial = [&](const std::vector<FactTrace>& traces) { told.push_back(traces.at(0)); };
  const FactTrace trace = TraceFact(model_, clean_, corrupt_, answer_, options);
  ASSERT_GT(told.size(), 3u);
  size_t cells = 0;
  for (const FactTrace& part : told) {
    EXPECT_NEAR(part.fact.p_corrupt, trace.fact.p_corrupt, 1e-9) << "it is in the first pass";
    size_t known = 0;
    for (size_t t = 0; t < trace.probs.size(); ++t) {
      for (size_t l = 0; l < trace.probs[t].size(); ++l) {
        if (!part.probs[t][l]) continue;
        EXPECT_NEAR(*part.probs[t][l], trace.probs[t][l].value(), 1e-7);
        ++known;
      }
    }
    EXPECT_GT(known, cells) << "each pass adds cells";
    cells = known;
  }
  EXPECT_EQ(cells, trace.probs.size() * trace.probs[0].size()) << "the last pass completes them";
}

TEST_F(TraceFactTest, CellsBeforeTheFirstDifferenceAreTheCorruptedRun) {
  const FactTrace trace = Trace(Site::kMixerOut, 3);
  for (int l = 0; l < 4; ++l)
    EXPECT_EQ(trace.probs[0][static_cast<size_t>(l)], trace.fact.p_corrupt);
  EXPECT_NEAR(Restored(Site::kMixerOut, {0, 1, 2}, 0, 0), PCorrupt(), 1e-6 * PCorrupt());
}

TEST_F(TraceFactTest, ManyFactsInOneSweepEqualEachAlone) {
  const std::vector<FactPair> pairs = {{"a", clean_, corrupt_, answer_},
                                       {"b", corrupt_, clean_, std::nullopt},
                                       {"c", clean_, corrupt_, 5}};
  Audit audit, alone;
  TraceOptions options{.site = Site::kSsmOut, .window = 2};
  options.cells.recheck = 20;
  const std::vector<FactTrace> traces = TraceFacts(model_, pairs, options, audit);
  ASSERT_EQ(traces.size(), 3u);
  for (size_t i = 0; i < traces.size(); ++i) {
    const FactTrace one = TraceFacts(model_, {pairs[i]}, options, alone)[0];
    EXPECT_EQ(traces[i].fact.relation, pairs[i].relation);
    EXPECT_EQ(traces[i].fact.answer_id, one.fact.answer_id);
    EXPECT_NEAR(traces[i].fact.p_corrupt, one.fact.p_corrupt, 1e-5 * one.fact.p_corrupt);
    for (size_t t = 0; t < one.probs.size(); ++t) {
      for (size_t l = 0; l < 4; ++l) {
        ASSERT_EQ(traces[i].probs[t][l].has_value(), one.probs[t][l].has_value());
        if (one.probs[t][l]) {
          EXPECT_NEAR(*traces[i].probs[t][l], *one.probs[t][l], 1e-5 * *one.probs[t][l]);
        }
      }
    }
  }
  EXPECT_EQ(audit.rechecked, 20);
  EXPECT_LT(audit.largest_difference, 1e-6);
  EXPECT_EQ(audit.plan.cases, alone.plan.cases);
}

TEST_F(TraceFactTest, SitesInOneSweepEqualEachAlone) {
  const std::vector<FactPair> pairs = {{"a", clean_, corrupt_, answer_},
                                       {"b", corrupt_, clean_, std::nullopt}};
  const std::vector<TraceTask> tasks = {{0, {Site::kResid, 1}},
                                        {0, {Site::kSsmOut, 2}},
                                        {1, {Site::kSsmOut, 2}},
                                        {1, {Site::kEmbed, 1}}};
  Audit audit, alone;
  const std::vector<FactTrace> traces = TraceSites(model_, pairs, tasks, {}, audit);
  ASSERT_EQ(traces.size(), 4u);
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto& [pair, at] = tasks[i];
    const FactTrace one =
        TraceFacts(model_, {pairs[pair]}, {.site = at.site, .window = at.window}, alone)[0];
    EXPECT_EQ(traces[i].fact.relation, pairs[pair].relation);
    EXPECT_NEAR(traces[i].fact.p_corrupt, one.fact.p_corrupt, 1e-5 * one.fact.p_corrupt);
    ASSERT_EQ(traces[i].probs.size(), one.probs.size());
    for (size_t t = 0; t < one.probs.size(); ++t) {
      ASSERT_EQ(traces[i].probs[t].size(), one.probs[t].size());
      for (size_t c = 0; c < one.probs[t].size(); ++c) {
        ASSERT_EQ(traces[i].probs[t][c].has_value(), one.probs[t][c].has_value());
        if (!one.probs[t][c]) continue;
        EXPECT_NEAR(*traces[i].probs[t][c], *one.probs[t][c], 1e-5 * *one.probs[t][c]);
      }
    }
  }
  EXPECT_EQ(audit.plan.cases, alone.plan.cases - 2) << "a fact's sites share its corrupted run";
  EXPECT_NE(traces[0].probs, traces[1].probs);
}

// The difference of logits, from whole passes. The other answer is the corrupted run's own.
TEST_F(TraceFactTest, LogitDifferenceIsThatOfTheOtherPromptsAnswer) {
  const FactTrace trace = Trace(Site::kResid, 1);
  const at::Tensor corrupt = mambascope::Run(model_, {corrupt_.ids}).Logits(0)[-1],
                   clean = mambascope::Run(model_, {clean_.ids}).Logits(0)[-1];
  const auto other = corrupt.argmax().item<int64_t>();
  ASSERT_NE(other, answer_);
  const auto difference = [&](const at::Tensor& logits) {
    return logits[answer_].item<double>() - logits[other].item<double>();
  };
  EXPECT_EQ(trace.fact.other_answer_id, other);
  EXPECT_NEAR(trace.fact.logit_diff_clean.value(), difference(clean), 1e-5);
  EXPECT_NEAR(trace.fact.logit_diff_corrupt.value(), difference(corrupt), 1e-4);
  EXPECT_LT(trace.fact.logit_diff_corrupt.value(), 0) << "its own answer is more probable there";
  const RunResult kept =
      mambascope::Run(model_, {clean_.ids}, {.variants = {}, .keep = {{Site::kResid, 1}}});
  const Variant restore = {Set{{Site::kResid, 1, 6}, kept.State({Site::kResid, 1}, 0)[5]}};
  const double restored = difference(
      mambascope::Run(model_, {corrupt_.ids}, {.variants = {restore}, .keep = {}}).Logits(0)[-1]);
  EXPECT_NEAR(trace.logit_diff[5][1].value(), restored, 1e-4);
  EXPECT_GT(std::abs(restored - *trace.fact.logit_diff_corrupt), 1e-3);
  EXPECT_EQ(trace.logit_diff[0][0], trace.fact.logit_diff_corrupt) << "a token that both share";
  EXPECT_EQ(trace.logit_diff.size(), trace.probs.size());
}

TEST_F(TraceFactTest, OtherAnswerCanBeGivenAndIsNoneWithNoiseElse) {
  const Noise noise{.std = 0.5, .samples = 2, .seed = 7};
  Audit audit;
  FactPair pair{.relation = {}, .clean = clean_, .corrupt = {}, .answer_id = answer_};
  const FactTrace without = TraceFacts(model_, {pair}, {.noise = noise}, audit)[0];
  EXPECT_FALSE(without.fact.other_answer_id.has_value());
  EXPECT_TRUE(without.logit_diff.empty());
  pair.other_answer_id = 5;
  const FactTrace with = TraceFacts(model_, {pair}, {.noise = noise}, audit)[0];
  EXPECT_EQ(with.fact.other_answer_id, 5);
  EXPECT_EQ(with.probs, without.probs);
  EXPECT_EQ(with.logit_diff.size(), with.probs.size());
  pair.other_answer_id = answer_;
  EXPECT_THAT(ErrorOf([&] { TraceFacts(model_, {pair}, {.noise = noise}, audit); }),
              HasSubstr("begin with the same token"));
  pair.other_answer_id = 384;
  EXPECT_THAT(ErrorOf([&] { TraceFacts(model_, {pair}, {.noise = noise}, audit); }),
              HasSubstr("outside the model's vocabulary"));
}

// Noise on the subject's embeddings, compared with whole passes with the same draws.
TEST_F(TraceFactTest, NoiseIsTheMeanOverItsSamples) {
  const Noise noise{.std = 0.5, .samples = 3, .seed = 7};
  Audit audit;
  const FactPair pair{.relation = {}, .clean = clean_, .corrupt = {}, .answer_id = answer_};
  const FactTrace trace =
      TraceFacts(model_, {pair}, {.site = Site::kResid, .window = 1, .noise = noise}, audit)[0];
  NumpyNormal normal(7);
  double corrupt = 0, restored = 0;
  const at::Tensor clean =
      mambascope::Run(model_, {clean_.ids}, {.variants = {}, .keep = {{Site::kResid, 1}}})
          .State({Site::kResid, 1}, 0)[2];
  for (int sample = 0; sample < 3; ++sample) {
    Variant variant;
    for (int64_t t : {1, 2}) {
      std::vector<float> delta;
      for (int d = 0; d < 48; ++d) delta.push_back(static_cast<float>(0.5 * normal()));
      variant.push_back(Add{{Site::kEmbed, kEmbedLayer, t}, at::tensor(delta)});
    }
    corrupt +=
        Probability(mambascope::Run(model_, {clean_.ids}, {.variants = {variant}}), answer_) / 3;
    variant.push_back(Set{{Site::kResid, 1, 2}, clean});
    restored +=
        Probability(mambascope::Run(model_, {clean_.ids}, {.variants = {variant}}), answer_) / 3;
  }
  EXPECT_NEAR(trace.fact.p_corrupt, corrupt, 1e-5 * corrupt);
  EXPECT_NEAR(*trace.probs[2][1], restored, 1e-5 * restored);
  EXPECT_GT(std::abs(restored - corrupt), 1e-3 * corrupt);
  EXPECT_GT(std::abs(trace.fact.p_clean - corrupt), 1e-3 * corrupt);
  EXPECT_FALSE(trace.fact.corrupt.has_value());
  EXPECT_THAT(ErrorOf([&] { TraceFacts(model_, {pair}, {}, audit); }),
              HasSubstr("neither another subject nor noise"));
}

TEST_F(TraceFactTest, PromptWithoutASubjectAndUnknownAnswerAreRefused) {
  const Prompt plain = MadeUpPrompt({7, 8}, {});
  EXPECT_THAT(ErrorOf([&] { TraceFact(model_, plain, corrupt_, answer_, {}); }),
              HasSubstr("no subject to trace"));
  EXPECT_THAT(ErrorOf([&] { TraceFact(model_, clean_, plain, answer_, {}); }),
              HasSubstr("no subject to trace"));
  for (const int64_t id : {int64_t{-1}, int64_t{384}}) {
    EXPECT_THAT(ErrorOf([&] { TraceFact(model_, clean_, corrupt_, id, {}); }),
                HasSubstr("vocabulary of 384"))
        << id;
  }
}

}  // namespace
}  // namespace mambascope
