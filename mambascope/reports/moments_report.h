// How far second moments have converged, as figures.
#pragma once

#include <string>

#include "mambascope/experiments/editing/moments_result.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

// The relative change of C^-1 k by tokens at one site, a curve per layer. REQUIRES: some moments
// there have been watched.
LineChart MomentsChart(const MomentsResult& report, Site site);

std::string MomentsPage(const MomentsResult& report);

// For a terminal.
std::string MomentsText(const MomentsResult& report);

}  // namespace mambascope
