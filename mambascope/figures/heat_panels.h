// Several heat maps are drawn as panels of one figure, as a Vega-Lite 6 specification with the data
// inline. They have one colour scale, so that values can be compared across panels. Rows and
// columns are each panel's own.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

// Every field has a default, as in Grid.
struct HeatPanels {
  std::string name = {};  // machine-readable key, and the name of saved pictures
  std::string title = {}, subtitle = {};
  // Two panels stand in a row. A panel's title stands above it; its subtitle and its references are
  // not shown. The first panel's colour scheme is that of the figure.
  std::vector<Grid> panels = {};
};

// Returns the specification of `figure`. The colour scale spans that of every panel. Throws Error
// if it has no panels, a panel does not fit itself (CheckGrid), or panels differ in titles of axes
// or values.
Json HeatPanelsSpec(const HeatPanels& figure);

}  // namespace mambascope
