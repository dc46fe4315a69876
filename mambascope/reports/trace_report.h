// Causal traces as figures.
#pragma once

#include <string>

#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

// p(answer) of one fact, tokens by layers.
Grid FactHeatMap(const TraceResult& result, const FactTrace& fact);

// IE averaged over facts, rows of tokens by layers; where W_o is isolated, what it adds.
Grid AverageHeatMap(const TraceResult& result);

std::string TracePage(const TraceResult& result);

// For a terminal.
std::string TraceText(const TraceResult& result);

}  // namespace mambascope
