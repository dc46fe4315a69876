// Causal traces of several models and sites become panels side by side, on one scale.
#pragma once

#include <string>

#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// "demo, ssm_out": what tells a result apart from the others.
std::string TracePanelName(const TraceResults& results, const TraceResult& result);

// The page. REQUIRES: all results have the same facts, and the models have the same sites.
Page TracePanelsPage(const TraceResults& results, size_t samples);

}  // namespace mambascope
