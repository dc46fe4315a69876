// Path-specific effects become a figure, and lines for a terminal.
#pragma once

#include <string>

#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

// The indirect effect by layer, a curve per condition.
LineChart PathsChart(const PathsResult& result);

std::string PathsPage(const PathsResult& result);

// The lines for a terminal.
std::string PathsText(const PathsResult& result);

}  // namespace mambascope
