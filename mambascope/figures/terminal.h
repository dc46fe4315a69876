// A terminal shows figures as characters.
#pragma once

#include <string>

#include "mambascope/figures/grid.h"

namespace mambascope {

// `grid` as characters, a line per row. A cell at the lower end of the scale is blank, and a cell
// at its upper end is a full block.
std::string TerminalHeatMap(const Grid& grid);

}  // namespace mambascope
