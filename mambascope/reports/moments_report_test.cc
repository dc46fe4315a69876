// moments.json and its figures.
#include "mambascope/reports/moments_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

MomentsResult Report() {
  const Convergence longer{.tokens = {512, 1024, 2048}, .change = {std::nullopt, 3.0, 0.25}},
      shorter{.tokens = {512}, .change = {std::nullopt}};
  return {.options = {{"model", "demo"}},
          .projections = {{{Site::kMixerIn, 2}, {"W_a", "W_g"}},
                          {{Site::kMixerIn, 5}, {"W_a", "W_g"}},
                          {{Site::kMixed, 2}, {"W_o"}}},
          .moments = {{.place = {Site::kMixerIn, 2},
                       .width = 4,
                       .tokens = 600,
                       .documents = 6,
                       .condition = 10,
                       .convergence = shorter},
                      {.place = {Site::kMixerIn, 5},
                       .width = 4,
                       .tokens = 3000,
                       .documents = 30,
                       .condition = 20,
                       .convergence = longer},
                      {.place = {Site::kMixed, 2},
                       .width = 8,
                       .tokens = 7,
                       .documents = 1,
                       .condition = INFINITY,
                       .convergence = {}}}};
}

TEST(MomentsReportTest, WhatIsNoNumberIsNull) {
  const Json json = Json(Report());
  EXPECT_EQ(json["moments"][1]["convergence"][2], Json({{"tokens", 2048}, {"change", 0.25}}));
  EXPECT_TRUE(json["moments"][1]["convergence"][0]["change"].is_null());
  EXPECT_EQ(json["moments"][1]["condition"], 20);
  EXPECT_TRUE(json["moments"][2]["condition"].is_null());
  EXPECT_EQ(json["moments"][2]["projections"], Json({"W_o"}));
}

TEST(MomentsReportTest, TheChartHasACurvePerLayerOverTheLongestRun) {
  const LineChart chart = MomentsChart(Report(), Site::kMixerIn);
  EXPECT_THAT(chart.x, ElementsAre("512", "1024", "2048"));
  EXPECT_THAT(chart.at, ElementsAre(512, 1024, 2048));
  ASSERT_EQ(chart.curves.size(), 2);
  EXPECT_THAT(chart.curves[0].values, ElementsAre(std::nullopt, std::nullopt, std::nullopt));
  EXPECT_THAT(chart.curves[1].values, ElementsAre(std::nullopt, 3.0, 0.25));
  EXPECT_NE(chart.curves[0].colour, chart.curves[1].colour);
  EXPECT_EQ(chart.domain, std::pair(0.0, 1.0));  // a change beyond 1 says no more
  EXPECT_NO_THROW(LineChartSpec(chart));
}

TEST(MomentsReportTest, SitesShareTheirAxis) {
  MomentsResult report = Report();
  report.moments[1].convergence.change = {std::nullopt, 0.3, 0.2};
  report.moments[2].convergence = {.tokens = {512, 1024}, .change = {std::nullopt, 0.7}};
  EXPECT_EQ(MomentsChart(report, Site::kMixerIn).domain, MomentsChart(report, Site::kMixed).domain);
  EXPECT_EQ(MomentsChart(report, Site::kMixerIn).domain->second, 0.8);
}

TEST(MomentsReportTest, ThePageHasAFigureWhereConvergenceWasWatched) {
  const std::string page = HtmlPage(MomentsPage(Report()));
  EXPECT_THAT(page, HasSubstr("moments_mixer_in"));
  EXPECT_THAT(page, testing::Not(HasSubstr("moments_mixed")));
  EXPECT_THAT(page, testing::Not(HasSubstr("not measured")));
}

// As in the result of merged shards.
TEST(MomentsReportTest, SaysThatConvergenceWasNotMeasured) {
  MomentsResult report = Report();
  for (MomentResult& moments : report.moments) moments.convergence = {};
  EXPECT_THAT(HtmlPage(MomentsPage(report)), HasSubstr("not measured: the text is short"));
}

}  // namespace
}  // namespace mambascope
