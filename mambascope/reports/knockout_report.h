// Knockouts as figures: the change of p(answer) by window, a curve for each set of sources, or for
// each model.
#pragma once

#include <optional>
#include <vector>

#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

enum class KnockoutMeasure { kChange, kAccuracy };

// Curves of one model by window, a chart for each target, a curve per source; with several groups
// of channels a chart for each pair of source and target, a curve per group.
std::vector<LineChart> KnockoutCharts(const KnockoutResult& result, KnockoutMeasure measure);

// Curves of several models, one chart per source, target and group; x is the windows' depth in
// percent, from the first window to the last, and each model has its own points. REQUIRES: the
// results have the same flows.
std::vector<LineChart> DepthCharts(const std::vector<KnockoutResult>& results,
                                   KnockoutMeasure measure);

// The first curve of each relation, of the relations with the most facts; none where there are not
// two.
std::optional<LineChart> RelationChart(const KnockoutResult& result);

// A fact's p(answer) - p_base by token and window, in the first group of channels; the colours'
// ends at -scale and scale.
Grid KnockoutHeatMap(const KnockoutResult& result, const KnockedFact& fact, double scale);

}  // namespace mambascope
