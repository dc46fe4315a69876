// A heat map shows a grid as a Vega-Lite 6 specification with the data inline: rows from top to
// bottom, columns from left to right. On a page, the values of selected rows are drawn below it as
// lines over the columns. The reader selects rows by hovering, clicking or shift-clicking. Saved
// pictures leave the selection and these lines out.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/data_table.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

// What single heat maps and panels of them share.

// Throws Error if labels, values and marked rows do not fit each other.
void CheckGrid(const Grid& grid);
// The rows' labels, with a star for marked rows.
std::vector<std::string> RowLabels(const Grid& grid);
// Whether some cell has no value, and is hatched.
bool LacksValues(const Grid& grid);
// `subtitle`, followed by what hatched cells mean.
std::string ExplainHatched(const std::string& subtitle, const std::string& missing);

// Returns the specification of `grid`. Alone it is drawn on white; a page in dark mode sets its
// parameter `dark` to true. Throws Error if labels, values and marked rows do not fit each other,
// or the colour scheme is unknown.
Json HeatMap(const Grid& grid);

// Adds the grid's numbers to `table`, whose keys are `keys` and the grid's row and column.
void AppendRows(const Grid& grid, const std::vector<std::string>& keys, DataTable& table);

}  // namespace mambascope
