// Several values of each of many things, such as relations, side by side: a line per thing with a
// dot per series, as a Vega-Lite 6 specification, the data inline. Pointing at a line shows its
// values; clicking series in the legend picks them out.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// Every field has a default, as in Grid.
struct DotSeries {
  std::string name = {};  // no two series have the same, nor the rows' title
  std::vector<std::optional<double>> values = {};  // [row]; absent or not finite: no dot
  std::vector<std::optional<double>> spreads =
      {};                     // [row], or empty: a thin line from value - spread to value + spread
  bool is_reference = false;  // a grey tick in place of a dot: what the others are read against
};

struct DotPlot {
  std::string name = {};  // machine-readable key, and the name of saved pictures
  std::string title = {}, subtitle = {};
  std::string row_title = {}, value_title = {};
  std::vector<std::string> rows = {};  // labels, top to bottom; they may repeat
  std::vector<DotSeries> series = {};  // an earlier one lies over the later ones
  std::pair<double, double> domain = {0, 1};
};

// Series have palette.h's colours in turn. Throws Error when labels and values do not fit each
// other, and where names of series repeat.
Json DotPlotSpec(const DotPlot& plot);

}  // namespace mambascope
