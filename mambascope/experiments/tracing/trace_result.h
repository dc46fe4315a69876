// What the command `trace` finds, as trace.json and trace.jsonl hold it (docs/cli.md).
#pragma once

#include <optional>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/tracing/trace_average.h"

namespace mambascope {

// Effects where W_o is isolated: of mixer_out less those of its inputs, and of the inputs.
struct IsolatedEffects {
  TraceAverage difference, ssm_out, gate;
};

struct TraceSummary {
  TraceAverage average;
  std::optional<IsolatedEffects> isolated = {};
};

struct TraceResult {
  Json options;  // what made it: command, model, commit, seed
  Site site = Site::kResid;
  int window = 1;
  std::vector<FactTrace> facts;
  std::vector<RelationCount> relations = {};  // none: a fact given alone
  TraceSummary summary = {};                  // of the facts
};

TraceSummary SummarizeTraces(const std::vector<FactTrace>& facts);

// A line of trace.jsonl: the fact, `probs`, and where W_o is isolated `ssm_out` and `gate`.
void to_json(Json& json, const FactTrace& trace);
void from_json(const Json& json, FactTrace& trace);

// trace.json
void to_json(Json& json, const TraceResult& result);
void from_json(const Json& json, TraceResult& result);

}  // namespace mambascope
