#include "mambascope/figures/heat_panels.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/error.h"
#include "mambascope/figures/colour_scale.h"
#include "mambascope/figures/data_table.h"
#include "mambascope/figures/figure.h"
#include "mambascope/figures/heat_map.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/values.h"
#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

constexpr int kMapWidth = 250;  // pixels
constexpr int kMapColumns = 2;
constexpr int kMapRowHeight = 24, kLegendLength = 140;  // pixels
constexpr int kStride = 1'000'000;                      // more than a panel has rows or columns

void CheckPanels(const HeatPanels& figure) {
  auto fail = [&](const std::string& what) {
    throw Error(fmt::format("heat panels {}: {}", figure.name, what));
  };
  if (figure.panels.empty()) fail("there are no panels");
  const Grid& first = figure.panels[0];
  for (const Grid& panel : figure.panels) {
    CheckGrid(panel);
    if (panel.row_title != first.row_title || panel.column_title != first.column_title ||
        panel.value_title != first.value_title)
      fail(fmt::format("panel \"{}\" has other titles than the first", panel.title));
  }
}

Json PanelCells(const HeatPanels& figure) {
  Json cells = Json::array();
  for (size_t p = 0; p < figure.panels.size(); ++p) {
    const Grid& panel = figure.panels[p];
    for (size_t row = 0; row < panel.rows.size(); ++row)
      for (size_t column = 0; column < panel.columns.size(); ++column)
        cells.push_back({{"panel", p},
                         {"row", p * kStride + row},
                         {"column", p * kStride + column},
                         {"value", ValueJson(panel.values[row][column])}});
  }
  return cells;
}

// A grid with the values of all panels, whose colour scale is the figure's.
Grid ScaleOfAll(const HeatPanels& figure) {
  Grid all = figure.panels[0];
  std::pair<double, double> domain = ColourDomain(all);
  for (const Grid& panel : figure.panels) {
    const auto [low, high] = ColourDomain(panel);
    domain = {std::min(domain.first, low), std::max(domain.second, high)};
  }
  all.domain = domain;
  all.references.clear();
  return all;
}

}  // namespace

Json HeatPanelsSpec(const HeatPanels& figure) {
  CheckPanels(figure);
  const Grid scale = ScaleOfAll(figure);
  const auto [low, high] = *scale.domain;
  Json titles = Json::array(), rows = Json::array(), columns = Json::array();
  size_t most_rows = 0;
  DataTable table{.keys = {"panel", scale.row_title, scale.column_title},
                  .value = scale.value_title};
  for (const Grid& panel : figure.panels) {
    AppendRows(panel, {VisibleText(panel.title)}, table);
    titles.push_back(VisibleText(panel.title));
    rows.push_back(RowLabels(panel));
    columns.push_back(VisibleTexts(panel.columns));
    most_rows = std::max(most_rows, panel.rows.size());
  }
  const bool lacks_values = std::any_of(figure.panels.begin(), figure.panels.end(), LacksValues);
  return WithTable(
      FigureSpec(
          {.name = figure.name,
           .title = figure.title,
           .subtitle = lacks_values ? ExplainHatched(figure.subtitle, figure.panels[0].missing)
                                    : figure.subtitle,
           .description = fmt::format("Panels of heat maps: {} by {} and {}", scale.value_title,
                                      scale.row_title, scale.column_title),
           .width = kMapColumns * kMapWidth},
          web::HeatPanels(),
          {{"stride", kStride},
           {"panel_labels", titles},
           {"row_labels", rows},
           {"column_labels", columns},
           {"cells", PanelCells(figure)},
           {"columns", kMapColumns},
           {"width", kMapWidth},
           {"height", kMapRowHeight * static_cast<int>(most_rows)},
           {"row_title", scale.row_title},
           {"column_title", scale.column_title},
           {"value_title", scale.value_title},
           {"domain", ColourSteps(low, high)},
           {"range", ColourRange(ColourScheme(scale))},
           {"ticks", ColourTicks(scale, (high - low) * 14 / kLegendLength)},
           {"legend_length", kLegendLength},
           {"tooltip", Json::array({TooltipField("panel_label", "panel"),
                                    TooltipField("row_label", scale.row_title),
                                    TooltipField("column_label", scale.column_title),
                                    TooltipField("value_label", scale.value_title)})}}),
      table);
}

}  // namespace mambascope
