// The convergence of second moments becomes figures, and lines for a terminal.
#pragma once

#include <string>

#include "mambascope/experiments/editing/moments_result.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// The relative change of C^-1 k by the number of tokens at one site, a curve per layer. All sites
// have the same y axis. REQUIRES: convergence was watched for some moments of the site.
LineChart MomentsChart(const MomentsResult& report, Site site);

Page MomentsPage(const MomentsResult& report);

// The lines for a terminal.
std::string MomentsText(const MomentsResult& report);

}  // namespace mambascope
