#include "mambascope/figures/dot_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "mambascope/error.h"
#include "mambascope/figures/browser_test_support.h"
#include "mambascope/figures/page.h"

namespace mambascope {
namespace {

using testing::HasSubstr;
using testing::Not;

DotPlot RelationDots() {
  return {.name = "relations",
          .title = "RelationDots",
          .row_title = "relation",
          .value_title = "faithfulness",
          .rows = {"capital", "sport"},
          .series = {{.name = "LRE", .values = {60, 90}, .spreads = {4, std::nullopt}},
                     {.name = "chance", .values = {5, 20}, .is_reference = true},
                     {.name = "identity", .values = {std::nullopt, 10}}},
          .domain = {0, 100}};
}

TEST(DotPlotTest, HoldsEveryValue) {
  const Json spec = DotPlotSpec(RelationDots()), &dots = spec["data"]["values"];
  ASSERT_EQ(dots.size(), 6u);
  EXPECT_EQ(
      dots[0],
      (Json{{"series", 2}, {"row", 0}, {"value", nullptr}, {"spread", nullptr}, {"tick", false}}));
  EXPECT_EQ(dots[2],
            (Json{{"series", 1}, {"row", 0}, {"value", 5.0}, {"spread", nullptr}, {"tick", true}}));
  EXPECT_EQ(dots[4]["spread"], 4);
  EXPECT_EQ(
      dots[5],
      (Json{{"series", 0}, {"row", 1}, {"value", 90.0}, {"spread", nullptr}, {"tick", false}}))
      << "over the others";
  EXPECT_EQ(spec["encoding"]["x"]["scale"]["domain"], (Json{0.0, 100.0}));
}

TEST(DotPlotTest, ColoursDotsInTurnAndReferencesGrey) {
  const Json colours = DotPlotSpec(RelationDots())["encoding"]["color"]["scale"]["range"];
  EXPECT_EQ(colours, (Json{{{"expr", "dark ? '#56b4e9' : '#0072b2'"}},
                           "#85858d",
                           {{"expr", "dark ? '#f58a3c' : '#c94f00'"}}}));
}

TEST(DotPlotTest, RefusesAPlotThatDoesNotFitItself) {
  const std::vector<std::pair<std::function<void(DotPlot&)>, std::string>> spoilers = {
      {[](DotPlot& p) { p.rows.clear(); }, "no dots"},
      {[](DotPlot& p) { p.series.clear(); }, "no dots"},
      {[](DotPlot& p) { p.series[1].values.pop_back(); },
       "series \"chance\": the number of values is 1; expected 2"},
      {[](DotPlot& p) { p.series[0].spreads.pop_back(); },
       "the number of spreads is 1; expected 2 or 0"},
      {[](DotPlot& p) { p.series[1].name = "LRE"; }, "\"LRE\" is the name of two series"},
      {[](DotPlot& p) { p.series[1].name = "relation"; }, "or of a series and the rows"},
      {[](DotPlot& p) {
         p.domain = {1, 1};
       },
       "axis"}};
  for (const auto& [spoil, message] : spoilers) {
    DotPlot plot = RelationDots();
    spoil(plot);
    EXPECT_THAT([&] { DotPlotSpec(plot); }, testing::ThrowsMessage<Error>(HasSubstr(message)));
  }
}

class DotPlotInABrowser : public BrowserTest {};

constexpr char kDotPlotProbe[] = R"(
const root = document.documentElement;
const marks = name => [...document.querySelectorAll(`#figure-1 g.role-mark.mark-${name} > path`)];
const texts = query => [...document.querySelectorAll(`#figure-1 ${query} text`)].map(text => text.textContent);
setTimeout(() => {
  Object.assign(root.dataset, {dots: marks('symbol').length, legend: texts('.role-legend-label')});
  root.dataset.rows = texts('.role-axis-label').slice(-2);
  for (const type of ['pointerover', 'pointermove'])
    marks('rect').at(-1).dispatchEvent(new PointerEvent(type, {bubbles: true, clientX: 300, clientY: 300}));
}, 3000);
setTimeout(() => {
  root.dataset.tooltip = document.querySelector('#vg-tooltip-element')?.innerText.replace(/\s+/g, ' ').trim();
}, 5000);
)";

TEST_F(DotPlotInABrowser, DrawsDotsAndTellsARowsValues) {
  const std::string dom = Open(HtmlPage({{"t", {}}, {{"h", "", DotPlotSpec(RelationDots())}}}),
                               kDotPlotProbe),
                    root = Root(dom);
  EXPECT_THAT(root, HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(root, HasSubstr("data-dots=\"3\""));
  EXPECT_THAT(root, HasSubstr("data-legend=\"LRE,chance,identity\""));
  EXPECT_THAT(root, HasSubstr("data-rows=\"capital,sport\""));
  EXPECT_THAT(root, HasSubstr("data-tooltip=\"relation sport LRE 90 chance 20 identity 10\""));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

// Vega-Lite makes an expression of a tooltip's titles.
TEST_F(DotPlotInABrowser, NamesOfAnyCharactersAreDrawn) {
  DotPlot plot = RelationDots();
  plot.series[0].name = R"(C:\users [x].y's "q" {z})";
  const std::string root =
      Root(Open(HtmlPage({{"t", {}}, {{"h", "", DotPlotSpec(plot)}}}), kDotPlotProbe));
  EXPECT_THAT(root, HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(root, HasSubstr(R"(C:\users [x].y's &quot;q&quot; {z} 90)"));
}

}  // namespace
}  // namespace mambascope
