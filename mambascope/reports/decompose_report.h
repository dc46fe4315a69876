// What the sources of knockouts add to the answer's logit in the base run, by layer: where a curve
// of a knockout can come from.
#pragma once

#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// A curve for each set of sources: its share in the answer's logit, through each layer's mixer to
// the last token. REQUIRES: the summary has `carried`.
LineChart CarriedChart(const KnockoutResult& result);

// The chart with how to read it.
Figure CarriedFigure(const KnockoutResult& result);

}  // namespace mambascope
