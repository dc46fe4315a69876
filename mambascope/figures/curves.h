// Curves over places, such as layers, are the data of line charts and of panels of line charts.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/figures/grid.h"

namespace mambascope {

// Every field has a default, as in Grid.
struct Curve {
  std::string name = {};  // unique in the chart, and not the x axis's title
  // [place]. A value that is absent or not finite is missing, and the line has a gap there.
  std::vector<std::optional<double>> values = {};
  // The confidence intervals, [place] pairs of a low and a high end. Empty: the curve has none.
  std::vector<std::optional<std::pair<double, double>>> band = {};
  std::string colour = {};          // #rrggbb, on white and on black. Empty: `tone` decides.
  std::optional<size_t> tone = {};  // index into kCurveColours (default: the curve's index)
};

struct LineChart {
  std::string name = {};  // machine-readable key, and the name of saved pictures: "paths"
  std::string title = {}, subtitle = {};
  std::string band_name = "95% confidence intervals";  // the subtitle says it if there are bands
  std::string x_title = {}, y_title = {};              // "layer", "indirect effect"
  std::vector<std::string> x = {};                     // labels of the places; they may repeat
  // The places' positions on a numeric axis, ascending. Empty: the places are equally spaced.
  std::vector<double> at = {};
  enum class XScale { kLinear, kLog } x_scale = XScale::kLinear;  // kLog: positions are positive
  std::vector<Curve> curves = {};
  // A line ends at a missing value (kGap), or goes on to the next value (kBridge).
  enum class Missing { kGap, kBridge } missing = Missing::kGap;
  std::vector<Reference> references = {};  // dashed horizontal lines with their labels
  // The ends of the y axis. Values beyond them are drawn at the end. By default the axis spans all
  // values, bands and references.
  std::optional<std::pair<double, double>> domain = {};
};

// Throws Error if labels, positions, values and bands do not fit each other, two curves have the
// same name, or a colour is not #rrggbb.
void CheckChart(const LineChart& chart);

// The interval at the place `x`, if there is one and it belongs to a value.
std::optional<std::pair<double, double>> IntervalAt(const Curve& curve, size_t x);

// Whether some curve has an interval to draw.
bool HasBands(const LineChart& chart);

// The range that the y axis spans: the chart's domain, or the range of its values, bands and
// references. REQUIRES: the chart is valid (CheckChart).
std::pair<double, double> ValueRange(const LineChart& chart);

// Gives all charts the same y axis. It spans the range of each chart and contains `least`; its ends
// are round numbers. Charts that are compared on a page need this, so that noise in one looks small
// beside an effect in another. REQUIRES: the charts are valid, and least.first < least.second.
void ShareValueRange(std::vector<LineChart>& charts, std::pair<double, double> least);

}  // namespace mambascope
