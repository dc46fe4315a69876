#include "mambascope/reports/mass_edit_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/figures/browser_test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// 1, 10, 100 and 300 edits; the first has no intervals, as one record gives none, and no
// paraphrases.
MassEditResult FourPoints() {
  MassEditResult result{.options = {{"model", "demo"}, {"layers", "<3-7>"}, {"method", "memit"}}};
  for (const int edits : {1, 10, 100, 300}) {
    const double fall = edits / 20.0;
    const auto mean = [&](double value) {
      const std::optional<std::pair<double, double>> interval{{value - 30 / fall / 4, value + 1}};
      return MeasureMean{.mean = value, .interval = edits == 1 ? std::nullopt : interval};
    };
    EditMeans means{.records = 300, .score = {.mean = 94 - fall}};
    means.measures.rewrite.success = mean(100 - fall);
    means.measures.paraphrase.success = mean(95 - fall);
    means.measures.neighborhood.success = mean(90 - fall / 2);
    result.points.push_back({.edits = edits,
                             .means = means,
                             .seconds_per_edit = 0.25,
                             .health = {.weights = {{3, "W_o", 0.5, 10}, {4, "W_o", 2, 16}},
                                        .perplexity = {{10, 10 + fall}}}});
  }
  result.points[0].means.measures.paraphrase.success = {};
  result.points[0].means.score = {};
  result.points[3].health.warnings = {"the perplexity rises"};
  return result;
}

TEST(MassEditChartTest, HasTheMeasuresByTheNumberOfEdits) {
  const LineChart chart = MassEditChart(FourPoints()).value();
  EXPECT_THAT(chart.x, ElementsAre("1", "10", "100", "300"));
  EXPECT_THAT(chart.at, ElementsAre(1, 10, 100, 300));
  EXPECT_EQ(chart.x_scale, LineChart::XScale::kLog);
  EXPECT_EQ(chart.title, "MEMIT edits in layers <3-7>");
  ASSERT_EQ(chart.curves.size(), 4);
  EXPECT_EQ(chart.curves[0].name, "S");
  EXPECT_THAT(chart.curves[0].values, ElementsAre(std::nullopt, 93.5, 89, 79));
  EXPECT_THAT(chart.curves[1].values, ElementsAre(99.95, 99.5, 95, 85));
  EXPECT_EQ(chart.curves[1].band[0], std::nullopt);
  EXPECT_EQ(chart.curves[1].band[2], std::pair(93.5, 96.0));
  EXPECT_EQ(chart.domain, std::pair(0.0, 100.0));
}

TEST(MassEditChartTest, LeavesOutPointsOfOneRecord) {
  MassEditResult result = FourPoints();
  result.points[0].means.records = 1;
  EXPECT_THAT(MassEditChart(result)->x, ElementsAre("10", "100", "300"));
  for (MassEditPoint& point : result.points) point.means.records = 1;
  EXPECT_FALSE(MassEditChart(result));
}

TEST(MassEditPageTest, SaysEveryRowAndDrawsNoneOfOne) {
  MassEditResult result = FourPoints();
  EXPECT_THAT(HtmlPage(MassEditPage(result)),
              HasSubstr("<dt>1 edit</dt><dd>S -, ES 99.95, PS -, NS 89.97; 0.25 s per edit</dd>"));
  EXPECT_THAT(HtmlPage(MassEditPage(result)),
              HasSubstr("<dt>10 edits</dt><dd>S 93.50, ES 99.50 ["));
  EXPECT_THAT(HtmlPage(MassEditPage(result)), HasSubstr("<section"));
  result.points.resize(1);
  EXPECT_THAT(HtmlPage(MassEditPage(result)), Not(HasSubstr("<section")));
}

TEST(MassEditTextTest, HasALineForEachNumberOfEdits) {
  EXPECT_EQ(MassEditText(FourPoints()),
            " edits records      ES      PS      NS       S  perplexity  |change|/|W|\n"
            "     1     300   99.95       -   89.97       -     x 1.005        12.5 %\n"
            "    10     300   99.50   94.50   89.75   93.50     x 1.050        12.5 %\n"
            "   100     300   95.00   90.00   87.50   89.00     x 1.500        12.5 %\n"
            "   300     300   85.00   80.00   82.50   79.00     x 2.500        12.5 %\n"
            "        warning: the perplexity rises\n"
            "Percent, means over all records, each edited in a model with that many edits.\n");
}

class MassEditInABrowser : public BrowserTest {};

TEST_F(MassEditInABrowser, DrawsTheCurve) {
  const std::string dom = Open(HtmlPage(MassEditPage(FourPoints())));
  EXPECT_THAT(Root(dom), HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(dom, HasSubstr("<dt>layers</dt><dd>&lt;3-7&gt;</dd>"));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
