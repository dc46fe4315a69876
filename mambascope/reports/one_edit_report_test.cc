#include "mambascope/reports/one_edit_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/figures/browser_test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<TokenProbability> Top(const std::vector<std::pair<std::string, double>>& tokens) {
  std::vector<TokenProbability> top;
  for (const auto& [text, prob] : tokens) top.push_back({7, text, prob});
  return top;
}

// A search of `passes`, its loss falling from 5 to 0.04.
OneEditResult SmallEdit(int passes) {
  OneEditResult edit{
      .options = {{"model", "demo"}, {"command", "edit"}},
      .layers = {5},
      .projection = "W_o",
      .prompt = "The {} is in the city of",
      .subject = "Space <b>Needle</b>",
      .target = " Rome",
      .stopped = "loss",
      .v0_norm = 8,
      .delta_norm = 12,
      .before = {.top = Top({{" Seattle", 0.9375},
                             {" downtown", 0.03},
                             {"\n", 0.0125},
                             {" W", 0.01},
                             {" the", 0.005},
                             {" a", 0.001}}),
                 .p_target = 2e-6},
      .after = {.top = Top({{" Rome", 0.975}, {" \u65e5\u672c", 0.0125}}), .p_target = 0.975},
      .health = {.weights = {{5, "W_o", 1.5, 30}},
                 .perplexity = {{12.25, 12.5}},
                 .warnings = {"the change is large:\n5 % of |W|"}},
      .perplexity_text = "data/demo/text.txt"};
  for (int s = 0; s < passes; ++s) {
    const double nll = 5 * std::exp(-0.42 * s), kl = 0.02 * s / passes, decay = 0.01 * std::sqrt(s);
    edit.loss.push_back({nll + kl + decay, nll, kl, decay, std::exp(-nll)});
  }
  return edit;
}

TEST(EditTextTest, PutsBeforeAndAfterSideBySide) {
  const std::string text = EditText(SmallEdit(12));
  EXPECT_THAT(text,
              testing::StartsWith(
                  "The Space <b>Needle</b> is in the city of -> \u00b7Rome   (W_o, layer 5)\n"));
  EXPECT_THAT(
      text,
      HasSubstr("\u00b7Seattle               0.9375    \u00b7Rome                   0.975\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "\u00b7downtown                0.03    \u00b7\u65e5\u672c                    0.0125\n"));
  EXPECT_THAT(text, HasSubstr("\n\\n                     0.0125    "));
  EXPECT_THAT(text, HasSubstr("\u00b7the                    0.005    "));
  EXPECT_THAT(text, Not(HasSubstr("0.001"))) << "the sixth";
}

TEST(EditTextTest, SaysWhatTheEditTook) {
  const std::string text = EditText(SmallEdit(12));
  EXPECT_THAT(text, HasSubstr("p(target)      2e-06 to 0.975\n"));
  EXPECT_THAT(text, HasSubstr("value search   12 passes, stopped by loss; loss 5 to 0.1008\n"));
  EXPECT_THAT(text, HasSubstr("|change|/|W|   5 %\n"));
  EXPECT_THAT(text, HasSubstr("perplexity     12.25 to 12.5\n"));
  EXPECT_THAT(text, HasSubstr("warning: the change is large:\\n5 % of |W|\n"));
}

TEST(EditTextTest, ThePageSaysWhatThePerplexityIsOf) {
  EXPECT_THAT(HtmlPage(EditPage(SmallEdit(1))),
              HasSubstr("<dt>perplexity</dt><dd>12.25 to 12.5 (data/demo/text.txt)</dd>"));
}

TEST(EditTextTest, SaysThatWithoutATextThereIsNoPerplexity) {
  OneEditResult edit = SmallEdit(1);
  edit.health.perplexity.reset();
  edit.perplexity_text = "";
  EXPECT_THAT(EditText(edit),
              HasSubstr("perplexity     not measured, because no text was given\n"));
  EXPECT_THAT(HtmlPage(EditPage(edit)),
              HasSubstr("<dt>perplexity</dt><dd>not measured, because no text was given</dd>"));
}

// A paraphrase that says the target, and two neighbors, of which the edit changed one.
OneEditResult CheckedEdit() {
  OneEditResult edit = SmallEdit(1);
  const auto next = [](int64_t id, const char* text) {
    return NextTokens{.top = {{id, text, 0.75}}, .p_target = 0.5, .says_target = id == 2};
  };
  edit.checks = {{.prompt = {CheckKind::kParaphrase, "People see the Space <b>Needle</b> in"},
                  .before = next(1, " Seattle"),
                  .after = next(2, " Rome")},
                 {.prompt = {CheckKind::kNeighbor, "The Reichstag is in the city of", "Berlin"},
                  .before = next(3, " Berlin"),
                  .after = next(2, " Rome")},
                 {.prompt = {CheckKind::kNeighbor, "The Kremlin is in the city of", "Moscow"},
                  .before = next(4, " Moscow"),
                  .after = next(4, " Moscow")}};
  return edit;
}

TEST(EditTextTest, MarksThePromptsThatTheEditChanged) {
  const std::string text = EditText(CheckedEdit());
  EXPECT_THAT(text, HasSubstr("* People see the {} in                      \u00b7Seattle 0.75    "
                              " \u00b7Rome 0.75\n"));
  EXPECT_THAT(text, HasSubstr("* Reichstag                                 \u00b7Berlin 0.75"));
  EXPECT_THAT(text, HasSubstr("\n  Kremlin                                   \u00b7Moscow 0.75"));
  EXPECT_THAT(text, HasSubstr("  1 of 1 paraphrase says the target (0 before the edit)\n"));
  EXPECT_THAT(text,
              HasSubstr("  1 of 2 neighbors gives another answer; 1 says the target (0 before "
                        "the edit)\n"));
}

TEST(EditTextTest, ThePageHasATableOfThePrompts) {
  const std::string page = HtmlPage(EditPage(CheckedEdit()));
  EXPECT_THAT(page, HasSubstr("<h2>Paraphrases</h2>"));
  EXPECT_THAT(page,
              HasSubstr("<tr class=\"marked\"><td>The Reichstag is in the city of</td><td>"
                        "\u00b7Berlin 0.75</td><td>\u00b7Rome 0.75</td><td>0.5</td><td>0.5</td>"));
  EXPECT_THAT(page, HasSubstr("<tr><td>The Kremlin is in the city of</td>"));
  EXPECT_THAT(page, HasSubstr("People see the Space &lt;b&gt;Needle&lt;/b&gt; in"));
  EXPECT_THAT(HtmlPage(EditPage(SmallEdit(1))), Not(HasSubstr("<th>")));
}

TEST(EditTextTest, SaysHowManyLayersAreEdited) {
  OneEditResult edit = SmallEdit(1);
  edit.layers = {3, 4, 5};
  EXPECT_THAT(EditText(edit), HasSubstr("(W_o, 3 layers up to 5)"));
}

TEST(EditChartsTest, HaveTheLossAndItsPartsByPass) {
  const OneEditResult edit = SmallEdit(3);
  const std::vector<LineChart> charts = EditCharts(edit);
  ASSERT_EQ(charts.size(), 2);
  EXPECT_THAT(charts[0].x, ElementsAre("1", "2", "3"));
  EXPECT_THAT(charts[0].subtitle, HasSubstr("demo; The Space <b>Needle</b> is in the city of"));
  std::vector<std::string> names;
  for (const Curve& curve : charts[0].curves) names.push_back(curve.name);
  EXPECT_THAT(names, ElementsAre("nll", "kl", "decay", "loss"));
  EXPECT_EQ(charts[0].curves[2].values[2], edit.loss[2].decay);
  EXPECT_EQ(charts[1].curves[0].values[1], edit.loss[1].p);
}

TEST(EditChartsTest, AreNoneOfASinglePass) {
  EXPECT_TRUE(EditCharts(SmallEdit(1)).empty());
  EXPECT_THAT(EditText(SmallEdit(1)), HasSubstr("1 pass, stopped by loss"));
  EXPECT_THAT(HtmlPage(EditPage(SmallEdit(1))), Not(HasSubstr("<section")));
}

class EditInABrowser : public BrowserTest {};

TEST_F(EditInABrowser, DrawsTheSearchAndShowsTextAsText) {
  const std::string dom = Open(HtmlPage(EditPage(SmallEdit(12))));
  EXPECT_THAT(Root(dom), HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(
      dom,
      HasSubstr(
          "<h1>Edit of W_o, layer 5: The Space &lt;b&gt;Needle&lt;/b&gt; is in the city of -&gt; "
          "\u00b7Rome (demo)</h1>"));
  EXPECT_THAT(dom, HasSubstr("id=\"figure-2\""));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
