// Tests path-specific effects on a model of each kind. Every condition and layer is compared with
// one whole pass in which restored and held values are set by hand. Averages are worked out by
// hand.
#include "mambascope/experiments/tracing/paths.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/prompt_test_support.h"
#include "mambascope/data/random.h"
#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;

TEST(PathConditionsTest, AreThePartsThatTheModelHas) {
  const auto conditions = [](const char* name) {
    return PathConditions(Model::Load(GoldenFolder() / name));
  };
  EXPECT_THAT(conditions("mamba"), ElementsAre("recovery", "ssm_out", "gate", "mixer_out"));
  EXPECT_THAT(conditions("mamba2"), ElementsAre("recovery", "ssm_out", "gate", "mixer_out"));
  EXPECT_THAT(conditions("gpt_neox"), ElementsAre("recovery", "mixer_out", "mlp_out"));
}

class TracePathsTest : public testing::TestWithParam<std::string> {
 protected:
  TracePathsTest() {
    for (int l = 0; l < model_.layers(); ++l) residuals_.push_back({Site::kResid, l});
  }
  static double Probability(const RunResult& run, int64_t id) {
    return run.LastLogits()[0].softmax(0)[id].item<double>();
  }
  std::vector<FactPaths> Trace(PathToken at, const std::vector<FactPair>& pairs,
                               std::optional<Noise> noise = {}) const {
    Audit audit;
    return TracePaths(model_, pairs, {.at = at, .noise = noise}, audit);
  }
  static int64_t PathPosition(const Prompt& prompt, PathToken at) {
    return at == PathToken::kSubjectLast ? prompt.subject_span.end - 1
                                         : static_cast<int64_t>(prompt.ids.size()) - 1;
  }
  // Runs one whole pass of the corrupted prompt with `corruption`. It has the clean residual after
  // `layer`. The site of `condition` is as in the corrupted run, in all layers.
  double Severed(const std::string& condition, int layer, PathToken at, const Prompt& clean,
                 const Prompt& corrupt, int64_t answer, const Variant& corruption = {}) const {
    const int64_t from = PathPosition(clean, at), to = PathPosition(corrupt, at);
    Variant variant = corruption;
    const RunResult clean_run = mambascope::Run(model_, {clean.ids}, {.keep = residuals_});
    variant.push_back(
        Set{{Site::kResid, layer, to}, clean_run.State({Site::kResid, layer}, 0)[from]});
    if (condition != "recovery") {
      std::vector<Place> parts;
      const bool mamba = condition == "mamba_out", attention = condition == "attn_out";
      const Site site = mamba || attention ? Site::kMixerOut : ReadSite(condition);
      for (int l : model_.LayersWith(site)) {
        const bool scans = model_.layer(l).Has(Site::kSsmOut);
        if ((mamba && !scans) || (attention && scans)) continue;
        parts.push_back({site, l});
      }
      const RunResult corrupt_run =
          mambascope::Run(model_, {corrupt.ids}, {.variants = {corruption}, .keep = parts});
      for (const Place& part : parts)
        variant.push_back(Set{{part.site, part.layer, to}, corrupt_run.State(part, 0)[to]});
    }
    return Probability(mambascope::Run(model_, {corrupt.ids}, {.variants = {variant}}), answer);
  }
  size_t Index(const std::string& condition) const {
    const std::vector<std::string> all = PathConditions(model_);
    return static_cast<size_t>(std::find(all.begin(), all.end(), condition) - all.begin());
  }

  const Model model_ = LoadTinyModel(GetParam());
  const Prompt clean_ = MadeUpPrompt({7, 300, 21, 150, 9, 88}, {1, 3}),
               corrupt_ = MadeUpPrompt({7, 12, 333, 45, 150, 9, 88}, {1, 4});
  const FactPair pair_{.relation = "r", .clean = clean_, .corrupt = corrupt_, .answer_id = 33};
  std::vector<Place> residuals_;
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, TracePathsTest,
                         testing::Values("mamba", "mamba2", "gpt_neox", "mixed"), TestName);

TEST_P(TracePathsTest, EveryConditionAndLayerIsItsWholePass) {
  const FactPair back{.relation = {},
                      .clean = corrupt_,
                      .corrupt = clean_,
                      .answer_id = 5};  // the longer prompt is the clean one
  const std::vector<FactPair> pairs = {pair_, back};
  const double p_corrupt = Probability(mambascope::Run(model_, {corrupt_.ids}), 33);
  for (const PathToken at : {PathToken::kSubjectLast, PathToken::kPromptLast}) {
    const std::vector<FactPaths> paths = Trace(at, pairs);
    ASSERT_EQ(paths.size(), 2u);
    double moved = 0;
    for (size_t i = 0; i < pairs.size(); ++i) {
      const std::vector<std::string> conditions = PathConditions(model_);
      ASSERT_EQ(paths[i].probs.size(), conditions.size());
      for (size_t c = 0; c < conditions.size(); ++c) {
        ASSERT_EQ(paths[i].probs[c].size(), residuals_.size());
        for (int l = 0; l < model_.layers(); ++l) {
          const double want =
              Severed(conditions[c], l, at, pairs[i].clean, *pairs[i].corrupt, *pairs[i].answer_id);
          const double got = paths[i].probs[c][static_cast<size_t>(l)];
          EXPECT_NEAR(got, want, 1e-5 * want) << conditions[c] << " layer " << l << " fact " << i;
          if (i == 0) moved = std::max(moved, std::abs(want - p_corrupt) / p_corrupt);
        }
      }
    }
    EXPECT_GT(moved, 1e-3) << "restoring must change something";
    EXPECT_EQ(paths[0].fact.relation, "r");
    EXPECT_EQ(paths[1].fact.answer_id, 5);
    EXPECT_NEAR(paths[0].fact.p_clean, Probability(mambascope::Run(model_, {clean_.ids}), 33),
                1e-6);
    EXPECT_NEAR(paths[0].fact.p_corrupt, p_corrupt, 1e-5 * p_corrupt);
  }
}

// The answer is read only from the last token's residual after the last layer. Nothing reads that
// of an earlier token.
TEST_P(TracePathsTest, LastLayerIsTheCleanRunAtTheLastTokenAndTheCorruptedOneBeforeIt) {
  const FactPaths last = Trace(PathToken::kPromptLast, {pair_})[0],
                  subject = Trace(PathToken::kSubjectLast, {pair_})[0];
  EXPECT_GT(std::abs(last.fact.p_clean - last.fact.p_corrupt), 1e-2 * last.fact.p_corrupt);
  for (size_t c = 0; c < last.probs.size(); ++c) {
    EXPECT_NEAR(last.probs[c].back(), last.fact.p_clean, 1e-5 * last.fact.p_clean) << c;
    EXPECT_NEAR(subject.probs[c].back(), subject.fact.p_corrupt, 1e-5 * subject.fact.p_corrupt)
        << c;
  }
  EXPECT_GT(std::abs(last.probs[0][0] - last.fact.p_clean), 1e-3 * last.fact.p_clean);
}

TEST_P(TracePathsTest, TokensInOneSweepEqualEachAlone) {
  Audit audit;
  const std::vector<FactPaths> paths = TracePathsFrom(
      model_, {pair_}, {{0, PathToken::kPromptLast}, {0, PathToken::kSubjectLast}}, {}, audit);
  ASSERT_EQ(paths.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const FactPaths one =
        Trace(i == 0 ? PathToken::kPromptLast : PathToken::kSubjectLast, {pair_})[0];
    ASSERT_EQ(paths[i].probs.size(), one.probs.size());
    for (size_t c = 0; c < one.probs.size(); ++c) {
      for (size_t l = 0; l < one.probs[c].size(); ++l)
        EXPECT_NEAR(paths[i].probs[c][l], one.probs[c][l], 1e-5 * one.probs[c][l]);
    }
  }
  EXPECT_NE(paths[0].probs, paths[1].probs);
}

// At the last token and layer, the logit difference is the clean run's.
TEST_P(TracePathsTest, LogitDifferenceIsReadToo) {
  FactPair pair = pair_;
  pair.other_answer_id = 5;
  const FactPaths paths = Trace(PathToken::kPromptLast, {pair})[0];
  const auto difference = [&](const Prompt& prompt) {
    const at::Tensor logits = mambascope::Run(model_, {prompt.ids}).LastLogits()[0];
    return logits[33].item<double>() - logits[5].item<double>();
  };
  ASSERT_EQ(paths.logit_diff.size(), paths.probs.size());
  EXPECT_NEAR(paths.fact.logit_diff_clean.value(), difference(clean_), 1e-4);
  EXPECT_NEAR(paths.fact.logit_diff_corrupt.value(), difference(corrupt_), 1e-4);
  for (const auto& row : paths.logit_diff) EXPECT_NEAR(row.back(), difference(clean_), 1e-4);
  EXPECT_GT(std::abs(difference(clean_) - difference(corrupt_)), 1e-3);
  EXPECT_GT(std::abs(paths.logit_diff[0][0] - difference(clean_)), 1e-3);
}

TEST_P(TracePathsTest, SeveringChangesTheRecovery) {
  for (const PathToken at : {PathToken::kSubjectLast, PathToken::kPromptLast}) {
    const FactPaths paths = Trace(at, {pair_})[0];
    for (size_t c = 1; c < paths.probs.size(); ++c) {
      double moved = 0;
      for (size_t l = 0; l < residuals_.size(); ++l)
        moved = std::max(moved, std::abs(paths.probs[c][l] - paths.probs[0][l]));
      EXPECT_GT(moved, 1e-3 * paths.fact.p_corrupt) << PathConditions(model_)[c];
    }
  }
}

TEST_P(TracePathsTest, NoiseIsTheMeanOverItsSamples) {
  const Noise noise{.std = 0.5, .samples = 3, .seed = 11};
  const FactPair pair{.relation = {}, .clean = clean_, .corrupt = {}, .answer_id = 33};
  const FactPaths paths = Trace(PathToken::kSubjectLast, {pair, pair}, noise)[1];
  NumpyNormal normal(11);
  double corrupt = 0, recovery = 0, severed = 0;
  for (int sample = 0; sample < 3; ++sample) {
    Variant corruption;
    for (const int64_t t : {1, 2}) {
      std::vector<float> delta;
      for (int64_t d = 0; d < model_.config().d_model; ++d)
        delta.push_back(static_cast<float>(normal() * 0.5));
      corruption.push_back(Add{{Site::kEmbed, kEmbedLayer, t}, at::tensor(delta)});
    }
    corrupt +=
        Probability(mambascope::Run(model_, {clean_.ids}, {.variants = {corruption}}), 33) / 3;
    recovery += Severed("recovery", 1, PathToken::kSubjectLast, clean_, clean_, 33, corruption) / 3;
    severed += Severed("mixer_out", 1, PathToken::kSubjectLast, clean_, clean_, 33, corruption) / 3;
  }
  EXPECT_NEAR(paths.fact.p_corrupt, corrupt, 1e-5 * corrupt);
  EXPECT_NEAR(paths.probs[0][1], recovery, 1e-5 * recovery);
  EXPECT_NEAR(paths.probs[Index("mixer_out")][1], severed, 1e-5 * severed);
  EXPECT_GT(std::abs(recovery - corrupt), 1e-4 * corrupt);
  EXPECT_GT(std::abs(severed - recovery), 1e-4 * corrupt);
}

TEST_P(TracePathsTest, WhatCannotBeTracedIsRefused) {
  const FactPair no_subject{
      .relation = {}, .clean = MadeUpPrompt({7, 8}, {}), .corrupt = corrupt_, .answer_id = 1};
  FactPair no_corruption = pair_, no_answer = pair_;
  no_corruption.corrupt.reset();
  no_answer.answer_id = model_.config().vocab;
  EXPECT_THAT(ErrorOf([&] { Trace(PathToken::kPromptLast, {no_subject}); }),
              HasSubstr("no subject"));
  EXPECT_THAT(ErrorOf([&] { Trace(PathToken::kPromptLast, {no_corruption}); }),
              HasSubstr("neither another subject nor noise"));
  EXPECT_THAT(ErrorOf([&] { Trace(PathToken::kPromptLast, {no_answer}); }),
              HasSubstr("vocabulary"));
  EXPECT_THAT(Trace(PathToken::kPromptLast, {}), testing::IsEmpty());
}

FactPaths MadeUp(double p_clean, double p_corrupt, const std::vector<std::vector<double>>& probs) {
  FactPaths paths{.fact = {}, .conditions = {}, .probs = probs};
  paths.fact.p_clean = p_clean;
  paths.fact.p_corrupt = p_corrupt;
  return paths;
}

class PathAverageTest : public testing::Test {
 protected:
  const FactPaths a_ = MadeUp(0.9, 0.1, {{0.5, 0.9}, {0.1, 0.3}}),
                  b_ = MadeUp(0.6, 0.2, {{0.4, 0.2}, {0.2, 0.6}});
  const FactPaths no_effect_ = MadeUp(0.205, 0.2, {{1, 1}, {1, 1}}),
                  wrong_way_ = MadeUp(0.1, 0.9, {{1, 1}, {1, 1}});
};

TEST_F(PathAverageTest, IsTheMeanOfEachFactsEffect) {
  const PathAverage average = AveragePaths({a_, b_});
  const std::vector<std::vector<double>> kWant = {{(0.5 + 0.5) / 2, (1 + 0) / 2.0},
                                                  {0, (0.25 + 1) / 2}};
  for (size_t c = 0; c < 2; ++c) {
    for (size_t l = 0; l < 2; ++l)
      EXPECT_NEAR(average.ie.at(c).at(l).value(), kWant[c][l], 1e-12) << c << l;
  }
  const auto [low, high] = average.ci95[1][1].value();  // from 0.25 and 1, 1 degree of freedom
  EXPECT_NEAR(low, 0.625 - 12.7062 * 0.375, 1e-4);
  EXPECT_NEAR(high, 0.625 + 12.7062 * 0.375, 1e-4);
  EXPECT_EQ(average.facts, 2);
  EXPECT_EQ(average.guarded, 0);
}

TEST_F(PathAverageTest, FactsWithoutAnEffectAreLeftOutAndCounted) {
  const PathAverage with = AveragePaths({no_effect_, a_, wrong_way_, b_}),
                    without = AveragePaths({a_, b_});
  EXPECT_EQ(with.ie, without.ie);
  EXPECT_EQ(with.ci95, without.ci95);
  EXPECT_EQ(with.facts, 2);
  EXPECT_EQ(with.guarded, 2);
}

TEST_F(PathAverageTest, OneFactHasNoIntervalAndNoFactNoEffect) {
  EXPECT_THAT(AveragePaths({a_}).ci95, Each(Each(Eq(std::nullopt))));
  EXPECT_THAT(AveragePaths({no_effect_}).ie, Each(ElementsAre(Eq(std::nullopt), Eq(std::nullopt))));
  EXPECT_THAT(AveragePaths(std::vector<FactPaths>{}).ie, testing::IsEmpty());
}

}  // namespace
}  // namespace mambascope
