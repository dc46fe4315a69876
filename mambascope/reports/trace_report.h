// Causal traces become figures, and lines for a terminal.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

// The metric (p(answer), or the logit difference) of one fact, tokens by layers. The facts of a
// page have one colour scale. REQUIRES: the fact has it.
Grid FactHeatMap(const TraceResult& result, const FactTrace& fact);

// The indirect effect averaged over facts, rows of tokens by layers. With --isolate it is the
// effect of mixer_out less the effects of its inputs, ssm_out and gate.
Grid AverageHeatMap(const TraceResult& result);

std::string TracePage(const TraceResult& result);
// The page of several models and sites, [model][site]. They are panels side by side, on one scale.
// REQUIRES: all have the same facts, and the models have the same sites.
std::string TracePage(const TraceResults& results);

// The lines for a terminal.
std::string TraceText(const TraceResult& result);
std::string TraceText(const TraceResults& results);

}  // namespace mambascope
