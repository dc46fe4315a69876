// The page of results of any commands, on results made up by hand.
#include "mambascope/reports/report_page.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "mambascope/experiments/editing/edit_json.h"  // other tests of this folder convert, too
#include "mambascope/experiments/editing/edit_test_support.h"
#include "mambascope/experiments/knockout/knockout_test_support.h"
#include "mambascope/experiments/lre/lre_json.h"
#include "mambascope/figures/browser_test_support.h"
#include "mambascope/figures/data_table.h"
#include "mambascope/reports/traced_fact_test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr char kHostileSubject[] = "</script><img src=x onerror=alert(1)>";

// Facts of three tokens in two layers. At the subject, layer 0 brings p(answer) to `restored`.
TraceResult ReportedTrace(const std::string& model, Site site,
                          const std::vector<std::string>& subjects, double restored = 0.375) {
  TraceResult result{
      .options = {{"command", "trace"}, {"model", model}}, .site = site, .facts = {}};
  for (const std::string& subject : subjects)
    result.facts.push_back({.fact = MakeTracedFact(subject),
                            .probs = {{restored, 0.3125}, {0.25, 0.25}, {0.25, 0.4375}}});
  result.summary = SummarizeTraces(result.facts);
  return result;
}

// What the output projection adds.
TraceResult ReportedIsolation() {
  TraceResult result = ReportedTrace("tiny", Site::kMixerOut, {"Paris", "Oslo"});
  for (FactTrace& trace : result.facts) {
    trace.ssm_out = {{0.3125, 0.25}, {0.25, 0.25}, {0.25, 0.25}};
    trace.gate = {{0.25, 0.25}, {0.25, 0.25}, {0.25, 0.375}};
  }
  result.summary = SummarizeTraces(result.facts);
  return result;
}

PathsResult ReportedPaths() {
  PathsResult result{.options = {{"command", "paths"}, {"model", "tiny"}},
                     .at = "subject_last",
                     .conditions = {"recovery", "gate"},
                     .facts = {}};
  for (const char* subject : {"Paris", "Oslo"})
    result.facts.push_back({.fact = MakeTracedFact(subject),
                            .conditions = result.conditions,
                            .probs = {{0.375, 0.5}, {0.25, 0.375}}});
  result.average = AveragePaths(result.facts);
  return result;
}

EditSweepResult ReportedSweep() {
  return {.options = {{"model", "tiny"}},
          .summary = SummarizeSweep(SmallSweepRecords()),
          .records = SmallSweepRecords()};
}

MassEditResult ReportedMassEdit() {
  MassEditResult result{.options = {{"model", "tiny"}}};
  for (const int edits : {1, 10}) {
    result.points.push_back({.edits = edits, .means = {.records = 10}});
    result.points.back().means.score.mean = 95.0 - edits;
    result.points.back().means.measures.rewrite.success.mean = 100.0 - edits;
  }
  return result;
}

OneEditResult ReportedEdit() {
  OneEditResult edit{.options = {{"model", "tiny"}},
                     .layers = {5},
                     .projection = "W_o",
                     .prompt = "The {} is in",
                     .subject = "Louvre",
                     .target = " Rome",
                     .stopped = "loss",
                     .before = {.top = {{1, " Paris", 0.9}}, .p_target = 0.01},
                     .after = {.top = {{2, " Rome", 0.95}}, .p_target = 0.95, .says_target = true},
                     .health = {.weights = {{5, "W_o", 1.5, 30}}},
                     .perplexity_text = {}};
  for (const double p : {0.1, 0.5, 0.9}) edit.loss.push_back({2 - p, 1 - p, 0.5, 0.5, p});
  return edit;
}

LreResult ReportedRelations() {
  std::vector<RelationResult> relations;
  for (const int objects : {2, 10}) {
    const LreMeans means{.faithfulness = {90.0 - objects}, .causality = {20}, .identity = {3}};
    relations.push_back({.name = "relation " + std::to_string(objects),
                         .kind = "factual",
                         .range = objects,
                         .chance = 100.0 / objects,
                         .layer = 3,
                         .causal_layer = 3,
                         .chosen = means,
                         .by_layer = {{2, LreMeans()}, {3, means}}});
  }
  return MakeLreResult({{"model", "tiny"}}, relations);
}

AttentionResult ReportedAttention() {
  const at::Tensor mean = at::tensor({1.0, 0.0, -0.25, 2.0}).reshape({2, 2}).to(at::kFloat),
                   absolute = mean.abs();
  return {.options = {{"model", "tiny"}},
          .ids = {4, 9},
          .texts = {" a", "b"},
          .layers = {{.layer = 3,
                      .channels = 8,
                      .mean = mean,
                      .absolute = absolute,
                      .normalised = absolute / absolute.sum(1, true),
                      .channel = {}}}};
}

MomentsResult ReportedMoments() {
  const Place place{Site::kMixed, 2};
  return {.options = {{"model", "tiny"}},
          .projections = {{place, {"W_o"}}},
          .moments = {
              {.place = place,
               .width = 4,
               .tokens = 2048,
               .documents = 6,
               .condition = 10,
               .convergence = {.tokens = {512, 1024, 2048}, .change = {std::nullopt, 0.5, 0.25}}}}};
}

// A result of this command.
ResultFile FileOf(const std::string& command, AnyResult result) {
  return {.file = command + ".json",
          .result = std::move(result),
          .runs = {Json({{"command", command},
                         {"model", "tiny"},
                         {"arguments", {command, "--prompt", kHostileSubject}}})}};
}

std::vector<ResultFile> FilesOfAllKinds() {
  return {FileOf("trace", TraceResults{{ReportedTrace("tiny", Site::kResid, {"Paris", "Oslo"})}}),
          FileOf("paths", PathsResults{{ReportedPaths()}}),
          FileOf("trace", TraceResults{{ReportedIsolation()}}),
          FileOf("edit", ReportedSweep()),
          FileOf("edit", ReportedMassEdit()),
          FileOf("edit", ReportedEdit()),
          FileOf("lre", ReportedRelations()),
          FileOf("knockout", std::vector<KnockoutResult>{WithSummary(MakeKnockouts("tiny", 3))}),
          FileOf("attention", ReportedAttention()),
          FileOf("moments", ReportedMoments())};
}

std::vector<std::string> ChapterNames(const Page& page) {
  std::vector<std::string> names;
  for (const Chapter& chapter : page.chapters) names.push_back(chapter.heading);
  return names;
}

TEST(ReportPageTest, ChaptersHaveThePublishedOrder) {
  std::vector<ResultFile> files = FilesOfAllKinds();
  EXPECT_THAT(
      ChapterNames(ReportPage(files)),
      ElementsAre("Causal tracing", "Path-specific effects", "What the output projection adds",
                  "Edits", "Linear relational embeddings", "Knockout",
                  "Attention and hidden attention", "Second moments"));
  const std::vector<std::string> names = ChapterNames(ReportPage(files));
  std::reverse(files.begin(), files.end());
  EXPECT_EQ(ChapterNames(ReportPage(files)), names);
}

TEST(ReportPageTest, EveryFigureHasAFinding) {
  const Page page = ReportPage(FilesOfAllKinds());
  for (const Chapter& chapter : page.chapters) {
    EXPECT_THAT(chapter.rows, Not(SizeIs(0))) << chapter.heading;
    for (const std::vector<Figure>& row : chapter.rows) {
      for (const Figure& figure : row)
        EXPECT_THAT(figure.finding + figure.range, HasSubstr("."))
            << chapter.heading << ": " << figure.heading;
    }
  }
}

TEST(ReportPageTest, EveryFigureHasTheCommandOfItsResult) {
  const Page page = ReportPage(FilesOfAllKinds());
  const std::vector<std::string> commands = {"trace", "paths",    "trace",     "edit",
                                             "lre",   "knockout", "attention", "moments"};
  ASSERT_EQ(page.chapters.size(), commands.size());
  for (size_t c = 0; c < commands.size(); ++c) {
    for (const std::vector<Figure>& row : page.chapters[c].rows) {
      for (const Figure& figure : row)
        EXPECT_THAT(figure.command, HasSubstr("mambascope " + commands[c] + " --prompt"))
            << figure.heading;
    }
  }
  EXPECT_THAT(HtmlPage(page), HasSubstr("<pre>mambascope knockout --prompt "));
}

TEST(ReportPageTest, FiguresOfOneNameStandInOneRow) {
  const std::vector<std::string> subjects = {"Paris", "Oslo"};
  const Page page =
      ReportPage({FileOf("trace", TraceResults{{ReportedTrace("a", Site::kResid, subjects)}}),
                  FileOf("trace", TraceResults{{ReportedTrace("a", Site::kGate, subjects)}}),
                  FileOf("trace", TraceResults{{ReportedTrace("b", Site::kResid, subjects)}})});
  ASSERT_THAT(page.chapters, SizeIs(1));
  const auto& rows = page.chapters[0].rows;
  ASSERT_THAT(rows, SizeIs(4)) << "a heat map and curves of each site";
  ASSERT_THAT(rows[0], SizeIs(2));
  EXPECT_THAT(rows[0][0].of, HasSubstr("(a)"));
  EXPECT_THAT(rows[0][1].of, HasSubstr("(b)"));
  EXPECT_EQ(rows[0][0].spec["name"], rows[0][1].spec["name"]);
  EXPECT_THAT(rows[1], SizeIs(2));
  EXPECT_THAT(rows[2], SizeIs(1));
}

TEST(ReportPageTest, ChangedNumbersChangeTheFindings) {
  const auto rows = [](double restored) {
    return ReportPage({FileOf("trace", TraceResults{{ReportedTrace("tiny", Site::kResid,
                                                                   {"Paris", "Oslo"}, restored)}})})
        .chapters.at(0)
        .rows;
  };
  const auto before = rows(0.375), after = rows(0.5);
  EXPECT_THAT(before[0][0].finding, HasSubstr("0.50"));
  EXPECT_THAT(after[0][0].finding, HasSubstr("1.00"));
  EXPECT_NE(before[1][0].range, after[1][0].range) << "the curves' largest value";
}

// TraceFinding is empty where no fact qualifies, and here it is so for both sites.
// The findings of each chapter, at the top.
TEST(ReportPageTest, BeginsWithWhatTheResultsSay) {
  const Page page =
      ReportPage({FileOf("trace", TraceResults{{ReportedTrace("a", Site::kResid, {"Paris"})}}),
                  FileOf("paths", PathsResults{{ReportedPaths()}})});
  ASSERT_EQ(page.info.summary.size(), 3u);
  EXPECT_EQ(page.info.summary[0].first, "models");
  for (size_t i = 0; i < page.chapters.size(); ++i) {
    EXPECT_EQ(page.info.summary[i + 1].first, page.chapters[i].heading);
    EXPECT_EQ(page.info.summary[i + 1].second, page.chapters[i].rows[0][0].finding);
  }
}

TEST(ReportPageTest, EmptyFindingsAreReplaced) {
  TraceResult resid = ReportedTrace("tiny", Site::kResid, {"Paris"}), gate = resid;
  for (TraceResult* result : {&resid, &gate}) {
    result->facts[0].fact.p_corrupt = 0.5;
    result->summary = SummarizeTraces(result->facts);
  }
  gate.site = Site::kGate;
  const Page page = ReportPage({FileOf("trace", TraceResults{{resid, gate}})});
  EXPECT_THAT(page.chapters.at(0).rows.at(0).at(0).range, HasSubstr("The largest value of"));
}

// An edit of a single pass has nothing to draw.
TEST(ReportPageTest, AResultWithoutFiguresIsATable) {
  OneEditResult edit = ReportedEdit();
  edit.loss.resize(1);
  const Chapter chapter = ReportPage({FileOf("edit", edit)}).chapters.at(0);
  EXPECT_THAT(chapter.rows, SizeIs(0));
  ASSERT_THAT(chapter.tables, SizeIs(1));
  EXPECT_THAT(chapter.tables[0].caption, HasSubstr("The model now says the target."));
}

TEST(ReportPageTest, NamesModelsAndFiles) {
  std::vector<ResultFile> files = FilesOfAllKinds();
  files[1].runs[0]["model"] = "models/large";
  const Page page = ReportPage(files);
  EXPECT_EQ(page.info.title, "Report: tiny, large");
  ASSERT_THAT(page.tables, SizeIs(1));
  EXPECT_EQ(page.tables[0].rows.at(0).cells.at(0), "trace.json");
  EXPECT_THAT(page.tables[0].rows.at(1).cells.at(1), HasSubstr("Path-specific effects"));
}

DataTable TableOfEffects(const std::vector<std::optional<double>>& effects) {
  DataTable table{.keys = {"token", "layer"}, .value = "effect"};
  for (size_t i = 0; i < effects.size(); ++i)
    table.rows.push_back({.keys = {"t" + std::to_string(i), "0"}, .value = effects[i]});
  return table;
}

std::string ExtremesOf(const std::vector<std::optional<double>>& effects) {
  return ExtremesFinding(WithTable(Json::object(), TableOfEffects(effects)));
}

TEST(ExtremesFindingTest, NamesTheLargestAndTheSmallestValue) {
  EXPECT_EQ(ExtremesOf({0.25, std::nullopt, -1.5, 0.125}),
            "The largest value of effect is 0.25 (token t0, layer 0). The smallest is -1.5 (token "
            "t2, layer 0).");
  EXPECT_EQ(ExtremesOf({0.25, 12.3456}),
            "The largest value of effect is 12.3 (token t1, layer 0). The smallest is 0.25 (token "
            "t0, layer 0).");
}

TEST(ExtremesFindingTest, SaysThatAllValuesAreEqual) {
  EXPECT_EQ(ExtremesOf({0.25, std::nullopt, 0.25}), "All values of effect are 0.25.");
}

TEST(ExtremesFindingTest, IsEmptyForFewerThanTwoValues) {
  EXPECT_EQ(ExtremesOf({0.25, std::nullopt}), "");
  EXPECT_EQ(ExtremesOf({std::nullopt, std::nullopt}), "");
  EXPECT_EQ(ExtremesOf({}), "");
  EXPECT_EQ(ExtremesFinding(Json::object()), "");
}

// Several facts for the fact browser, and one whose prompt is the heading of a figure.
Page HostilePage() {
  return ReportPage(
      {FileOf("trace",
              TraceResults{{ReportedTrace("tiny", Site::kResid, {kHostileSubject, "Oslo"})}}),
       FileOf("trace", TraceResults{{ReportedTrace("tiny", Site::kResid, {kHostileSubject})}})});
}

TEST(ReportPageTest, HostileTextStaysText) {
  const std::string page = HtmlPage(HostilePage());
  const std::string own = page.substr(0, page.find("<!-- vega"));
  EXPECT_THAT(own, Not(HasSubstr("<img")));
  EXPECT_THAT(own, HasSubstr("<pre>mambascope trace --prompt &#39;&lt;/script&gt;&lt;img src=x"));
  EXPECT_THAT(own, HasSubstr("<h2>p(answer): &lt;/script&gt;&lt;img src=x"));
  const std::string facts = own.substr(own.find("<div class=\"chapter\" id=\"facts\">"));
  EXPECT_THAT(facts, HasSubstr("\"prompt\":\"\\u003c/script>\\u003cimg src=x onerror=alert(1)> "
                               "is in\""));
  EXPECT_THAT(facts, HasSubstr("\"tokens\":[\"\\u003c/script>\\u003cimg src=x"));
}

class ReportInABrowser : public BrowserTest {};

constexpr char kReportProbe[] = R"(
setTimeout(() => {
  const [made, specification] = document.querySelectorAll('#figure-1 details');
  made.open = specification.open = true;
  setTimeout(() => Object.assign(document.documentElement.dataset, {
    facts: document.querySelector('#facts').dataset.state,
    images: document.querySelectorAll('img').length,
    command: made.querySelector('pre').textContent,
    specification: specification.querySelector('pre').textContent.startsWith('{')
  }), 1000);
}, 4000);
)";

TEST_F(ReportInABrowser, DrawsHostileTextAsText) {
  const std::string root = Root(Open(HtmlPage(HostilePage()), kReportProbe));
  EXPECT_THAT(root, HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(root, HasSubstr("data-facts=\"drawn\""));
  EXPECT_THAT(root, HasSubstr("data-images=\"0\""));
}

TEST_F(ReportInABrowser, FoldsCommandAndSpecificationOut) {
  const std::string page = HtmlPage(ReportPage(FilesOfAllKinds()));
  const std::string root = Root(Open(page, kReportProbe));
  EXPECT_THAT(root, HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(root, HasSubstr("data-command=\"mambascope trace --prompt "));
  EXPECT_THAT(root, HasSubstr("data-specification=\"true\""));
}

}  // namespace
}  // namespace mambascope
