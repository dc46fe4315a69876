// Tables have a row per cell, with all that tells it from others.
#include "mambascope/reports/result_tables.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

namespace mambascope {
namespace {

using testing::ElementsAre;

TEST(TableTest, QuotesAsRfc4180Says) {
  Table table({"a", "b,c"});
  table.Add({"plain", " Paris"});
  table.Add({"say \"no\"", "two\nlines\r"});
  table.Add({Json(), ""});
  table.Add({true, 0.1});
  table.Add({-7, std::numeric_limits<double>::infinity()});
  table.Add({std::optional<double>(), "\xff"});
  EXPECT_EQ(table.csv(),
            "a,\"b,c\"\r\n"
            "plain, Paris\r\n"
            "\"say \"\"no\"\"\",\"two\nlines\r\"\r\n"
            ",\"\"\r\n"
            "true,0.1\r\n"
            "-7,\r\n"
            ",\xef\xbf\xbd\r\n");
  EXPECT_THROW(table.Add({1}), std::logic_error);
}

using Rows = std::vector<std::map<std::string, std::string>>;

// The rows by column, of a table without quoted fields.
Rows Read(const Table& table) {
  EXPECT_EQ(table.csv().find('"'), std::string::npos);
  std::vector<std::vector<std::string>> lines(1, std::vector<std::string>(1));
  for (const char c : table.csv()) {
    if (c == ',') lines.back().emplace_back();
    else if (c == '\n') lines.emplace_back(1);
    else if (c != '\r') lines.back().back() += c;
  }
  lines.pop_back();
  Rows rows;
  for (size_t i = 1; i < lines.size(); ++i) {
    for (size_t c = 0; c < lines[0].size(); ++c)
      rows.resize(i), rows.back()[lines[0][c]] = lines[i].at(c);
  }
  return rows;
}

std::vector<std::string> Column(const Rows& rows, const std::string& name) {
  std::vector<std::string> values;
  for (const auto& row : rows) values.push_back(row.at(name));
  return values;
}

const Json kOptions = {{"model", "demo"}};

Prompt MakeUp(const std::string& subject) {
  return {.text = subject + " is in",
          .ids = {1, 2},
          .tokens = {subject, " is in"},
          .subject = subject,
          .subject_span = {0, 1}};
}

TracedFact Fact(double p_clean) {
  return {.relation = "place",
          .clean = MakeUp("Oslo"),
          .corrupt = MakeUp("Rome"),
          .answer_id = 3,
          .answer = " Norway",
          .p_clean = p_clean,
          .p_corrupt = 0.25};
}

TEST(ResultTablesTest, TraceHasARowPerTokenAndLayer) {
  TraceResult result{.options = kOptions, .site = Site::kMixerOut, .window = 2, .facts = {}};
  result.facts = {{.fact = Fact(0.75), .probs = {{0.5, {}}, {0.25, 0.75}}}};
  const Rows rows = Read(MakeTable(TraceResults{{result}}));
  EXPECT_THAT(Column(rows, "p"), ElementsAre("0.5", "", "0.25", "0.75"));
  EXPECT_THAT(Column(rows, "ie"), ElementsAre("0.5", "", "0.0", "1.0"));
  EXPECT_THAT(Column(rows, "token"), ElementsAre("0", "0", "1", "1"));
  EXPECT_THAT(Column(rows, "layer"), ElementsAre("0", "1", "0", "1"));
  EXPECT_THAT(Column(rows, "token_text"), ElementsAre("Oslo", "Oslo", " is in", " is in"));
  EXPECT_EQ(rows[2].at("row"), "last");
  EXPECT_EQ(rows[0].at("site"), "mixer_out");
  EXPECT_EQ(rows[0].at("corrupt_subject"), "Rome");
  EXPECT_EQ(rows[0].at("model"), "demo");
  // Parts of the mixer follow as sites; a fact that averages leave out has no IE.
  result.facts = {{.fact = Fact(0.255), .probs = {{0.5}}, .ssm_out = {{0.5}}, .gate = {{0.5}}}};
  EXPECT_THAT(Column(Read(MakeTable(TraceResults{{result}})), "site"),
              ElementsAre("mixer_out", "ssm_out", "gate"));
  EXPECT_THAT(Column(Read(MakeTable(TraceResults{{result}})), "ie"), ElementsAre("", "", ""));
  // Logit differences stand beside p(answer). Sites and models follow each other.
  TracedFact fact = Fact(0.75);
  fact.other_answer_id = 4;
  fact.other_answer = " Italy";
  fact.logit_diff_clean = 3;
  fact.logit_diff_corrupt = -1;
  result.facts = {{.fact = fact, .probs = {{0.5}}, .logit_diff = {{1}}}};
  TraceResult other = result;
  other.site = Site::kGate;
  const Rows two = Read(MakeTable(TraceResults{{result, other}}));
  EXPECT_THAT(Column(two, "site"), ElementsAre("mixer_out", "gate"));
  EXPECT_THAT(Column(two, "ie_logit_diff"), ElementsAre("0.5", "0.5"));
  EXPECT_EQ(two[0].at("logit_diff"), "1.0");
  EXPECT_EQ(two[0].at("other_answer"), " Italy");
  EXPECT_EQ(rows[0].at("logit_diff"), "");
}

TEST(ResultTablesTest, PathsHaveARowPerConditionAndLayer) {
  PathsResult result{.options = kOptions, .at = "prompt_last", .conditions = {}, .facts = {}};
  result.facts = {{Fact(0.75), {"recovery", "gate"}, {{0.5, 0.75}, {0.25, 0.25}}}};
  const Rows rows = Read(MakeTable(PathsResults{{result}}));
  EXPECT_THAT(Column(rows, "condition"), ElementsAre("recovery", "recovery", "gate", "gate"));
  EXPECT_THAT(Column(rows, "ie"), ElementsAre("0.5", "1.0", "0.0", "0.0"));
  EXPECT_EQ(rows[3].at("at"), "prompt_last");
}

TEST(ResultTablesTest, KnockoutHasRowsOfCurvesHeatMapAndParts) {
  KnockoutResult result{.options = kOptions,
                        .name = "demo",
                        .mode = "cut",
                        .lengths = {{3, {0, 1}}},
                        .flows = {{"subject", "last"}, {"first", ""}},
                        .channels = {"all"},
                        .mixers = {"all"},
                        .facts = {}};
  result.facts = {{.relation = "",
                   .prompt = MakeUp("Oslo"),
                   .answer_id = 3,
                   .answer = "x",
                   .base = {0.5, true},
                   .cells = {{{0.25, false}, {0.5, true}}, {{0.5, true}, {1, true}}},
                   .sources = {1, 0},
                   .heatmap = {{{0.125, false}}, {{0.5, true}}},
                   .places = {4},
                   .parts = AnswerParts{.logit = 6,
                                        .by_token = {{1, 2}},
                                        .skip = {0.5},
                                        .bias = {0},
                                        .mlp = {0},
                                        .embedding = 2,
                                        .offset = 0.5}}};
  const Rows rows = Read(MakeTable(std::vector{result}));
  ASSERT_EQ(rows.size(), 4u + 2 + 7);
  EXPECT_EQ(rows[0].at("probability_change_percent"), "-50.0");
  EXPECT_EQ(rows[0].at("channels"), "all");
  EXPECT_EQ(rows[0].at("is_top"), "false");
  EXPECT_EQ(rows[2].at("to"), "") << "a mean ablation has no targets";
  EXPECT_EQ(rows[2].at("sources"), "0");
  EXPECT_EQ(rows[4].at("measure"), "heatmap");
  EXPECT_EQ(rows[4].at("x"), "4");
  EXPECT_EQ(rows[5].at("from"), "1");
  double logit = 0;
  for (size_t i = 6; i < rows.size(); ++i) logit += std::stod(rows[i].at("logit"));
  EXPECT_EQ(logit, 6);
}

TEST(ResultTablesTest, AttentionHasARowPerTokenThatCanBeRead) {
  AttentionResult result{.options = kOptions, .ids = {5, 6}, .texts = {"a", {}}, .layers = {}};
  const at::Tensor matrix = at::tensor({1.0F, 0.0F, 0.25F, 0.75F}).view({2, 2});
  result.layers = {{.layer = 4,
                    .channels = 8,
                    .mean = -matrix,
                    .absolute = matrix,
                    .normalised = matrix,
                    .channel = {}}};
  const Rows rows = Read(MakeTable(result));
  EXPECT_THAT(Column(rows, "to"), ElementsAre("0", "1", "1"));
  EXPECT_THAT(Column(rows, "from"), ElementsAre("0", "0", "1"));
  EXPECT_THAT(Column(rows, "signed"), ElementsAre("-1.0", "-0.25", "-0.75"));
  EXPECT_THAT(Column(rows, "to_text"), ElementsAre("a", "", ""));
  EXPECT_EQ(rows[0].at("channel_matrix"), "");
}

TEST(ResultTablesTest, RecordsHaveTheirMeasuresAsShares) {
  EditScores pre, post;
  pre.rewrite.success = 0.25;
  post.rewrite.success = 1;
  post.texts = {{.entropy = 2.5}};
  EditRecord record{
      .case_id = 7, .prompt = "{} is", .subject = "Oslo", .target_new = "x", .target_true = "y"};
  EditSweepResult sweep{.options = kOptions};
  sweep.records = {
      {record, pre, {{.layer = 3, .projection = "W_o", .stopped = "loss", .scores = post}}}};
  Rows rows = Read(MakeTable(sweep));
  EXPECT_THAT(Column(rows, "layer"), ElementsAre("", "3"));
  EXPECT_THAT(Column(rows, "ES"), ElementsAre("0.25", "1.0"));
  EXPECT_THAT(Column(rows, "entropy"), ElementsAre("", "2.5"));
  EXPECT_THAT(Column(rows, "case_id"), ElementsAre("7", "7"));
  MassEditResult many{.options = kOptions};
  many.points = {{.edits = 1, .means = AverageScores({post}), .pre = AverageScores({pre})}};
  many.records = {{record, pre, post}};
  rows = Read(MakeTable(many));
  EXPECT_THAT(Column(rows, "ES"), ElementsAre("0.25", "1.0", "0.25", "1.0"));
  EXPECT_THAT(Column(rows, "edited"), ElementsAre("false", "true", "false", "true"));
  EXPECT_THAT(Column(rows, "case_id"), ElementsAre("", "", "7", "7"));
}

TEST(ResultTablesTest, OneEditHasItsSearchAndWhatTheModelSays) {
  OneEditResult result{.options = kOptions,
                       .layers = {8},
                       .projection = "W_o",
                       .prompt = "{} is",
                       .subject = "Oslo",
                       .target = "x"};
  result.loss = {{3, 2, 0.5, 0.5, 0.1}, {1, 0.5, 0.25, 0.25, 0.6}};
  result.before = {{{4, "x", 0.9}}, 0.01};
  result.after = {{{5, "y", 0.8}}, 0.7};
  const Rows rows = Read(MakeTable(result));
  EXPECT_THAT(Column(rows, "measure"), ElementsAre("loss", "loss", "before", "after"));
  EXPECT_THAT(Column(rows, "loss"), ElementsAre("3.0", "1.0", "", ""));
  EXPECT_THAT(Column(rows, "text"), ElementsAre("", "", "x", "y"));
  EXPECT_THAT(Column(rows, "p_target"), ElementsAre("", "", "0.01", "0.7"));
}

TEST(ResultTablesTest, LreHasARowPerTrialAndLayerAndSaysWhatWasSkipped) {
  LreResult result{.options = kOptions};
  RelationResult relation{.name = "r", .kind = "factual", .pattern = "{} is", .samples = 9};
  relation.trials = {
      {.known = 8,
       .by_layer = {{.layer = kEmbedLayer, .faithfulness = 25}, {.layer = 0, .faithfulness = 50}}},
      {.skipped = "too few"}};
  result.relations = {relation};
  result.skipped = {{"s", "factual", "no sample"}};
  const Rows rows = Read(MakeTable(result));
  EXPECT_THAT(Column(rows, "layer"), ElementsAre("embed", "0", "", ""));
  EXPECT_THAT(Column(rows, "faithfulness"), ElementsAre("25.0", "50.0", "", ""));
  EXPECT_THAT(Column(rows, "trial"), ElementsAre("0", "0", "1", ""));
  EXPECT_THAT(Column(rows, "skipped"), ElementsAre("", "", "too few", "no sample"));
  EXPECT_THAT(Column(rows, "name"), ElementsAre("r", "r", "r", "s"));
}

TEST(ResultTablesTest, MomentsHaveARowPerPointOfConvergence) {
  MomentsResult result{.options = kOptions, .projections = {}, .moments = {}};
  const Place place{Site::kMixerIn, 2};
  result.projections[place] = {"W_a", "W_g"};
  result.moments = {{.place = place, .width = 4, .tokens = 99}};
  EXPECT_THAT(Column(Read(MakeTable(result)), "convergence_tokens"), ElementsAre(""));
  result.moments[0].convergence = {.tokens = {50, 99}, .change = {{}, 0.5}};
  const Rows rows = Read(MakeTable(result));
  EXPECT_THAT(Column(rows, "convergence_change"), ElementsAre("", "0.5"));
  EXPECT_EQ(rows[0].at("projections"), "W_a+W_g");
}

}  // namespace
}  // namespace mambascope
