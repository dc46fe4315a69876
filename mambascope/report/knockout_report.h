// Knockouts as figures: the change of p(answer) by window, a curve for each set of sources, or for each model.
#pragma once

#include <string>
#include <vector>

#include "mambascope/report/knockout_json.h"
#include "mambascope/report/line_chart.h"

namespace mambascope {

// Curves of one model by window. Two charts, the change of p(answer) and the accuracy, for each target, a curve per source; with several
// groups of channels for each pair of source and target, a curve per group.
std::vector<LineChart> KnockoutCharts(const KnockoutResult& result);

// Curves of several models, one pair of charts per source, target and group; x is the windows' depth in percent of the last one's, curves
// of fewer windows lie on the grid of the longest by linear interpolation. REQUIRES: the results have the same flows.
std::vector<LineChart> DepthCharts(const std::vector<KnockoutResult>& results);

// A fact's p(answer) - p_base by token and window, the colours' ends at -scale and scale.
Grid KnockoutHeatMap(const KnockoutResult& result, const KnockedFact& fact, double scale);

// "subject", "subject -> last", "subject -> last (heads 0-3)": as much as tells the curves of the result apart.
std::string FlowName(const KnockoutResult& result, const Flow& flow);

// The tones of curves of token sets: the field's colours: first blue, last orange, subject green, context red, relation purple; other sets
// take those that are left.
std::vector<size_t> TonesOf(const std::vector<std::string>& sets);

// "one fact", "12 facts"
std::string CountText(size_t facts);

// "windows of 2 layers"
std::string WindowText(const KnockoutResult& result);

std::string KnockoutPage(const std::vector<KnockoutResult>& results);

}  // namespace mambascope
