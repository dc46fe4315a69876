// Facts and grids of numbers in result files, there and back (docs/cli.md).
#pragma once

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/tracing/paths.h"
#include "mambascope/experiments/tracing/trace.h"

namespace mambascope {

Json ToJson(const TracedFact& fact);
// What ToJson wrote; the prompts are without ids. `json` is a result line of ours.
TracedFact ReadFact(const Json& json);

// None is null.
Json ToJson(const TraceGrid& grid);
TraceGrid ReadGrid(const Json& json);
// [[low, high], or null ..].
Json ToJson(const IntervalGrid& grid);

// A fact as trace.json and trace.jsonl have it.
Json ToJson(const FactTrace& trace);
// `grid`: the key of the grid, of which a line may have several.
FactTrace ReadTrace(const Json& json, const std::string& grid = "probs");

// A fact as paths.json and paths.jsonl have it: probs by condition.
Json ToJson(const FactPaths& paths, const std::vector<std::string>& conditions);
FactPaths ReadPaths(const Json& json, const std::vector<std::string>& conditions);

}  // namespace mambascope
