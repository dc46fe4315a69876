// The facts of causal traces, for the fact browser of a report: every fact's tokens, and its heat
// map at each traced site of each model.
#pragma once

#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/tracing/trace_result.h"

namespace mambascope {

// Returns {value, panels: [{name, layers, ramp, ramp_on_black, rows, average}, ..], facts:
// [{relation, prompt, tokens, subject: [begin, end], corrupt, answer, effect, panels: [{clean,
// corrupted, cells} or null, ..]}, ..]}. `cells` and `average` are rows of one number for each
// layer, with four significant digits. Facts of different traces are one fact if their prompts,
// tokens, corruptions and answers are the same. `effect` is the largest effect of the corruption in
// any panel. Traces of logit differences are left out. Null: no trace has facts.
Json FactBrowserJson(const std::vector<const TraceResult*>& traces);

}  // namespace mambascope
