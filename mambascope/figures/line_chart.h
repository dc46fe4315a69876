// A line chart shows curves over places (layers, window starts, numbers of edits) as a Vega-Lite 6
// specification with the data inline. Confidence bands are optional. Pointing at a place shows the
// values of all curves there. Clicking a curve in the legend dims the other curves.
#pragma once

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/curves.h"

namespace mambascope {

// Returns the specification of `chart`. Alone it is drawn on white; a page in dark mode sets its
// parameter `dark` to true. Throws Error as CheckChart does.
Json LineChartSpec(const LineChart& chart);

}  // namespace mambascope
