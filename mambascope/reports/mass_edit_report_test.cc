#include "mambascope/reports/memit_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/figures/browser_test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// 1, 10, 100 and 300 edits; the first has no intervals, as one record gives none, and no paraphrases.
MemitCurve SmallCurve() {
  MemitCurve curve{.options = {{"model", "demo"}, {"layers", "<3-7>"}}, .rows = {}};
  for (const int edits : {1, 10, 100, 300}) {
    const double fall = edits / 20.0;
    Json row = {{"edits", edits},      {"ES", 100 - fall}, {"PS", 95 - fall},
                {"NS", 90 - fall / 2}, {"S", 94 - fall},   {"seconds_per_edit", 0.25}};
    for (const char* key : {"ES", "PS", "NS"}) {
      const double mean = row[key].get<double>();
      row["ci95"][key] = edits == 1 ? Json() : Json({mean - 30 / fall / 4, mean + 1});
    }
    curve.rows.push_back(row);
  }
  curve.rows[0].update({{"PS", nullptr}, {"S", nullptr}});
  return curve;
}

TEST(MemitChartTest, HasTheMeasuresByTheNumberOfEdits) {
  const LineChart chart = MemitChart(SmallCurve());
  EXPECT_THAT(chart.x, ElementsAre("1", "10", "100", "300"));
  ASSERT_EQ(chart.curves.size(), 4);
  EXPECT_EQ(chart.curves[0].name, "S");
  EXPECT_THAT(chart.curves[0].values, ElementsAre(std::nullopt, 93.5, 89, 79));
  EXPECT_THAT(chart.curves[1].values, ElementsAre(99.95, 99.5, 95, 85));
  EXPECT_EQ(chart.curves[1].band[0], std::nullopt);
  EXPECT_EQ(chart.curves[1].band[2], std::pair(93.5, 96.0));
  EXPECT_EQ(chart.domain, std::pair(0.0, 100.0));
}

TEST(MemitPageTest, SaysEveryRowAndDrawsNoneOfOne) {
  MemitCurve curve = SmallCurve();
  EXPECT_THAT(MemitPage(curve), HasSubstr("<dt>1 edit</dt><dd>S -, ES 99.95, PS -, NS 89.97; 0.25 s per edit</dd>"));
  EXPECT_THAT(MemitPage(curve), HasSubstr("<section"));
  curve.rows.resize(1);
  EXPECT_THAT(MemitPage(curve), Not(HasSubstr("<section")));
}

class MemitInABrowser : public BrowserTest {};

TEST_F(MemitInABrowser, DrawsTheCurve) {
  const std::string dom = Open(MemitPage(SmallCurve()));
  EXPECT_THAT(Root(dom), HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(dom, HasSubstr("layers=&lt;3-7&gt;"));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
