// Findings of results made up by hand: a changed number changes the sentence.
#include "mambascope/reports/findings.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "mambascope/experiments/editing/edit_test_support.h"
#include "mambascope/experiments/knockout/knockout_test_support.h"

namespace mambascope {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Effects = std::vector<std::optional<double>>;

// Two facts, and their average effect at the subject's last token and at the last token.
TraceAverage AverageOfTwo(const Effects& subject_last, const Effects& last) {
  const size_t layers = last.size();
  return {.ie = {Effects(layers), Effects(layers), subject_last, Effects(layers), last},
          .as_published = {},
          .ci95 = IntervalGrid(5, IntervalGrid::value_type(layers))};
}

TraceResult TraceOfTwo(const Effects& subject_last, const Effects& last) {
  return {.options = {{"model", "models/demo"}},
          .facts = std::vector<FactTrace>(2),
          .summary = {.average = AverageOfTwo(subject_last, last)}};
}

constexpr const char* kTakesOver =
    " From layer 2 on, the last token has an effect of at least one half.";

TEST(TraceFindingTest, NamesTheEarlyAndTheLateSite) {
  TraceResult result = TraceOfTwo({0.125, 0.26, 0.2}, {0, 0.4, 0.75});
  TraceAverage& average = result.summary.average;
  average.ci95[2][1] = {0.21, 0.3};
  EXPECT_EQ(
      TraceFinding(result),
      std::string("At resid of demo, the subject's largest indirect effect is "
                  "at the subject's last token in layer 1: 0.26 (95 % interval 0.21 to 0.30).") +
          kTakesOver);
  average.ie[0][0] = 0.5;
  EXPECT_EQ(TraceFinding(result),
            std::string("At resid of demo, the subject's largest indirect effect is "
                        "at the subject's first token in layer 0: 0.50.") +
                kTakesOver);
  average.ie[1][2] = 0.63;
  EXPECT_THAT(TraceFinding(result), HasSubstr("at the subject's middle tokens in layer 2: 0.63."));
  average.ie[3][2] = 0.875;
  EXPECT_THAT(TraceFinding(result), HasSubstr("middle tokens")) << "further tokens are not early";
}

TEST(TraceFindingTest, SaysWhereTheLastTokenTakesOverOrThatItDoesNot) {
  const auto late = [](const Effects& last) {
    return TraceFinding(TraceOfTwo(Effects(last.size(), 0.25), last));
  };
  EXPECT_THAT(late({0.5, 0.625, 1}),
              EndsWith(" From layer 0 on, the last token has an effect of at least one half."));
  EXPECT_THAT(late({0.75, 0.25, 1}), EndsWith(kTakesOver)) << "it falls below it before";
  EXPECT_THAT(
      late({0.25, 0.75, 0.25}),
      EndsWith(" The last token's effect reaches one half in layer 1, but falls below it in layer "
               "2."));
  EXPECT_THAT(
      late({0.12, 0.38, 0.25}),
      EndsWith(" The last token's effect stays below one half; its largest is 0.38, in layer 1."));
  EXPECT_THAT(late({std::nullopt, 0.25, 0.5, std::nullopt}), EndsWith(kTakesOver));
  EXPECT_THAT(late({0, 0, 0.5, INFINITY}), EndsWith(kTakesOver));
  EXPECT_THAT(late(Effects(3)), EndsWith("in layer 0: 0.25.")) << "no fact has such a token";
}

TEST(TraceFindingTest, SaysThatThereIsNoEffect) {
  EXPECT_EQ(TraceFinding(TraceOfTwo({0.004, -0.5, NAN}, {0, 0, 0.5})),
            std::string("At resid of demo, no token of the subject has an effect of 0.01 or "
                        "more.") +
                kTakesOver);
}

TEST(TraceFindingTest, SaysThatAnEffectIsNotClear) {
  TraceResult result = TraceOfTwo({0.125, 0.26, 0.2}, {0, 0.4, 0.75});
  result.summary.average.ci95[2][1] = {-0.1, 0.62};
  EXPECT_EQ(TraceFinding(result),
            std::string("At resid of demo, the subject's largest indirect effect may be chance. It "
                        "is at the subject's last token in layer 1: 0.26 (95 % interval -0.10 to "
                        "0.62).") +
                kTakesOver);
}

TEST(TraceFindingTest, NamesTheTokenOfOneFact) {
  FactTrace trace{.fact = {.clean = {.text = "Par is in",
                                     .tokens = {"P", "ar", " is"},
                                     .subject_span = {0, 2}}},
                  .probs = {{0.1, 0.3}, {0.2, 0.6}, {0.1, 0.5}}};
  trace.fact.p_clean = 0.9;
  trace.fact.p_corrupt = 0.1;
  TraceResult result{.options = {{"model", "models/demo"}}, .facts = {trace}};
  result.summary = SummarizeTraces(result.facts);
  EXPECT_EQ(TraceFinding(result),
            "At resid of demo, among the subject's tokens p(answer) is largest with ar restored in "
            "layer 1: 0.6. The last token brings back at least half of the effect first in layer "
            "1.");
  result.facts[0].probs[0][0] = 0.7;
  result.facts[0].probs[2][1] = 0.4;
  EXPECT_EQ(TraceFinding(result),
            "At resid of demo, among the subject's tokens p(answer) is largest with P restored in "
            "layer 0: 0.7.");
}

TEST(TraceFindingTest, NamesWindowsMetricAndTheEmbedding) {
  TraceResult result = TraceOfTwo({0.25}, {0.75});
  result.window = 3;
  result.name = "tiny";
  result.site = Site::kSsmOut;
  result.metric = Metric::kLogitDiff;
  result.summary.logit_diff = AverageOfTwo({0.38}, {0});
  EXPECT_EQ(TraceFinding(result),
            "At ssm_out of tiny (windows of 3 layers), the subject's largest indirect effect on "
            "the logit difference is at the subject's last token in layer 0: 0.38. The last "
            "token's effect stays below one half; its largest is 0.00, in layer 0.");
  result.site = Site::kEmbed;
  result.window = 1;
  EXPECT_EQ(TraceFinding(result),
            "At embed of tiny, the subject's largest indirect effect on the logit difference is at "
            "the subject's last "
            "token: 0.38.");
}

TEST(TraceFindingTest, SaysWhatTheOutputProjectionAdds) {
  TraceResult result = TraceOfTwo({0.5, 0.5}, {0.5, 0.5});
  result.site = Site::kMixerOut;
  TraceAverage difference = AverageOfTwo({0.25, 0.12}, {-0.5, 0.38});
  difference.ci95[2][0] = {0.12, 0.38};
  result.summary.isolated = IsolatedEffects{.difference = difference, .ssm_out = {}, .gate = {}};
  EXPECT_EQ(TraceFinding(result),
            "In demo, mixer_out adds most to the effects of ssm_out and gate at the last token in "
            "layer 1: 0.38.");
  result.summary.isolated->difference.ie[4][1] = 0;
  EXPECT_THAT(
      TraceFinding(result),
      EndsWith(" at the subject's last token in layer 0: 0.25 (95 % interval 0.12 to 0.38)."));
  result.summary.isolated->difference = AverageOfTwo({-0.25, 0.005}, {0, NAN});
  EXPECT_EQ(TraceFinding(result),
            "In demo, mixer_out adds less than 0.01 to the effects of ssm_out and gate.");
}

TEST(TraceFindingTest, IsEmptyWithoutAnAverage) {
  TraceResult result = TraceOfTwo({0.25}, {0.75});
  EXPECT_THAT(TraceFinding(result), Not(HasSubstr("interval")));
  result.summary.average.guarded = 2;
  EXPECT_EQ(TraceFinding(result), "");
  result.summary.average.guarded = 1;
  EXPECT_NE(TraceFinding(result), "");
  result.summary.average.ie[2] = {std::nullopt};
  EXPECT_EQ(TraceFinding(result), "");
  EXPECT_EQ(TraceFinding({.options = {}, .facts = {}}), "");
}

// Three conditions in two layers.
PathsResult PathsOfTwo(const Effects& ssm_out, const Effects& gate) {
  return {.options = {{"model", "models/demo"}},
          .at = "subject_last",
          .conditions = {"recovery", "ssm_out", "gate"},
          .facts = std::vector<FactPaths>(2),
          .average = {.ie = {{0.5, 0.88}, ssm_out, gate}, .facts = 2}};
}

TEST(PathsFindingTest, NamesTheHeldPartThatLowersTheEffectMost) {
  PathsResult result = PathsOfTwo({0.38, 0.12}, {0.5, 0.875});
  EXPECT_EQ(
      PathsFinding(result),
      "With the subject's last token restored in layer 1 of demo, severing ssm_out lowers the "
      "effect most: from 0.88 to 0.12. Severing gate changes it by less than 0.01 in every "
      "layer.");
  result.average.ie[2] = {-0.5, 0.875};
  EXPECT_EQ(PathsFinding(result),
            "With the subject's last token restored in layer 0 of demo, severing gate lowers the "
            "effect most: from 0.50 to -0.50.");
  result.at = "prompt_last";
  result.name = "tiny";
  result.metric = Metric::kLogitDiff;
  result.logit_diff = result.average;
  EXPECT_THAT(PathsFinding(result),
              StartsWith("With the prompt's last token restored in layer 0 of tiny, severing gate "
                         "lowers the effect on the logit difference most: from 0.50"));
}

TEST(PathsFindingTest, SaysThatNoPartLowersTheEffect) {
  EXPECT_EQ(PathsFinding(PathsOfTwo({0.5, 0.88}, {0.505, 0.875})),
            "With the subject's last token restored in demo, severing ssm_out or gate changes the "
            "effect by less than 0.01.");
  EXPECT_EQ(PathsFinding(PathsOfTwo({0.75, 0.88}, {0.5, 0.88})),
            "With the subject's last token restored in demo, severing no part lowers the effect by "
            "0.01 or more. Severing gate changes it by less than 0.01 in every layer.");
}

TEST(PathsFindingTest, LeavesOutMissingNumbers) {
  PathsResult result = PathsOfTwo({0.38, NAN}, {std::nullopt, std::nullopt});
  EXPECT_EQ(
      PathsFinding(result),
      "With the subject's last token restored in layer 0 of demo, severing ssm_out lowers the "
      "effect most: from 0.50 to 0.38.");
  result.average.facts = 0;
  EXPECT_EQ(PathsFinding(result), "");
  EXPECT_EQ(PathsFinding({.options = {}, .at = "", .conditions = {}, .facts = {}}), "");
}

// The edits of a weight, with their mean S.
EditSweepRow ScoredRow(const std::string& projection, int layer, std::optional<double> score,
                       std::optional<std::pair<double, double>> interval = {}) {
  EditSweepRow row{.layer = layer, .projection = projection};
  row.means.score = {score, interval};
  return row;
}

EditSweepResult SweepOfRows(int64_t records, const std::vector<EditSweepRow>& rows) {
  EditSweepResult sweep;
  sweep.summary.pre.records = records;
  sweep.summary.projections = GroupByProjection(rows);
  return sweep;
}

TEST(EditSweepFindingTest, NamesTheBestLayerOfEveryProjection) {
  std::vector<EditSweepRow> rows = {ScoredRow("W_o", 1, 94.06, {{92, 95.6}}),
                                    ScoredRow("W_o", 2, 80), ScoredRow("W_a", 18, 93.5),
                                    ScoredRow("W_a", 3, 70), ScoredRow("W_g", 3, 88)};
  EXPECT_EQ(EditSweepFinding(SweepOfRows(300, rows)),
            "Over 300 records, edits of W_o in layer 1 have the highest S: 94.1 (95 % interval "
            "92.0 to 95.6). W_a is best in layer 18 (S 93.5) and W_g is best in layer 3 (S 88.0).");
  rows[3] = ScoredRow("W_a", 3, 97);
  rows[4] = ScoredRow("W_g", 3, std::nullopt);
  EXPECT_EQ(EditSweepFinding(SweepOfRows(300, rows)),
            "Over 300 records, edits of W_a in layer 3 have the highest S: 97.0. W_o is best in "
            "layer 1 (S 94.1).");
  EditSweepResult sweep;
  sweep.summary = SummarizeSweep(SmallSweepRecords());
  EXPECT_EQ(EditSweepFinding(sweep),
            "Over 4 records, edits of W_o in layer 2 have the highest S: 75.0 (95 % interval 48.5 "
            "to 100.0). W_a has no S above 0.");
}

TEST(EditSweepFindingTest, KnowsOneRecordOneRowAndNoScore) {
  EXPECT_EQ(EditSweepFinding(SweepOfRows(1, {ScoredRow("W_o", 1, 75)})),
            "In 1 record, the edit of W_o in layer 1 has an S of 75.0.");
  EXPECT_EQ(EditSweepFinding(SweepOfRows(2, {ScoredRow("W_o", 1, 75, {{75, 75}})})),
            "Over 2 records, edits of W_o in layer 1 have an S of 75.0.")
      << "an interval of no width says nothing";
  EXPECT_EQ(EditSweepFinding(SweepOfRows(2, {ScoredRow("W_o", 1, 0), ScoredRow("W_a", 1, 0)})),
            "Over 2 records, no edit has an S above 0.");
  EXPECT_EQ(EditSweepFinding(SweepOfRows(2, {ScoredRow("W_o", 1, std::nullopt)})), "");
  EXPECT_EQ(EditSweepFinding({}), "");
}

// Models with so many edits, and their S.
MassEditResult MassEditsOf(const std::vector<std::pair<int64_t, std::optional<double>>>& scores) {
  MassEditResult result;
  for (const auto& [edits, score] : scores) {
    result.points.push_back({.edits = edits});
    result.points.back().means.score.mean = score;
  }
  return result;
}

TEST(MassEditFindingTest, SaysHowManyEditsKeepTheScore) {
  EXPECT_EQ(MassEditFinding(MassEditsOf({{1, {}}, {10, 93.5}, {100, 89}, {300, 79}})),
            "With 10 edits in one model, S is 93.5; with 300, it is 79.0. At most 100 edits keep S "
            "within 5 points of its best (93.5).");
  EXPECT_EQ(MassEditFinding(MassEditsOf({{1, 93.5}, {100, 80}, {300, 79}})),
            "With 1 edit in one model, S is 93.5; with 300, it is 79.0. At most 1 edit keeps S "
            "within 5 points of its best (93.5).");
  EXPECT_EQ(MassEditFinding(MassEditsOf({{10, 90}, {100, 80}, {300, 91.5}})),
            "With 10 edits in one model, S is 90.0; with 300, it is 91.5. Even 300 edits keep S "
            "within 5 points of its best (91.5).");
}

TEST(MassEditFindingTest, KnowsOnePointAndNoScore) {
  MassEditResult result = MassEditsOf({{10, 93.5}, {300, NAN}});
  EXPECT_EQ(MassEditFinding(result), "With 10 edits in one model, S is 93.5.");
  result.points[0].means.score.interval = {90, 96};
  EXPECT_EQ(MassEditFinding(result),
            "With 10 edits in one model, S is 93.5 (95 % interval 90.0 to 96.0).");
  EXPECT_EQ(MassEditFinding(MassEditsOf({{10, 0}, {100, 0}})),
            "S is 0 for every number of edits in one model.");
  EXPECT_EQ(MassEditFinding(MassEditsOf({{10, {}}})), "");
  EXPECT_EQ(MassEditFinding({}), "");
}

// An edit whose search took `passes`.
OneEditResult EditOfPasses(size_t passes) {
  return {.options = {},
          .projection = "W_o",
          .prompt = "The {} is in",
          .subject = "Needle",
          .target = " Rome",
          .loss = std::vector<LossStep>(passes),
          .stopped = "loss",
          .before = {.top = {{1, " Seattle", 0.9375}}, .p_target = 2e-6},
          .after = {.top = {{2, " Rome", 0.975}}, .p_target = 0.975, .says_target = true},
          .perplexity_text = {}};
}

TEST(OneEditFindingTest, SaysWhatTheEditDidToTheTarget) {
  EXPECT_EQ(OneEditFinding(EditOfPasses(12)),
            "After 12 passes of the value search, the edit raises p(·Rome) from 2e-06 to 0.975. "
            "The model now says the target.");
  OneEditResult edit = EditOfPasses(1);
  edit.before.p_target = 0.98765;
  edit.after.says_target = false;
  EXPECT_EQ(OneEditFinding(edit),
            "After 1 pass of the value search, the edit lowers p(·Rome) from 0.988 to 0.975. The "
            "model still does not say the target.");
  edit.before.says_target = true;
  EXPECT_THAT(OneEditFinding(edit), EndsWith(" The model no longer says the target."));
  edit.after = edit.before;
  edit.after.top = {{2, " Rome", 0.975}};
  edit.loss.clear();
  EXPECT_EQ(OneEditFinding(edit),
            "The edit leaves p(·Rome) at 0.988. The model says the target, as it did before.");
}

TEST(OneEditFindingTest, IsEmptyWithoutPredictions) {
  OneEditResult edit = EditOfPasses(2);
  edit.after.p_target = NAN;
  EXPECT_EQ(OneEditFinding(edit), "");
  EXPECT_EQ(OneEditFinding({}), "");
}

// Windows of 3 layers: cuts of subject lose up to 50 percent in the last one, cuts of all nothing.
KnockoutResult SmallKnockouts() { return WithSummary(MakeKnockouts("m", 3)); }

TEST(KnockoutFindingTest, NamesTheFlowTheWindowAndTheNextSource) {
  KnockoutResult result = SmallKnockouts();
  EXPECT_EQ(
      KnockoutFinding(result),
      "In m (cut), cutting the flow from subject to last in layers 2 to 4 lowers p(answer) most: "
      "by 50.0 %. No other source lowers it by more than 1 %.");
  result.summary.all.flows[0].ci95[2] = {-60.5, -40};
  result.summary.all.flows[1].change = {-3, -12.5, 5};
  EXPECT_EQ(
      KnockoutFinding(result),
      "In m (cut), cutting the flow from subject to last in layers 2 to 4 lowers p(answer) most: "
      "by 50.0 % (95 % interval 40.0 to 60.5). Source \"all\" is next: 12.5 % in layers 1 to "
      "3.");
  result.summary.all.flows[1].change[0] = -62;
  EXPECT_EQ(
      KnockoutFinding(result),
      "In m (cut), cutting the flow from all to last in layers 0 to 2 lowers p(answer) most: by "
      "62.0 %. Source \"subject\" is next: 50.0 % in layers 2 to 4.");
  result.summary.all.flows[1].change[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(KnockoutFinding(result), HasSubstr("from subject to last in layers 2 to 4"));
}

TEST(KnockoutFindingTest, NamesGroupsAndWindows) {
  KnockoutResult result = SmallKnockouts();
  result.channels = {"all", "mamba"};
  result.mixers = {"all", "mamba"};
  result.flows = {{"subject", "last", 1}, {"subject", "last", 0}};
  EXPECT_EQ(KnockoutFinding(result),
            "In m (cut), cutting the flow from subject to last (recurrence alone) in layers 2 to 4 "
            "lowers p(answer) most: by 50.0 %.")
      << "there is no other source";
  result.lengths.push_back({1, {0, 1, 2}});
  result.flows[0] = {"subject", "last", 0, 1};
  EXPECT_THAT(KnockoutFinding(result), HasSubstr("from subject to last in layer 2 lowers"));
  result.flows[0] = {"subject", "last", 0, 0};
  result.windows = KnockoutResult::Windows::kAround;
  EXPECT_THAT(KnockoutFinding(result), HasSubstr("in the window of 3 layers around layer 2 lower"));
  result.flows = {{"subject", ""}, {"all", ""}};
  result.windows = KnockoutResult::Windows::kWhole;
  EXPECT_EQ(
      KnockoutFinding(result),
      "In m (cut), mean ablation of subject in layers 2 to 4 lowers p(answer) most: by 50.0 %. No "
      "other source lowers it by more than 1 %.");
}

TEST(KnockoutFindingTest, SaysThatNothingIsLost) {
  KnockoutResult result = SmallKnockouts();
  result.summary.all.flows[0].change = {0.5, -0.75, 20};
  EXPECT_EQ(KnockoutFinding(result), "In m (cut), no cut lowers p(answer) by more than 1 %.");
  for (Flow& flow : result.flows) flow.to = "";
  EXPECT_EQ(KnockoutFinding(result),
            "In m (cut), no mean ablation lowers p(answer) by more than 1 %.");
  result.facts.clear();
  EXPECT_EQ(KnockoutFinding(result), "");
  EXPECT_EQ(KnockoutFinding(MakeKnockouts("m", 3)), "") << "it has no averages";
}

// Three tokens; the last one reads these shares of its row.
AttentionResult AttentionOfThree(const std::vector<float>& shares) {
  AttentionResult result{.options = {{"model", "models/demo"}},
                         .ids = {4, 9, 5},
                         .texts = {"<s>", " Paris", " is"},
                         .layers = {}};
  at::Tensor matrix = at::eye(3, at::kFloat);
  for (int64_t from = 0; from < 3; ++from) matrix[2][from] = shares.at(static_cast<size_t>(from));
  result.layers = {{.layer = 7,
                    .channels = 8,
                    .mean = matrix,
                    .absolute = matrix,
                    .normalised = matrix,
                    .channel = {}}};
  return result;
}

TEST(AttentionFindingTest, NamesTheTokenThatTheLastOneReadsMost) {
  const auto finding = [](const AttentionResult& result) {
    return AttentionFinding(result, result.layers[0]);
  };
  EXPECT_EQ(finding(AttentionOfThree({0.125, 0.25, 0.625})),
            "In layer 7 of demo, the earlier token that the last token reads most is ·Paris "
            "(position 1): 25.0 % of its row. Its own share is 62.5 %.");
  AttentionResult result = AttentionOfThree({0.625, 0.25, 0.125});
  EXPECT_EQ(finding(result),
            "In layer 7 of demo, the earlier token that the last token reads most is <s> "
            "(position 0): 62.5 % of its row. Its own share is 12.5 %.");
  result.texts[0].reset();
  EXPECT_THAT(finding(result), HasSubstr("most is id 4 (position 0): 62.5 %"));
  EXPECT_THAT(finding(AttentionOfThree({NAN, 0.25, NAN})), EndsWith("25.0 % of its row."));
  EXPECT_EQ(finding(AttentionOfThree({0, 0, 1})),
            "In layer 7 of demo, the last token reads no earlier token.");
}

TEST(AttentionFindingTest, IsEmptyForOneToken) {
  AttentionResult result = AttentionOfThree({0, 0, 1});
  result.layers[0].normalised = at::ones({1, 1});
  EXPECT_EQ(AttentionFinding(result, result.layers[0]), "");
}

// A relation whose operators have these faithfulnesses: chosen, at the embedding, and in layer 3.
RelationResult RelationOf(const std::string& name, double chosen, double embed, double third) {
  const auto means = [](double faithfulness) {
    return LreMeans{.faithfulness = {.mean = faithfulness}};
  };
  return {.name = name,
          .chosen = means(chosen),
          .by_layer = {{kEmbedLayer, means(embed)}, {3, means(third)}}};
}

std::string LreFindingOf(const std::vector<RelationResult>& relations) {
  return LreFinding(MakeLreResult({{"model", "models/demo"}}, relations));
}

TEST(LreFindingTest, SaysTheMeanItsExtremesAndTheBestLayer) {
  std::vector<RelationResult> relations = {RelationOf("capital", 40, 10, 30),
                                           RelationOf("gender", 90, 10, 50)};
  EXPECT_EQ(
      LreFindingOf(relations),
      "In demo, the mean faithfulness of 2 relations is 65.0 %, from 40.0 % (capital) to 90.0 % "
      "(gender). Chance is 0.0 %, and causality 0.0 %. By layer, faithfulness is highest in "
      "layer 3: 40.0 %.");
  relations.push_back(RelationOf("color\n", 60, 80, 10));
  EXPECT_EQ(LreFindingOf(relations),
            "In demo, the mean faithfulness of 3 relations is 63.3 % (95 % interval 0.8 to 100.0), "
            "from 40.0 % (capital) to 90.0 % (gender). Chance is 0.0 %, and causality 0.0 %. By "
            "layer, faithfulness is highest at the embedding: 33.3 %.");
  relations[2].chosen.faithfulness.mean = 95;
  EXPECT_THAT(LreFindingOf(relations), HasSubstr("to 95.0 % (color\\n). Chance"));
  for (RelationResult& relation : relations) relation.chosen.faithfulness.mean = 50;
  EXPECT_THAT(
      LreFindingOf(relations),
      StartsWith("In demo, the mean faithfulness of 3 relations is 50.0 %, the same for each. "
                 "Chance is"));
}

TEST(LreFindingTest, KnowsOneRelationOneLayerAndNone) {
  RelationResult relation = RelationOf("gender", 90, 10, 50);
  relation.by_layer.pop_back();
  EXPECT_EQ(LreFindingOf({relation}),
            "In demo, the faithfulness of gender is 90.0 %. Chance is 0.0 %, and causality 0.0 %.");
  relation.faithfulness_interval = {81.3, 98.7};
  EXPECT_THAT(LreFindingOf({relation}),
              HasSubstr(" is 90.0 % (95 % interval over trials 81.3 to 98.7). Chance"));
  relation.chosen.faithfulness.mean = NAN;
  EXPECT_EQ(LreFindingOf({relation}), "");
  relation.skipped = "it has 2 samples";
  EXPECT_EQ(LreFindingOf({relation}), "");
}

// Moments at mixer_in of these layers, each with its convergence.
MomentsResult MomentsOf(const std::vector<std::pair<int, Convergence>>& layers) {
  MomentsResult result;
  for (const auto& [layer, convergence] : layers)
    result.moments.push_back({.place = {Site::kMixerIn, layer}, .convergence = convergence});
  return result;
}

TEST(MomentsFindingTest, SaysWhereTheMomentsStillChangeMost) {
  const Convergence unwatched, first{.tokens = {512}, .change = {std::nullopt}},
      small{.tokens = {512, 1024}, .change = {std::nullopt, 0.0625}},
      large{.tokens = {512, 1024, 2048}, .change = {std::nullopt, 3.0, 0.25}},
      infinite{.tokens = {512, 1024}, .change = {std::nullopt, INFINITY}};
  EXPECT_EQ(MomentsFinding(MomentsOf({{2, small}, {5, large}})),
            "The last doubling of the text changes C⁻¹k most at mixer_in.5: by 25 %.");
  EXPECT_EQ(MomentsFinding(MomentsOf({{2, small}, {5, first}, {6, unwatched}, {7, infinite}})),
            "The last doubling of the text changes C⁻¹k most at mixer_in.2: by 6.25 %. At 3 of 4 "
            "places, no change was measured.");
  MomentsResult one = MomentsOf({{2, small}});
  EXPECT_EQ(MomentsFinding(one),
            "The last doubling of the text changes C⁻¹k at mixer_in.2 by 6.25 %.");
  one.moments[0].convergence.change[1] = 3;
  EXPECT_THAT(MomentsFinding(one), EndsWith("at mixer_in.2 by more than 100 %."));
  EXPECT_EQ(MomentsFinding(MomentsOf({{2, unwatched}})), "Convergence was not watched.");
  EXPECT_EQ(MomentsFinding(MomentsOf({{2, unwatched}, {5, first}})),
            "Convergence could not be measured: there are too few tokens, or C has no inverse.");
  EXPECT_EQ(MomentsFinding({}), "");
}

}  // namespace
}  // namespace mambascope
