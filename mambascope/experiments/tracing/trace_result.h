// Result of the command `trace`, as stored in trace.json and trace.jsonl (docs/cli.md).
#pragma once

#include <optional>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/tracing/trace_average.h"

namespace mambascope {

// Effects where W_o is isolated. `difference` is the effect of mixer_out minus those of its inputs.
struct IsolatedEffects {
  TraceAverage difference, ssm_out, gate;
};

struct TraceSummary {
  TraceAverage average;
  std::optional<IsolatedEffects> isolated = {};
};

struct TraceResult {
  Json options;  // the run's options (RunDescription)
  Site site = Site::kResid;
  int window = 1;
  std::vector<FactTrace> facts;
  std::vector<RelationCount> relations = {};  // empty: a fact was given alone
  TraceSummary summary = {};                  // of the facts
};

TraceSummary SummarizeTraces(const std::vector<FactTrace>& facts);

// A line of trace.jsonl: the fact, its `probs`, and `ssm_out` and `gate` where W_o is isolated.
void to_json(Json& json, const FactTrace& trace);
void from_json(const Json& json, FactTrace& trace);

// trace.json
void to_json(Json& json, const TraceResult& result);
void from_json(const Json& json, TraceResult& result);

}  // namespace mambascope
