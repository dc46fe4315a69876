// A causal trace as trace.json (docs/cli.md), as heat maps, and as lines for a terminal.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/trace.h"
#include "mambascope/report/grid.h"

namespace mambascope {

// What trace.json holds. `options` echoes what made it: command, model, commit, seed.
Json TraceJson(const Json& options, const TraceOptions& trace, const std::vector<FactTrace>& facts);

// p(answer) of one fact, tokens by layers.
Grid TraceHeatMap(const TraceOptions& trace, const FactTrace& fact);

// The page of one traced fact.
std::string TracePage(const Json& options, const TraceOptions& trace, const FactTrace& fact);

// `grid` in characters, a line per row: blank at the scale's lower end, a full block at its upper one.
std::string TerminalHeatMap(const Grid& grid);

}  // namespace mambascope
