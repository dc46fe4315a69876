// Several line charts over the same places are drawn as panels of one figure, as a Vega-Lite 6
// specification with the data inline. They have one legend and the same axes, so that curves can be
// compared across panels.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/curves.h"

namespace mambascope {

// Every field has a default, as in Grid.
struct LinePanels {
  std::string name = {};  // machine-readable key, and the name of saved pictures
  std::string title = {}, subtitle = {};
  // Two panels stand in a row. A panel's title stands above it; its subtitle is not shown. Its
  // first reference is drawn as a dashed curve, which the legend names by the reference's label.
  std::vector<LineChart> panels = {};
};

// Returns the specification of `figure`. Throws Error if it has no panels, a panel does not fit
// itself (CheckChart), or panels differ in places, titles of axes, or names of curves.
Json LinePanelsSpec(const LinePanels& figure);

}  // namespace mambascope
