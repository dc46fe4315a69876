// A heat map as a Vega-Lite 6 specification, the data inline: rows top to bottom, columns left to
// right, and below it the values of the rows that the reader points at (hover) or picks (click,
// shift-click for more) as lines over the columns.
#pragma once

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

// The specification of `grid`. It looks right by itself, on white; a page in dark mode sets its
// parameter `dark` to true. Throws Error when labels, values and marked rows do not fit each other
// or the colour scheme is unknown.
Json HeatMap(const Grid& grid);

}  // namespace mambascope
