// Causal traces become pages, and lines for a terminal. A page shows the own heat maps of the first
// `samples` facts.
#pragma once

#include <string>

#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/figures/page.h"
#include "mambascope/reports/trace_figures.h"

namespace mambascope {

Page TracePage(const TraceResult& result, size_t samples = kTracedSamples);
// The page of several models and sites, [model][site]. They are panels side by side, on one scale.
// REQUIRES: all have the same facts, and the models have the same sites.
Page TracePage(const TraceResults& results, size_t samples = kTracedSamples);

// The lines for a terminal.
std::string TraceText(const TraceResult& result);
std::string TraceText(const TraceResults& results);

}  // namespace mambascope
