#include "mambascope/figures/terminal.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/figures/label.h"

namespace mambascope {
namespace {

// The meaning of the marks that the grid's heat map has.
std::string Legend(const Grid& grid) {
  bool absent = false;
  for (const auto& row : grid.values)
    absent = absent || std::any_of(row.begin(), row.end(), [](const auto& cell) { return !cell; });
  return std::string(grid.marked_rows.empty() ? "" : "; * the subject") +
         (absent ? "; ? " + grid.missing : "");
}

// "0         5         10  layer": the label of every fifth column stands over its column. A column
// is two characters wide.
std::string ColumnTicks(const Grid& grid) {
  std::string ticks = " ";
  for (size_t c = 0; c < grid.columns.size(); c += 5)
    ticks += fmt::format("{:<10}", grid.columns[c]);
  return ticks + " " + grid.column_title;
}

}  // namespace

std::string TerminalHeatMap(const Grid& grid) {
  static constexpr const char* kShades[] = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
  int width = 0;
  for (const std::string& row : grid.rows) width = std::max(width, Length(VisibleText(row)));
  width = std::min(width, 40);
  std::string out = fmt::format("  {:>{}} {}\n", "", width, ColumnTicks(grid));
  const auto [low, high] = grid.domain.value_or(std::pair(0.0, 1.0));
  for (size_t r = 0; r < grid.rows.size(); ++r) {
    const bool marked = std::find(grid.marked_rows.begin(), grid.marked_rows.end(),
                                  static_cast<int>(r)) != grid.marked_rows.end();
    out += fmt::format("{} {:>{}} |", marked ? '*' : ' ', VisibleText(grid.rows[r]), width);
    for (const std::optional<double>& cell : grid.values[r]) {
      const double share =
          cell ? std::clamp((*cell - low) / std::max(high - low, 1e-12), 0.0, 1.0) : 0;
      const char* shade = cell ? kShades[std::min(4, static_cast<int>(share * 5))] : "?";
      out += fmt::format("{}{}", shade, shade);
    }
    out += "|\n";
  }
  return out + fmt::format("  scale: blank {:.3g} to full {:.3g}{}\n", low, high, Legend(grid));
}

}  // namespace mambascope
