// This figure shows how much each knockout's sources add to the answer's logit in the base run, by
// layer. It tells at which layers a knockout can have an effect.
#pragma once

#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// A curve for each set of sources: its share of the answer's logit in nats, through each layer's
// mixer to the last token. REQUIRES: the summary has `carried`.
LineChart CarriedChart(const KnockoutResult& result);

// The chart with how to read it.
Figure CarriedFigure(const KnockoutResult& result);

}  // namespace mambascope
