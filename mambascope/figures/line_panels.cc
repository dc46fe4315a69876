#include "mambascope/figures/line_panels.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "mambascope/error.h"
#include "mambascope/figures/data_table.h"
#include "mambascope/figures/figure.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/line_parts.h"
#include "mambascope/figures/palette.h"
#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

constexpr int kPanelWidth = 300, kPanelHeight = 170;  // pixels
constexpr int kPanelColumns = 2;

bool HaveSameCurves(const LineChart& a, const LineChart& b) {
  return std::equal(a.curves.begin(), a.curves.end(), b.curves.begin(), b.curves.end(),
                    [](const Curve& c, const Curve& d) { return c.name == d.name; });
}

void CheckPanels(const LinePanels& figure) {
  auto fail = [&](const std::string& what) {
    throw Error(fmt::format("line panels {}: {}", figure.name, what));
  };
  if (figure.panels.empty()) fail("it has no panels");
  const LineChart& first = figure.panels[0];
  for (const LineChart& panel : figure.panels) {
    CheckChart(panel);
    if (panel.x != first.x || panel.at != first.at || panel.x_scale != first.x_scale)
      fail(fmt::format("panel \"{}\" has other x positions than the first", panel.title));
    if (panel.x_title != first.x_title || panel.y_title != first.y_title)
      fail(fmt::format("panel \"{}\" has other axis titles than the first", panel.title));
    if (!HaveSameCurves(panel, first))
      fail(fmt::format("panel \"{}\" has other curves than the first", panel.title));
  }
}

// The label of the first reference that a panel has; empty if none has one.
std::string ReferenceName(const LinePanels& figure) {
  for (const LineChart& panel : figure.panels)
    if (!panel.references.empty()) return VisibleText(panel.references[0].label);
  return "";
}

// The points of all panels. A panel's reference is one more curve, without a band.
Json PanelPoints(const LinePanels& figure, const PlaceAxis& axis) {
  Json points = Json::array();
  for (size_t p = 0; p < figure.panels.size(); ++p) {
    LineChart panel = figure.panels[p];
    if (!panel.references.empty()) {
      Curve reference{.name = panel.references[0].label};
      reference.values.assign(panel.x.size(), panel.references[0].value);
      panel.curves.push_back(std::move(reference));
    }
    for (Json& point : CurvePoints(panel, axis)) {
      point["panel"] = p;
      points.push_back(std::move(point));
    }
  }
  return points;
}

}  // namespace

Json LinePanelsSpec(const LinePanels& figure) {
  CheckPanels(figure);
  std::vector<LineChart> panels = figure.panels;
  ShareValueRange(panels, ValueRange(panels[0]));
  const LineChart& first = panels[0];
  const PlaceAxis axis = MakePlaceAxis(first, kPanelWidth);
  std::vector<std::string> labels = CurveLabels(first), titles;
  for (const LineChart& panel : panels) titles.push_back(VisibleText(panel.title));
  Json colours = CurveColours(first), dashes = Json::array();
  for (size_t c = 0; c < labels.size(); ++c) dashes.push_back({1, 0});
  if (const std::string reference = ReferenceName(figure); !reference.empty()) {
    labels.push_back(reference);
    colours.push_back(kReferenceGrey);
    dashes.push_back({4, 3});
  }
  const auto with_bands = std::find_if(panels.begin(), panels.end(), HasBands);
  DataTable table{.keys = {"panel", first.x_title, "curve"}, .value = first.y_title};
  for (const LineChart& panel : panels) AppendRows(panel, {VisibleText(panel.title)}, table);
  return WithTable(
      FigureSpec({.name = figure.name,
                  .title = figure.title,
                  .subtitle = SubtitleWithBands(figure.subtitle,
                                                with_bands == panels.end() ? first : *with_bands),
                  .description =
                      fmt::format("Panels of line charts: {} by {}", first.y_title, first.x_title),
                  .width = kPanelColumns * kPanelWidth},
                 web::LinePanels(),
                 {{"x_labels", VisibleTexts(first.x)},
                  {"panel_labels", titles},
                  {"tick_values", axis.ticks},
                  {"tick_labels", axis.tick_labels},
                  {"legend_labels", LegendLabels(labels)},
                  {"has_few", HasRoomForPoints(first, kPanelWidth)},
                  {"curve_count", first.curves.size()},
                  {"points", PanelPoints(figure, axis)},
                  {"columns", kPanelColumns},
                  {"width", kPanelWidth},
                  {"height", kPanelHeight},
                  {"x", axis.encoding},
                  {"x_title", first.x_title},
                  {"y_title", first.y_title},
                  {"domain", {first.domain->first, first.domain->second}},
                  {"curves", Numbers(labels.size())},
                  {"colours", colours},
                  {"dashes", dashes},
                  {"tooltip", CurveTooltip(first.x_title, labels)}}),
      table);
}

}  // namespace mambascope
