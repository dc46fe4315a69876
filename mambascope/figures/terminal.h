// Figures in characters.
#pragma once

#include <string>

#include "mambascope/figures/grid.h"

namespace mambascope {

// `grid` in characters, a line per row: blank at the scale's lower end, a full block at its upper
// one.
std::string TerminalHeatMap(const Grid& grid);

}  // namespace mambascope
