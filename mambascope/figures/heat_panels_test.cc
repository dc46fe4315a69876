// Panels of heat maps, as specifications and as a browser draws them.
#include "mambascope/figures/heat_panels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "mambascope/error.h"
#include "mambascope/figures/browser_test_support.h"
#include "mambascope/figures/page.h"

namespace mambascope {
namespace {

using testing::HasSubstr;

// Two panels with rows and columns of their own.
HeatPanels TwoMaps() {
  const Grid small{.name = "small",
                   .title = "demo, resid",
                   .row_title = "token",
                   .column_title = "layer",
                   .value_title = "p(answer)",
                   .rows = {"Paris", " is"},
                   .columns = {"0", "1", "2"},
                   .values = {{0.1, 0.2, 0.3}, {0, 0, 0.5}},
                   .marked_rows = {0},
                   .domain = {{0.0, 0.5}}};
  Grid large = small;
  large.title = "demo-neox, resid";
  large.rows = {"Rome", " lies", " in"};
  large.columns = {"0", "1"};
  large.values = {{0.9, 0.8}, {std::nullopt, 0.1}, {0, 1}};
  large.domain = {{-0.25, 1.0}};
  large.marked_rows = {};
  return {.name = "maps", .title = "Maps", .subtitle = "demo", .panels = {small, large}};
}

TEST(HeatPanelsTest, HoldEveryPanelsCellsUnderItsOwnLabels) {
  const Json spec = HeatPanelsSpec(TwoMaps());
  const Json& cells = spec.at("data").at("values");
  EXPECT_EQ(cells.size(), 2 * 3 + 3 * 2);
  EXPECT_EQ(Parameter(spec, "panel_labels"), (Json{"demo, resid", "demo-neox, resid"}));
  EXPECT_EQ(Parameter(spec, "row_labels")[0], (Json{"Paris*", "\u00b7is"}));
  EXPECT_EQ(Parameter(spec, "row_labels")[1].size(), 3u);
  EXPECT_EQ(Parameter(spec, "column_labels")[1], (Json{"0", "1"}));
  const int64_t stride = Parameter(spec, "stride");
  for (const Json& cell : cells) {
    const int64_t panel = cell.at("panel"), row = cell.at("row"), column = cell.at("column");
    EXPECT_EQ(row / stride, panel);
    EXPECT_EQ(column / stride, panel);
    if (panel == 1 && row % stride == 2 && column % stride == 1) {
      EXPECT_EQ(cell.at("value"), 1.0);
    }
    if (panel == 1 && row % stride == 1 && column % stride == 0) {
      EXPECT_TRUE(cell.at("value").is_null());
    }
  }
}

TEST(HeatPanelsTest, HaveOneColourScale) {
  HeatPanels figure = TwoMaps();
  const auto domain = [&] {
    return HeatPanelsSpec(figure).at("/spec/layer/0/encoding/color/scale/domain"_json_pointer);
  };
  EXPECT_EQ(domain().front(), -0.25);
  EXPECT_EQ(domain().back(), 1.0);
  figure.panels[0].domain = {{0.0, 4.0}};
  EXPECT_EQ(domain().back(), 4.0);
}

TEST(HeatPanelsTest, ExplainHatchedCellsOfAnyPanel) {
  HeatPanels figure = TwoMaps();
  EXPECT_EQ(HeatPanelsSpec(figure).at("title").at("subtitle"),
            (Json{"demo; hatched cells: no value"}));
  figure.panels[1].values[1][0] = 0;
  EXPECT_EQ(HeatPanelsSpec(figure).at("title").at("subtitle"), (Json{"demo"}));
}

TEST(HeatPanelsTest, RefusePanelsThatCannotBeCompared) {
  const std::vector<std::pair<std::function<void(HeatPanels&)>, std::string>> spoilers = {
      {[](HeatPanels& f) { f.panels.clear(); }, "no panels"},
      {[](HeatPanels& f) { f.panels[1].values.pop_back(); },
       "the number of rows of values is 2; expected 3"},
      {[](HeatPanels& f) { f.panels[1].value_title = "nats"; }, "other titles"}};
  for (const auto& [spoil, message] : spoilers) {
    HeatPanels figure = TwoMaps();
    spoil(figure);
    EXPECT_THAT([&] { HeatPanelsSpec(figure); }, testing::ThrowsMessage<Error>(HasSubstr(message)));
  }
}

class HeatPanelsInABrowser : public BrowserTest {};

// Notes the panels' cells and the labels of their rows.
constexpr char kMapsProbe[] = R"(
const all = query => [...document.querySelectorAll(`#figure-1 ${query}`)].map(e => e.textContent || 'x');
setTimeout(() => Object.assign(document.documentElement.dataset, {
  cells: all('g.mark-rect.role-mark > path').length, labels: all('.role-axis-label text').join('|'),
  titles: all('.role-column-header text, .role-row-header text, .role-title text').join('|')}), 3000);
)";

TEST_F(HeatPanelsInABrowser, EveryPanelHasItsOwnRowsAndColumns) {
  const std::string dom =
      Open(HtmlPage({{.title = "maps"},
                     {{.heading = "Maps", .caption = "", .spec = HeatPanelsSpec(TwoMaps())}}}),
           kMapsProbe);
  const std::string root = Root(dom);
  EXPECT_THAT(root, HasSubstr("data-cells=\"12\""));
  EXPECT_THAT(root, HasSubstr("Paris*|"));
  EXPECT_THAT(root, HasSubstr("Rome|"));
  EXPECT_THAT(root, HasSubstr("demo-neox, resid"));
}

}  // namespace
}  // namespace mambascope
