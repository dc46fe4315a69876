#include "mambascope/report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "mambascope/error.h"
#include "mambascope/report/colour_scale.h"
#include "mambascope/report/label.h"
#include "mambascope/report/template.h"
#include "mambascope/report/web.h"

namespace mambascope {
namespace {

constexpr int kCharWidth = 7;  // pixels, about, of a character of a column's label

void CheckShape(const Grid& grid) {
  auto fail = [&](const std::string& what) { throw Error(fmt::format("grid {}: {}", grid.name, what)); };
  if (grid.rows.empty() || grid.columns.empty()) fail("it has no cells");
  if (grid.values.size() != grid.rows.size()) fail(fmt::format("{} rows of values, expected {}", grid.values.size(), grid.rows.size()));
  for (const auto& row : grid.values)
    if (row.size() != grid.columns.size()) fail(fmt::format("a row of {} values, expected {}", row.size(), grid.columns.size()));
  if (grid.domain && !(grid.domain->first < grid.domain->second)) fail("the colour scale's first end is not less than its second");
  for (int row : grid.marked_rows)
    if (row < 0 || row >= static_cast<int>(grid.rows.size())) fail(fmt::format("marked row {} of {}", row, grid.rows.size()));
}

// Each text as the figure shows it.
std::vector<std::string> Labels(const std::vector<std::string>& texts) {
  std::vector<std::string> labels;
  for (const std::string& text : texts) labels.push_back(VisibleText(text));
  return labels;
}

std::vector<std::string> RowLabels(const Grid& grid) {
  std::vector<std::string> labels = Labels(grid.rows);
  for (int row : std::set(grid.marked_rows.begin(), grid.marked_rows.end())) labels[row] += "*";
  return labels;
}

// The smallest of 1, 2, 5, 10, 20, ... columns that leaves a label `width` pixels.
int LabelStep(int cell_width, int width) {
  for (int decade = 1;; decade *= 10)
    for (int step : {decade, 2 * decade, 5 * decade})
      if (step * cell_width >= width) return step;
}

// The horizontal position, the same in both views. Labels that are too long to lie flat (tokens) are tilted.
Json ColumnPosition(const Grid& grid, const std::vector<std::string>& labels, int cell_width) {
  int longest = 0;
  for (const std::string& label : labels) longest = std::max(longest, Length(label));
  const bool tilted = longest > 6;
  const int step = LabelStep(cell_width, tilted ? 14 : kCharWidth * longest + 8);
  Json shown = Json::array();
  for (size_t column = 0; column < labels.size(); column += step) shown.push_back(column);
  Json axis = {{"labelExpr", "column_labels[datum.value]"}, {"values", shown}, {"labelAngle", tilted ? -50 : 0}, {"labelOverlap", false}};
  if (tilted) axis.update({{"labelAlign", "right"}, {"labelBaseline", "middle"}, {"labelLimit", 90}});
  return {{"field", "column"},
          {"type", "ordinal"},
          {"title", grid.column_title},
          {"scale", {{"type", "band"}, {"paddingInner", 0}, {"paddingOuter", 0}}},
          {"axis", axis}};
}

bool HasValue(const std::optional<double>& value) { return value && std::isfinite(*value); }

Json Cells(const Grid& grid) {
  Json cells = Json::array();
  for (size_t row = 0; row < grid.rows.size(); ++row)
    for (size_t column = 0; column < grid.columns.size(); ++column) {
      const auto& value = grid.values[row][column];
      cells.push_back({{"row", row}, {"column", column}, {"value", HasValue(value) ? Json(*value) : Json()}});
    }
  return cells;
}

Json References(const Grid& grid) {
  Json references = Json::array();
  for (const Reference& reference : grid.references) references.push_back({{"label", reference.label}, {"value", reference.value}});
  return references;
}

// The expression that is the one colour on white and the other on black.
std::string ByMode(std::string_view on_white, std::string_view on_black) { return fmt::format("dark ? '{}' : '{}'", on_black, on_white); }

Json Colours(const Scheme& scheme) {
  Json colours = Json::array();
  const Ramp on_black = scheme.on_black();
  for (size_t i = 0; i < on_black.size(); ++i) colours.push_back({{"expr", ByMode(scheme.ramp[i], on_black[i])}});
  return colours;
}

// The values that the colours of a ramp stand for.
std::vector<double> Steps(double low, double high) {
  std::vector<double> steps;
  const int last = std::tuple_size_v<Ramp> - 1;
  for (int i = 0; i <= last; ++i) steps.push_back(std::lerp(low, high, static_cast<double>(i) / last));
  return steps;
}

// The row to begin with: the last marked one (the subject's last token), else the one that holds the largest value.
size_t FirstChoice(const Grid& grid) {
  size_t choice = grid.marked_rows.empty() ? 0 : static_cast<size_t>(grid.marked_rows.back());
  double largest = -INFINITY;
  for (size_t row = 0; row < grid.rows.size(); ++row) {
    const auto& marked = grid.marked_rows;
    if (!marked.empty() && std::find(marked.begin(), marked.end(), static_cast<int>(row)) == marked.end()) continue;
    for (const auto& value : grid.values[row])
      if (HasValue(value) && *value > largest) std::tie(largest, choice) = std::tuple(*value, row);
  }
  return choice;
}

Json Tooltip(const Grid& grid) {
  return {{{"field", "row_label"}, {"title", grid.row_title}},
          {{"field", "column_label"}, {"title", grid.column_title}},
          {{"field", "value_label"}, {"title", grid.value_title}}};
}

}  // namespace

Json HeatMap(const Grid& grid) {
  CheckShape(grid);
  const int rows = static_cast<int>(grid.rows.size()), columns = static_cast<int>(grid.columns.size());
  const int cell_width = std::clamp(640 / columns, 4, 40), cell_height = std::clamp(480 / rows, 14, 26);
  const int width = cell_width * columns, height = cell_height * rows;
  const int legend_length = std::clamp(height - 24, 100, 200);
  const auto [low, high] = DomainOf(grid);
  const std::vector<std::string> column_labels = Labels(grid.columns);
  const Scheme& scheme = SchemeOf(grid);
  return FillTemplate(web::HeatMap(),
                      {{"name", grid.name},
                       {"title", grid.title},
                       {"subtitle", WrapText(VisibleText(grid.subtitle), (width + 200) / 6)},
                       {"description", fmt::format("Heat map: {} by {} and {}", grid.value_title, grid.row_title, grid.column_title)},
                       {"row_labels", RowLabels(grid)},
                       {"column_labels", column_labels},
                       {"marked_rows", grid.marked_rows},
                       {"references", References(grid)},
                       {"line_colour", ByMode(scheme.line(), scheme.line_on_black())},
                       {"cells", Cells(grid)},
                       {"width", width},
                       {"height", height},
                       {"x", ColumnPosition(grid, column_labels, cell_width)},
                       {"row_title", grid.row_title},
                       {"row_font", std::min(12, cell_height - 3)},
                       {"first_choice", FirstChoice(grid)},
                       {"point_size", cell_width < 16 ? 10 : 22},
                       {"domain", Steps(low, high)},
                       {"range", Colours(scheme)},
                       {"value_title", grid.value_title},
                       {"ticks", TicksOf(grid, (high - low) * 14 / legend_length)},
                       {"legend_length", legend_length},
                       {"tooltip", Tooltip(grid)}});
}

}  // namespace mambascope
