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

Json Top(const std::vector<std::pair<std::string, double>>& tokens) {
  Json top = Json::array();
  for (const auto& [text, prob] : tokens) top.push_back({{"id", 7}, {"text", text}, {"prob", prob}});
  return top;
}

// A search of `passes`, its loss falling from 5 to 0.04.
OneEdit SmallEdit(int passes) {
  Json steps = Json::array();
  for (int s = 0; s < passes; ++s) {
    const double nll = 5 * std::exp(-0.42 * s), kl = 0.02 * s / passes, decay = 0.01 * std::sqrt(s);
    steps.push_back({{"loss", nll + kl + decay}, {"nll", nll}, {"kl", kl}, {"decay", decay}, {"p", std::exp(-nll)}});
  }
  const std::vector<std::pair<std::string, double>> before = {{" Seattle", 0.9375}, {" downtown", 0.03}, {"\n", 0.0125},
                                                              {" W", 0.01},         {" the", 0.005},     {" a", 0.001}};
  return {.options = {{"model", "demo"}, {"command", "edit"}},
          .edit = {{"layer", 5},
                   {"projection", "W_o"},
                   {"prompt", "The {} is in the city of"},
                   {"subject", "Space <b>Needle</b>"},
                   {"target", " Rome"},
                   {"loss", steps},
                   {"stopped", "loss"},
                   {"change_norm", 1.5},
                   {"weight_norm", 30},
                   {"v0_norm", 8},
                   {"delta_norm", 12},
                   {"before", {{"top", Top(before)}, {"p_target", 2e-6}}},
                   {"after", {{"top", Top({{" Rome", 0.975}, {" \u65e5\u672c", 0.0125}})}, {"p_target", 0.975}}},
                   {"perplexity", {{"text", "data/demo/text.txt"}, {"before", 12.25}, {"after", 12.5}}},
                   {"warnings", {"the change is large:\n5 % of |W|"}}}};
}

TEST(EditTextTest, PutsBeforeAndAfterSideBySide) {
  const std::string text = EditText(SmallEdit(12));
  EXPECT_THAT(text, testing::StartsWith("The Space <b>Needle</b> is in the city of -> \u00b7Rome   (W_o, layer 5)\n"));
  EXPECT_THAT(text, HasSubstr("\u00b7Seattle               0.9375    \u00b7Rome                   0.975\n"));
  EXPECT_THAT(text, HasSubstr("\u00b7downtown                0.03    \u00b7\u65e5\u672c                    0.0125\n"));
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

TEST(EditTextTest, LeavesOutAPerplexityThatIsNotKnown) {
  OneEdit edit = SmallEdit(1);
  edit.edit["perplexity"] = nullptr;
  EXPECT_THAT(EditText(edit), Not(HasSubstr("perplexity")));
  EXPECT_THAT(EditPage(edit), Not(HasSubstr("<dt>perplexity")));
  EXPECT_THAT(EditPage(SmallEdit(1)), HasSubstr("<dt>perplexity</dt><dd>12.25 to 12.5 (data/demo/text.txt)</dd>"));
}

TEST(EditChartsTest, HaveTheLossAndItsPartsByPass) {
  const OneEdit edit = SmallEdit(3);
  const std::vector<LineChart> charts = EditCharts(edit);
  ASSERT_EQ(charts.size(), 2);
  EXPECT_THAT(charts[0].x, ElementsAre("1", "2", "3"));
  std::vector<std::string> names;
  for (const Curve& curve : charts[0].curves) names.push_back(curve.name);
  EXPECT_THAT(names, ElementsAre("nll", "kl", "decay", "loss"));
  EXPECT_EQ(charts[0].curves[2].values[2], edit.edit["loss"][2]["decay"].get<double>());
  EXPECT_EQ(charts[1].curves[0].values[1], edit.edit["loss"][1]["p"].get<double>());
}

TEST(EditChartsTest, AreNoneOfASinglePass) {
  EXPECT_TRUE(EditCharts(SmallEdit(1)).empty());
  EXPECT_THAT(EditText(SmallEdit(1)), HasSubstr("1 pass, stopped by loss"));
  EXPECT_THAT(EditPage(SmallEdit(1)), Not(HasSubstr("<section")));
}

class EditInABrowser : public BrowserTest {};

TEST_F(EditInABrowser, DrawsTheSearchAndShowsTextAsText) {
  const std::string dom = Open(EditPage(SmallEdit(12)));
  EXPECT_THAT(Root(dom), HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(dom, HasSubstr("<h1>Edit: The Space &lt;b&gt;Needle&lt;/b&gt; is in the city of -&gt; \u00b7Rome</h1>"));
  EXPECT_THAT(dom, HasSubstr("id=\"figure-2\""));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
