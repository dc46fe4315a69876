// Knockouts as figures: the change of p(answer) by window, a curve for each set of sources, or for each model.
#pragma once

#include <string>
#include <vector>

#include "mambascope/report/knockout_json.h"
#include "mambascope/report/line_chart.h"

namespace mambascope {

// Curves of one model that share their target and channels, as "subject", "last" and so on: what is read of them by window. Two charts, the
// change of p(answer) and the accuracy, per target and group of channels.
std::vector<LineChart> KnockoutCharts(const KnockoutResult& result);

// Curves of several models, one pair of charts per source, target and group; x is the windows' depth in percent of the last one's, curves
// of fewer windows lie on the grid of the longest by linear interpolation. REQUIRES: the results have the same flows.
std::vector<LineChart> DepthCharts(const std::vector<KnockoutResult>& results);

// A fact's p(answer) - p_base by token and window, the colours' ends at -scale and scale.
Grid KnockoutHeatMap(const KnockoutResult& result, const KnockedFact& fact, double scale);

// "subject", "subject -> last", "subject -> last (heads 0-3)": as much as tells the curves of the result apart.
std::string FlowName(const KnockoutResult& result, const Flow& flow);

// "windows of 2 layers"
std::string WindowText(const KnockoutResult& result);

std::string KnockoutPage(const std::vector<KnockoutResult>& results);

}  // namespace mambascope
