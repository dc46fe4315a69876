// Path-specific effects become a figure, and lines for a terminal.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// The indirect effect by layer, a curve per condition.
LineChart PathsChart(const PathsResult& result);

Page PathsPage(const PathsResult& result);
// The page of several models and tokens, [model][token]. They are panels side by side, on one
// scale. REQUIRES: all have the same facts, and the models have the same tokens.
Page PathsPage(const PathsResults& results);

// The lines for a terminal.
std::string PathsText(const PathsResult& result);
std::string PathsText(const PathsResults& results);

}  // namespace mambascope
