// Causal traces as trace.json (docs/cli.md) and as figures.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/tracing/trace.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

struct TraceResult {
  Json options;  // what made it: command, model, commit, seed
  Site site = Site::kResid;
  int window = 1;
  std::vector<FactTrace> facts;
  std::vector<RelationCount> relations = {};  // none: a fact given alone
  // The same facts traced at other sites, where W_o is isolated: ssm_out, then gate. `site` is mixer_out then.
  std::vector<FactTrace> ssm_out = {}, gate = {};
};

// What trace.json holds.
Json TraceJson(const TraceResult& result);

// p(answer) of one fact, tokens by layers.
Grid FactHeatMap(const TraceResult& result, const FactTrace& fact);

// IE averaged over facts, rows of tokens by layers; where W_o is isolated, what it adds.
Grid AverageHeatMap(const TraceResult& result);

std::string TracePage(const TraceResult& result);

}  // namespace mambascope
