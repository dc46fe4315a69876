// Points in a plane, in groups that have a colour each, over a guiding curve, as a Vega-Lite 6
// specification, the data inline. Pointing at one shows what it is; clicking groups in the legend
// picks them out.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// Every field has a default, as in Grid.
struct ScatterPoint {
  std::string label = {};  // what it is: a relation's name
  std::string group = {};
  double x = 0, y = 0;
};

struct Scatter {
  std::string name = {};  // machine-readable key, and the name of saved pictures
  std::string title = {}, subtitle = {};
  std::string x_title = {}, y_title = {};
  bool log_x = false;
  std::vector<ScatterPoint> points = {};
  std::string guide_label = {};  // at its last point
  std::vector<std::pair<double, double>> guide =
      {};  // a dashed curve to read the points against, left to right; empty: none
  std::optional<std::pair<double, double>> domain =
      {};  // the y axis's ends; by default all that there is
};

// Groups have palette.h's colours, in order of first occurrence. Throws Error for no points, a
// number that is not finite, and one on a logarithmic axis that is not positive.
Json ScatterSpec(const Scatter& scatter);

}  // namespace mambascope
