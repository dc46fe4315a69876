// Result of the command `trace`, as stored in trace.json and trace.jsonl (docs/cli.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/tracing/trace_average.h"

namespace mambascope {

// Effects where W_o is isolated. `difference` is the effect of mixer_out minus those of its inputs.
struct IsolatedEffects {
  TraceAverage difference, ssm_out, gate;
};

struct TraceSummary {
  TraceAverage average;  // of p(answer)
  std::optional<IsolatedEffects> isolated = {};
  std::optional<TraceAverage> logit_diff = {};  // if the metric is the logit difference
};

// Traces of one model at one site.
struct TraceResult {
  Json options;           // the run's options (RunDescription)
  std::string name = {};  // the model's name in figures
  Site site = Site::kResid;
  int window = 1;
  std::vector<FactTrace> facts;
  std::vector<RelationCount> relations = {};  // empty: a fact was given alone
  TraceSummary summary = {};                  // of the facts
  Metric metric = Metric::kProbability;       // that figures show

  // The average that figures show.
  const TraceAverage& Shown() const {
    return summary.logit_diff ? *summary.logit_diff : summary.average;
  }
};

// The results of several models, [model][site].
using TraceResults = std::vector<std::vector<TraceResult>>;

TraceSummary SummarizeTraces(const std::vector<FactTrace>& facts,
                             Metric metric = Metric::kProbability);

// A line of trace.jsonl: the fact, its `probs` and `logit_diff`, and `ssm_out` and `gate` where W_o
// is isolated.
void to_json(Json& json, const FactTrace& trace);
void from_json(const Json& json, FactTrace& trace);

// trace.json of one model at one site
void to_json(Json& json, const TraceResult& result);
void from_json(const Json& json, TraceResult& result);

// trace.json. One model and one site: its document. Several sites: {sites: [document, ..]}. Several
// models: {models: [..]}, with an element of these kinds for each. `results` has the results of
// each model, which are in the order of its sites.
Json TraceJson(const TraceResults& results);

}  // namespace mambascope
