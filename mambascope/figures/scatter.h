// A scatter plot shows points in groups of one colour each, and a curve to compare them with. It is
// a Vega-Lite 6 specification with the data inline. Pointing at a point shows its label. Clicking a
// group in the legend dims the other groups.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// Every field has a default, as in Grid.
struct ScatterPoint {
  std::string label = {};  // such as a relation's name
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
  // A dashed curve to compare the points with, from left to right. Empty: there is none.
  std::vector<std::pair<double, double>> guide = {};
  // The ends of the y axis (default: the range of points and guide).
  std::optional<std::pair<double, double>> domain = {};
};

// Groups have the colours of palette.h, in order of first occurrence. Throws Error if there are no
// points, a number is not finite, or a number on a logarithmic axis is not positive.
Json ScatterSpec(const Scatter& scatter);

}  // namespace mambascope
