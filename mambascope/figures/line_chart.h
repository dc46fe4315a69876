// Curves over labelled places (layers, window starts) with confidence bands, as a Vega-Lite 6
// specification, the data inline. Pointing at a place shows the values of all curves there;
// clicking curves in the legend picks them out, clicking them again lets them go.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

// Every field has a default, as in Grid.
struct Curve {
  std::string name = {};  // no two curves have the same, nor the x axis
  std::vector<std::optional<double>> values =
      {};  // [x]; absent or not finite: no value, and the line has a gap
  std::vector<std::optional<std::pair<double, double>>> band =
      {};                   // empty, or [x]: the confidence interval, low to high
  std::string colour = {};  // #rrggbb, on white and on black; by default palette.h's in turn
  std::optional<size_t> tone =
      {};  // the number of one of palette.h's colours, in place of its turn
};

struct LineChart {
  std::string name = {};  // machine-readable key, and the name of saved pictures: "paths"
  std::string title = {}, subtitle = {};
  std::string x_title = {}, y_title = {};  // "layer", "indirect effect"
  std::vector<std::string> x = {};         // labels, left to right; they may repeat
  std::vector<Curve> curves = {};
  enum class Missing {
    kGap,
    kBridge
  } missing =
      Missing::kGap;  // where a curve has no value: the line ends there, or goes on to the next
  std::vector<Reference> references = {};  // dashed horizontal lines with their labels
  std::optional<std::pair<double, double>> domain =
      {};  // the y axis's ends, where what lies beyond is drawn; by default all that there is
};

// The specification of `chart`. It looks right by itself, on white; a page in dark mode sets its
// parameter `dark` to true. Throws Error when labels, values and bands do not fit each other, names
// of curves repeat, or a colour is not #rrggbb.
Json LineChartSpec(const LineChart& chart);

}  // namespace mambascope
