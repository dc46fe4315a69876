// Causal traces become figures, and lines for a terminal.
#pragma once

#include <string>

#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

// p(answer) of one fact, tokens by layers. The facts of a page have one colour scale.
Grid FactHeatMap(const TraceResult& result, const FactTrace& fact);

// The indirect effect averaged over facts, rows of tokens by layers. With --isolate it is the
// effect of mixer_out less the effects of its inputs, ssm_out and gate.
Grid AverageHeatMap(const TraceResult& result);

std::string TracePage(const TraceResult& result);

// The lines for a terminal.
std::string TraceText(const TraceResult& result);

}  // namespace mambascope
