#include "mambascope/figures/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "mambascope/error.h"
#include "mambascope/figures/colour_scale.h"
#include "mambascope/figures/data_table.h"
#include "mambascope/figures/figure.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/values.h"
#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

Json Cells(const Grid& grid) {
  Json cells = Json::array();
  for (size_t row = 0; row < grid.rows.size(); ++row)
    for (size_t column = 0; column < grid.columns.size(); ++column)
      cells.push_back(
          {{"row", row}, {"column", column}, {"value", ValueJson(grid.values[row][column])}});
  return cells;
}

// The row that is selected first: the grid's own choice, or the marked row with the largest value,
// or without marked rows the row with the largest value.
size_t FirstChoice(const Grid& grid) {
  if (grid.picked_row) return static_cast<size_t>(*grid.picked_row);
  size_t choice = grid.marked_rows.empty() ? 0 : static_cast<size_t>(grid.marked_rows.back());
  double largest = -INFINITY;
  for (size_t row = 0; row < grid.rows.size(); ++row) {
    const auto& marked = grid.marked_rows;
    if (!marked.empty() &&
        std::find(marked.begin(), marked.end(), static_cast<int>(row)) == marked.end())
      continue;
    for (const auto& value : grid.values[row])
      if (HasValue(value) && *value > largest) std::tie(largest, choice) = std::tuple(*value, row);
  }
  return choice;
}

Json Tooltip(const Grid& grid) {
  return Json::array({TooltipField("row_label", grid.row_title),
                      TooltipField("column_label", grid.column_title),
                      TooltipField("value_label", grid.value_title)});
}

}  // namespace

std::vector<std::string> RowLabels(const Grid& grid) {
  std::vector<std::string> labels = VisibleTexts(grid.rows);
  for (int row : std::set(grid.marked_rows.begin(), grid.marked_rows.end())) labels[row] += "*";
  return labels;
}

bool LacksValues(const Grid& grid) {
  return std::any_of(grid.values.begin(), grid.values.end(), [](const auto& row) {
    return !std::all_of(row.begin(), row.end(), HasValue);
  });
}

std::string ExplainHatched(const std::string& subtitle, const std::string& missing) {
  return fmt::format("{}{}hatched cells: {}", subtitle, subtitle.empty() ? "" : "; ", missing);
}

void CheckGrid(const Grid& grid) {
  auto fail = [&](const std::string& what) {
    throw Error(fmt::format("grid {}: {}", grid.name, what));
  };
  if (grid.rows.empty() || grid.columns.empty()) fail("it has no cells");
  if (grid.values.size() != grid.rows.size())
    fail(fmt::format("the number of rows of values is {}; expected {}", grid.values.size(),
                     grid.rows.size()));
  for (const auto& row : grid.values)
    if (row.size() != grid.columns.size())
      fail(fmt::format("the number of values in a row is {}; expected {}", row.size(),
                       grid.columns.size()));
  if (grid.domain && !(grid.domain->first < grid.domain->second))
    fail("the colour scale's first end is not less than its second");
  for (int row : grid.marked_rows)
    if (row < 0 || row >= static_cast<int>(grid.rows.size()))
      fail(fmt::format("the marked row is {}; the number of rows is {}", row, grid.rows.size()));
  if (grid.picked_row &&
      (*grid.picked_row < 0 || *grid.picked_row >= static_cast<int>(grid.rows.size())))
    fail(fmt::format("the picked row is {}; the number of rows is {}", *grid.picked_row,
                     grid.rows.size()));
}

void AppendRows(const Grid& grid, const std::vector<std::string>& keys, DataTable& table) {
  const std::vector<std::string> rows = RowLabels(grid);
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t column = 0; column < grid.columns.size(); ++column) {
      std::vector<std::string> all = keys;
      all.insert(all.end(), {rows[row], VisibleText(grid.columns[column])});
      table.rows.push_back({.keys = std::move(all), .value = grid.values[row][column]});
    }
  }
}

Json HeatMap(const Grid& grid) {
  CheckGrid(grid);
  DataTable table{.keys = {grid.row_title, grid.column_title}, .value = grid.value_title};
  AppendRows(grid, {}, table);
  const int rows = static_cast<int>(grid.rows.size()),
            columns = static_cast<int>(grid.columns.size());
  const int cell_width = std::clamp(640 / columns, 4, 40),
            cell_height = std::clamp(480 / rows, 14, 26);
  const int width = cell_width * columns, height = cell_height * rows;
  const int legend_length = std::clamp(height - 24, 100, 200);
  const auto [low, high] = ColourDomain(grid);
  const std::vector<std::string> column_labels = VisibleTexts(grid.columns);
  const Scheme& scheme = ColourScheme(grid);
  return WithTable(
      FigureSpec({.name = grid.name,
                  .title = grid.title,
                  .subtitle = LacksValues(grid) ? ExplainHatched(grid.subtitle, grid.missing)
                                                : grid.subtitle,
                  .description = fmt::format("Heat map: {} by {} and {}", grid.value_title,
                                             grid.row_title, grid.column_title),
                  .width = width},
                 web::HeatMap(),
                 {{"row_labels", RowLabels(grid)},
                  {"column_labels", column_labels},
                  {"marked_rows", grid.marked_rows},
                  {"references", ReferencesJson(grid.references)},
                  {"line_colour", ByMode(scheme.line(), scheme.line_on_black())},
                  {"cells", Cells(grid)},
                  {"width", width},
                  {"height", height},
                  {"x", PlacePosition("column", grid.column_title, column_labels, cell_width)},
                  {"row_title", grid.row_title},
                  {"row_font", std::min(12, cell_height - 3)},
                  {"first_choice", FirstChoice(grid)},
                  {"point_size", cell_width < 16 ? 10 : 22},
                  {"domain", ColourSteps(low, high)},
                  {"ends", {low, high}},
                  {"range", ColourRange(scheme)},
                  {"value_title", grid.value_title},
                  {"ticks", ColourTicks(grid, (high - low) * 14 / legend_length)},
                  {"legend_length", legend_length},
                  {"tooltip", Tooltip(grid)}}),
      table);
}

}  // namespace mambascope
