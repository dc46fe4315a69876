// Sweeps of edits as text, and as a browser draws them.
#include "mambascope/reports/edit_report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "mambascope/experiments/editing/edit_test_support.h"
#include "mambascope/figures/browser_test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

EditSweepResult MakeSweep(const std::vector<RecordResult>& records) {
  return {.options = {{"model", "demo"},
                      {"command", "edit"},
                      {"counterfact", "data/demo/<b>counterfact.json"}},
          .summary = SummarizeSweep(records),
          .records = records};
}

EditSweepResult SmallSweep() { return MakeSweep(SmallSweepRecords()); }

TEST(EditSweepTextTest, ListsLayersByProjectionAndMarksTheBest) {
  EXPECT_EQ(EditSweepText(SmallSweep()),
            "     layer      ES      PS      NS       S\n"
            "  unedited    0.00   25.00   75.00    0.00\n"
            "W_o\n"
            "         2   75.00   75.00   75.00   75.00  * best\n"
            "        10  100.00   25.00  100.00   50.00\n"
            "W_a\n"
            "         2    0.00   50.00   50.00    0.00\n"
            "Percent, means over 4 records. They are too few to tell how often edits do this.\n");
}

TEST(EditSweepTextTest, LeavesLayersOutEvenlyButNeverTheBest) {
  const EditSweepResult sweep = MakeSweep(RealisticSweepRecords(64, 3));
  const std::string text = EditSweepText(sweep);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 64);
  EXPECT_THAT(text, HasSubstr("One layer in 4 is shown"));
  EXPECT_THAT(text, HasSubstr("\n        60 "));
  EXPECT_THAT(text, Not(HasSubstr("\n        62 ")));
  const std::string marked = text.substr(0, text.find("  * best\n"));
  EXPECT_THAT(marked.substr(marked.rfind('\n')),
              testing::StartsWith(fmt::format("\n{:>10} ", sweep.summary.Best()->layer)));
}

// Intervals of no width do not make few records many.
TEST(EditSweepTextTest, SaysThatRecordsWhichAgreeAreTooFew) {
  const std::vector<RecordResult> same(3, SmallSweepRecords()[0]);
  ASSERT_EQ(MakeSweep(same).summary.WidestHalfInterval(), 0);
  EXPECT_THAT(EditSweepText(MakeSweep(same)),
              HasSubstr("means over 3 records. They are too few to tell"));
}

TEST(EditSweepTextTest, SaysThatOneRecordIsNotMany) {
  std::vector<RecordResult> records = SmallSweepRecords();
  records.resize(1);
  records[0].edits[2].scores.paraphrase.success.reset();  // W_a
  const std::string text = EditSweepText(MakeSweep(records));
  EXPECT_THAT(text, HasSubstr("Percent of 1 record. "));
  EXPECT_THAT(text, HasSubstr("         2    0.00       -   50.00       -\n"));
}

TEST(EditSweepTextTest, SaysWhatTheBestEditsModelWrites) {
  std::vector<RecordResult> records = SmallSweepRecords();
  for (RecordResult& record : records) {
    record.pre.texts = {5.7, 0.156};
    for (RecordEdit& edit : record.edits) edit.scores.texts = {6.3, std::nullopt};
  }
  EXPECT_THAT(
      EditSweepText(MakeSweep(records)),
      HasSubstr("\nGenerated texts before and after the best edit: entropy 570.0 to 630.0\n"));
}

// Two layers, of zsRE.
std::vector<RecordResult> ZsreRecords() {
  const auto scores = [](double share) {
    return EditScores{.benchmark = EditBenchmark::kZsre,
                      .rewrite = {.accuracy = 1, .token_accuracy = share},
                      .paraphrase = {.accuracy = 0, .token_accuracy = share / 2},
                      .neighborhood = {.accuracy = 0, .token_accuracy = 0.25}};
  };
  return {
      {MakeRecord(0), scores(0), {MakeEdit("W_o", 1, scores(1)), MakeEdit("W_o", 2, scores(0.5))}}};
}

TEST(EditSweepTextTest, NamesZsresAccuraciesForWhatTheyAre) {
  EXPECT_EQ(EditSweepText(MakeSweep(ZsreRecords())),
            "     layer   rewrite  paraphr. neighbor.         S\n"
            "  unedited      0.00      0.00     25.00      0.00\n"
            "W_o\n"
            "         1    100.00     50.00     25.00     42.86  * best\n"
            "         2     50.00     25.00     25.00     30.00\n"
            "Percent of correct tokens of 1 record. This shows what an edit does, but not how "
            "often.\n");
  std::vector<RecordResult> twice = ZsreRecords();
  twice.push_back(twice[0]);
  const LinePanels panels = EditSweepPanels(MakeSweep(twice)).value();
  EXPECT_EQ(panels.panels[0].name, "edit_rewrite_acc");
  EXPECT_EQ(panels.panels[0].title, "Rewrite accuracy");
  const std::string page = HtmlPage(EditSweepPage(MakeSweep(twice)));
  EXPECT_THAT(page, HasSubstr("rewrite_acc 100.00 [100.0, 100.0], paraphrase_acc 50.00 [50.0, "
                              "50.0], neighborhood_acc 25.00"));
  EXPECT_THAT(page, HasSubstr("share of the new answer"));
  EXPECT_THAT(page, Not(HasSubstr("efficacy")));
}

TEST(EditSweepPanelsTest, HaveACurvePerProjectionAndTheUneditedModel) {
  const LinePanels figure = EditSweepPanels(SmallSweep()).value();
  std::vector<std::string> names;
  for (const LineChart& panel : figure.panels) names.push_back(panel.name);
  EXPECT_THAT(names, ElementsAre("edit_ES", "edit_PS", "edit_NS", "edit_S")) << "as in Figure 6";
  EXPECT_EQ(figure.subtitle, "demo; ROME; 4 records of <b>counterfact.json");
  const LineChart& ps = figure.panels[1];
  EXPECT_THAT(ps.x, ElementsAre("2", "10"));
  EXPECT_THAT(ps.at, ElementsAre(2, 10));
  EXPECT_EQ(ps.domain, std::pair(0.0, 100.0));
  EXPECT_EQ(ps.references.at(0).value, 25);
  EXPECT_EQ(ps.curves[0].name, "W_o");
  EXPECT_THAT(ps.curves[0].values, ElementsAre(75, 25));
  EXPECT_THAT(ps.curves[1].values, ElementsAre(50, std::nullopt)) << "W_a has no layer 10";
  EXPECT_TRUE(ps.curves[0].band[0].has_value());
  EXPECT_FALSE(ps.curves[1].band[1].has_value());
  EXPECT_EQ(
      LinePanelsSpec(figure).at("title").at("subtitle").at(0),
      "demo; ROME; 4 records of <b>counterfact.json; bands: 95% confidence intervals over records");
  const std::vector<LineChart> charts = EditSearchCharts(SmallSweep());
  ASSERT_EQ(charts.size(), 2u);
  EXPECT_THAT(charts[0].curves[0].values, ElementsAre(10, 10));
  EXPECT_THAT(charts[1].curves[0].values, ElementsAre(5, 5)) << "1.5 of 30, in percent";
  EXPECT_EQ(charts[1].domain, std::pair(0.0, 5.0)) << "from 0 on";
}

TEST(EditSweepPageTest, ShowsNumbersInsteadOfSinglePoints) {
  std::vector<RecordResult> records = SmallSweepRecords();
  for (RecordResult& record : records)
    std::erase_if(record.edits, [](const RecordEdit& edit) { return edit.layer == 10; });
  const EditSweepResult sweep = MakeSweep(records);
  EXPECT_FALSE(EditSweepPanels(sweep));
  EXPECT_TRUE(EditSearchCharts(sweep).empty());
  const std::string page = HtmlPage(EditSweepPage(sweep));
  EXPECT_THAT(page, HasSubstr("<dt>W_o, layer 2</dt><dd>S 75.00 ["));
  EXPECT_THAT(page, HasSubstr("<dt>W_a, layer 2</dt><dd>S 0.00, ES 0.00 ["));
  EXPECT_THAT(page, Not(HasSubstr("<section")));
}

TEST(EditSweepPageTest, ListsTheNumbersOfOneRecordInsteadOfDrawing0Or100) {
  std::vector<RecordResult> records = SmallSweepRecords();
  records.resize(1);
  const std::string page = HtmlPage(EditSweepPage(MakeSweep(records)));
  EXPECT_FALSE(EditSweepPanels(MakeSweep(records)));
  EXPECT_THAT(page, HasSubstr("<dt>W_o, layer 2</dt><dd>S 75.00, ES 100.00, PS 50.00, NS 100.00"));
  EXPECT_THAT(page, HasSubstr("<dt>W_o, layer 10</dt>"));
  EXPECT_THAT(page, HasSubstr("edit_passes")) << "passes are no shares";
  EXPECT_THAT(page, HasSubstr("1 record of &lt;b&gt;counterfact.json"));
}

class EditSweepInABrowser : public BrowserTest {};

constexpr char kProbe[] = R"(
setTimeout(() => {
  const count = (figure, what) => document.querySelectorAll(`#figure-${figure} ${what}`).length;
  const figures = [1, 2, 3];
  const bands = figure => [...document.querySelectorAll(`#figure-${figure} g.mark-area > path`)].filter(band => band.getAttribute('d')).length;
  Object.assign(document.documentElement.dataset, {lines: figures.map(figure => count(figure, 'g.mark-line > path')),
                                                   bands: figures.map(bands)});
}, 6000);
)";

TEST_F(EditSweepInABrowser, DrawsFourPanelsAndTwoFiguresOfOddlyNamedProjections) {
  std::vector<RecordResult> records = RealisticSweepRecords(8, 40);
  for (RecordResult& record : records) {
    record.record.subject = "</script>\"\xf0\x9f";
    for (RecordEdit& edit : record.edits) {
      if (edit.projection == "W_g") edit.projection = "</script><i>W[\"g\"].x";
    }
  }
  const std::string dom = Open(HtmlPage(EditSweepPage(MakeSweep(records))), kProbe);
  const std::string root = Root(dom);
  EXPECT_THAT(root, HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(root, HasSubstr("data-lines=\"16,3,3\"")) << "the unedited model is a line, too";
  EXPECT_THAT(root, HasSubstr("data-bands=\"12,0,0\""));
  EXPECT_THAT(dom, HasSubstr("&lt;b&gt;counterfact"));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
