// Causal traces become pages, and lines for a terminal.
#pragma once

#include <string>

#include "mambascope/experiments/tracing/trace_result.h"

namespace mambascope {

std::string TracePage(const TraceResult& result);
// The page of several models and sites, [model][site]. They are panels side by side, on one scale.
// REQUIRES: all have the same facts, and the models have the same sites.
std::string TracePage(const TraceResults& results);

// The lines for a terminal.
std::string TraceText(const TraceResult& result);
std::string TraceText(const TraceResults& results);

}  // namespace mambascope
