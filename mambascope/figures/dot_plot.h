// A dot plot has a line for each of many things, such as relations, with a dot per series. It is a
// Vega-Lite 6 specification with the data inline. Pointing at a line shows its values. Clicking a
// series in the legend dims the other series.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// Every field has a default, as in Grid.
struct DotSeries {
  std::string name = {};                           // unique in the plot, and not the rows' title
  std::vector<std::optional<double>> values = {};  // [row]; absent or not finite: no dot
  // [row], or empty. A thin line goes from value - spread to value + spread.
  std::vector<std::optional<double>> spreads = {};
  bool is_reference = false;  // drawn as a grey tick, to compare the others with
};

struct DotPlot {
  std::string name = {};  // machine-readable key, and the name of saved pictures
  std::string title = {}, subtitle = {};
  std::string row_title = {}, value_title = {};
  std::vector<std::string> rows = {};  // labels, top to bottom; they may repeat
  std::vector<DotSeries> series = {};  // an earlier one lies over the later ones
  std::pair<double, double> domain = {0, 1};
};

// The series have the colours of palette.h in turn. Throws Error if labels and values do not fit
// each other, or two series have the same name.
Json DotPlotSpec(const DotPlot& plot);

}  // namespace mambascope
