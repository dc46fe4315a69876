#include "mambascope/figures/line_panels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "mambascope/error.h"
#include "mambascope/figures/browser_test_support.h"
#include "mambascope/figures/page.h"

namespace mambascope {
namespace {

using testing::HasSubstr;
using testing::Not;

LineChart MakePanel(const std::string& title, double value, double unedited) {
  return {.name = title,
          .title = title,
          .band_name = "95% confidence intervals over records",
          .x_title = "layer",
          .y_title = "percent",
          .x = {"1", "7", "8"},
          .at = {1, 7, 8},
          .curves = {{.name = "W_a", .values = {value, 50, 60}},
                     {.name = "W_o", .values = {20, std::nullopt, 40}}},
          .references = {{"unedited", unedited}},
          .domain = {{0.0, 100.0}}};
}

LinePanels FourPanels() {
  return {.name = "sweep",
          .title = "Sweep",
          .subtitle = "demo",
          .panels = {MakePanel("ES", 10, 1), MakePanel("PS", 20, 2), MakePanel("NS", 30, 3),
                     MakePanel("S", 40, 4)}};
}

// The first point of a curve in a panel.
Json FirstPoint(const LinePanels& figure, int panel, int curve) {
  const Json spec = LinePanelsSpec(figure);
  for (const Json& point : spec.at("data").at("values"))
    if (point.at("panel") == panel && point.at("curve") == curve) return point;
  return {};
}

TEST(LinePanelsTest, HoldEveryPanelsValuesAndItsReferenceAsACurve) {
  LinePanels figure = FourPanels();
  const Json spec = LinePanelsSpec(figure);
  EXPECT_EQ(spec.at("data").at("values").size(), 4 * 3 * 3);
  EXPECT_EQ(Parameter(spec, "panel_labels"), (Json{"ES", "PS", "NS", "S"}));
  EXPECT_EQ(Parameter(spec, "legend_labels"), (Json{{"W_a"}, {"W_o"}, {"unedited"}}));
  EXPECT_EQ(FirstPoint(figure, 2, 0).at("value"), 30);
  EXPECT_EQ(FirstPoint(figure, 3, 2).at("value"), 4);
  figure.panels[3].references[0].value = 44;
  EXPECT_EQ(FirstPoint(figure, 3, 2).at("value"), 44);
}

TEST(LinePanelsTest, HaveOneRangeOfValues) {
  LinePanels figure = FourPanels();
  const auto domain = [&] {
    return LinePanelsSpec(figure).at("/spec/encoding/y/scale/domain"_json_pointer);
  };
  EXPECT_EQ(domain(), (Json{0.0, 100.0}));
  for (LineChart& panel : figure.panels) panel.domain.reset();
  EXPECT_EQ(domain(), (Json{0.0, 60.0}));
  figure.panels[2].curves[0].values[0] = 180;
  EXPECT_EQ(domain(), (Json{0.0, 200.0}));
}

TEST(LinePanelsTest, ExplainBandsOfAnyPanel) {
  LinePanels figure = FourPanels();
  EXPECT_EQ(LinePanelsSpec(figure).at("title").at("subtitle"), (Json{"demo"}));
  figure.panels[1].curves[0].band = {std::pair(10.0, 30.0), std::nullopt, std::nullopt};
  EXPECT_EQ(LinePanelsSpec(figure).at("title").at("subtitle"),
            (Json{"demo; bands: 95% confidence intervals over records"}));
}

TEST(LinePanelsTest, RefusePanelsThatCannotBeCompared) {
  const std::vector<std::pair<std::function<void(LinePanels&)>, std::string>> spoilers = {
      {[](LinePanels& f) { f.panels.clear(); }, "no panels"},
      {[](LinePanels& f) { f.panels[1].curves[0].values.pop_back(); },
       "the number of values is 2; expected 3"},
      {[](LinePanels& f) { f.panels[1].at[1] = 6; }, "panel \"PS\" has other x positions"},
      {[](LinePanels& f) { f.panels[2].x[1] = "6"; }, "panel \"NS\" has other x positions"},
      {[](LinePanels& f) { f.panels[3].y_title = "nats"; }, "other axis titles"},
      {[](LinePanels& f) { f.panels[3].curves[0].name = "W_g"; }, "other curves"}};
  for (const auto& [spoil, message] : spoilers) {
    LinePanels figure = FourPanels();
    spoil(figure);
    EXPECT_THAT([&] { LinePanelsSpec(figure); }, testing::ThrowsMessage<Error>(HasSubstr(message)));
  }
}

class LinePanelsInABrowser : public BrowserTest {};

// Notes what the panels hold, then clicks the legend's second curve.
constexpr char kPanelsProbe[] = R"(
const root = document.documentElement;
const all = query => [...document.querySelectorAll(`#figure-1 ${query}`)];
const lines = () => all('g.mark-line > path');
const send = (element, type) => element.dispatchEvent(new PointerEvent(type, {bubbles: true, clientX: 300, clientY: 300}));
setTimeout(() => {
  const dashed = line => (line.getAttribute('stroke-dasharray') || '1,0') !== '1,0';
  Object.assign(root.dataset, {
    lines: lines().length, dashed: lines().filter(dashed).length,
    titles: all('.role-column-header text, .role-row-header text, .role-title text').map(text => text.textContent).join('|'),
    legend: all('.role-legend-label text').map(text => text.textContent)});
  for (const type of ['pointerover', 'pointermove']) send(all('g.mark-rect.role-mark > path')[1], type);
  send(all('.role-legend-label text')[1], 'click');
}, 3000);
setTimeout(() => {
  root.dataset.tooltip = document.querySelector('#vg-tooltip-element')?.innerText.replace(/\s+/g, ' ').trim();
  root.dataset.faint = lines().filter(line => line.getAttribute('opacity') === '0.15').length;
}, 5000);
)";

TEST_F(LinePanelsInABrowser, DrawPanelsWithOneLegend) {
  const std::string dom =
      Open(HtmlPage({{"t"}, {{"h", "", LinePanelsSpec(FourPanels())}}}), kPanelsProbe);
  const std::string root = Root(dom);
  EXPECT_THAT(root, HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(root, HasSubstr("data-lines=\"12\""));
  EXPECT_THAT(root, HasSubstr("data-dashed=\"4\"")) << "the references";
  EXPECT_THAT(root, HasSubstr("data-legend=\"W_a,W_o,unedited\"")) << "one for all panels";
  for (const char* title : {"ES", "PS", "NS"}) EXPECT_THAT(root, HasSubstr(title));
  EXPECT_THAT(root, HasSubstr("data-faint=\"8\"")) << "all but W_o in every panel";
  EXPECT_THAT(root, HasSubstr("data-tooltip=\"layer 7 W_a 50 W_o no value unedited 1\""));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
