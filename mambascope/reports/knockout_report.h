// Knockouts become figures: the change of p(answer) by window, with a curve for each set of sources
// or for each model.
#pragma once

#include <optional>
#include <vector>

#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/line_panels.h"

namespace mambascope {

enum class KnockoutMeasure { kChange, kAccuracy };

// Curves of one model by window. There is a chart for each target, with a curve per source. With
// several groups of channels there is a chart for each pair of source and target, with a curve per
// group. With several lengths of windows there is a chart for each source, target and group, with a
// curve per length. All charts of a measure have the same y axis.
std::vector<LineChart> KnockoutCharts(const KnockoutResult& result, KnockoutMeasure measure);

// The charts of a result with several lengths of windows, as panels of one figure.
LinePanels WindowPanels(const KnockoutResult& result, KnockoutMeasure measure);

// Curves of several models, a chart for each flow, all with the same y axis. x is the windows'
// depth in percent, from the first window to the last. Each model has its own points. REQUIRES: the
// results have the same flows.
std::vector<LineChart> DepthCharts(const std::vector<KnockoutResult>& results,
                                   KnockoutMeasure measure);

// The first curve of each relation, for the relations with the most facts; none for fewer than two
// relations.
std::optional<LineChart> RelationChart(const KnockoutResult& result);

// A fact's p(answer) - p_base by token and window, for the first group of channels. The colour
// scale goes from -scale to scale.
Grid KnockoutHeatMap(const KnockoutResult& result, const KnockedFact& fact, double scale);

}  // namespace mambascope
