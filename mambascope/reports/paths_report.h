// Path-specific effects as a figure.
#pragma once

#include <string>

#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

// IE by layer, a curve per condition.
LineChart PathsChart(const PathsResult& result);

std::string PathsPage(const PathsResult& result);

// For a terminal.
std::string PathsText(const PathsResult& result);

}  // namespace mambascope
