// Line charts and panels of line charts share these parts of their specifications.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/curves.h"
#include "mambascope/figures/data_table.h"

namespace mambascope {

// The horizontal axis: the encoding of the field `at`, and what the specification's parameters
// need.
struct PlaceAxis {
  std::vector<double> positions = {};  // [place]
  std::vector<double> edges = {};      // [place + 1], halfway between neighbouring places
  std::vector<double> ticks = {};      // the positions with a label, which leave each other room
  std::vector<std::string> tick_labels = {};  // [tick]
  Json encoding = {};                         // uses the parameters tick_values and tick_labels
};

// The axis of `chart`, `width` pixels wide.
PlaceAxis MakePlaceAxis(const LineChart& chart, int width);

// A point per curve and place: {"curve", "x", "at", "left", "right", "value"}, and {"low", "high"}
// if there is an interval. `x` is the place's index; `left` and `right` are its edges.
Json CurvePoints(const LineChart& chart, const PlaceAxis& axis);

// Whether places are so far apart on `width` pixels that every value is drawn as a point.
bool HasRoomForPoints(const LineChart& chart, int width);

// The colours of the curves. A colour of palette.h is an expression that follows `dark`.
Json CurveColours(const LineChart& chart);

// The curves' names as figures show them, and the same broken into lines for a legend.
std::vector<std::string> CurveLabels(const LineChart& chart);
Json LegendLabels(const std::vector<std::string>& labels);

// The fields of a tooltip: the place and the value of each curve. The templates' pivot makes a
// column for each curve, which is named by the curve's number.
Json CurveTooltip(const std::string& x_title, const std::vector<std::string>& curve_labels);

// Adds the values of all curves to `table`, whose keys are `keys`, the place and the curve.
void AppendRows(const LineChart& chart, const std::vector<std::string>& keys, DataTable& table);

// `subtitle`, with the meaning of the bands if the chart has bands.
std::string SubtitleWithBands(const std::string& subtitle, const LineChart& chart);

// [0, 1, ..., count - 1]
Json Numbers(size_t count);

}  // namespace mambascope
