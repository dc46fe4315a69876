// Result of the command `knockout`, as stored in knockout.json and knockout.jsonl (docs/cli.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/knockout/knockout_average.h"

namespace mambascope {

// Averages over some facts.
struct KnockoutCurves {
  double accuracy = 0;          // share of the facts whose answer is the base run's top token
  double mean_probability = 0;  // mean p(answer) of the base run
  std::vector<KnockoutAverage> flows;
};

struct RelationKnockout {
  std::string name;
  int64_t facts = 0;
  KnockoutCurves curves;
};

// The logit that each set of sources adds to the answer, for runs with --decompose.
struct CarriedCurves {
  double mean_logit = 0;                // mean of the answers' logits
  std::vector<std::string> sources;     // names of token sets
  std::vector<CarriedAverage> average;  // one for each set
};

struct KnockoutSummary {
  KnockoutCurves all;
  std::vector<RelationKnockout> relations = {};  // those with facts, in the order of the data
  std::optional<CarriedCurves> carried = {};
};

// Windows of one length on an axis.
struct WindowPlaces {
  int window = 1;      // number of layers of a window
  std::vector<int> x;  // where the windows stand: a layer for each
};

// Knockouts of one model.
struct KnockoutResult {
  Json options;      // the run's options (RunDescription)
  std::string name;  // the model's name in figures
  std::string mode;  // cut, cut-conv or mean
  enum class Windows {
    kWhole,
    kAround
  } windows = Windows::kWhole;        // WholeWindows or WindowsAround
  std::vector<WindowPlaces> lengths;  // of the flows' sets of windows
  std::vector<Flow> flows;
  std::vector<std::string> channels;  // names of the groups
  std::vector<std::string> mixers;    // the kind that each group cuts: mamba, attention or all
  std::vector<KnockedFact> facts;
  std::vector<RelationCount> relations = {};  // empty: a fact was given alone
  KnockoutSummary summary = {};               // of the facts
};

// The names of the flows' sources, each once.
std::vector<std::string> ListSources(const std::vector<Flow>& flows);

// Summarizes the result's facts. REQUIRES: it has facts.
KnockoutSummary SummarizeKnockouts(const KnockoutResult& result);

// A line of knockout.jsonl: `probs` and `is_top` by [curve][window].
void to_json(Json& json, const KnockedFact& fact);
void from_json(const Json& json, KnockedFact& fact);

// knockout.json of one model
void to_json(Json& json, const KnockoutResult& result);
void from_json(const Json& json, KnockoutResult& result);

// knockout.json: one model's document, or {models: [document, ..]} for several models.
Json KnockoutJson(const std::vector<KnockoutResult>& results);
std::vector<KnockoutResult> ReadKnockouts(const Json& json);

}  // namespace mambascope
