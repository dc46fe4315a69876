// What the command `knockout` finds, as knockout.json and knockout.jsonl hold it (docs/cli.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/knockout/knockout_average.h"

namespace mambascope {

// What some facts have in common.
struct KnockoutCurves {
  double accuracy = 0;          // share of the facts whose answer the base run says
  double mean_probability = 0;  // of the answers, in the base run
  std::vector<KnockoutAverage> flows;
};

struct RelationKnockout {
  std::string name;
  int64_t facts = 0;
  KnockoutCurves curves;
};

// What each set of sources adds to the answer's logit, where that was asked for.
struct CarriedCurves {
  double mean_logit = 0;                // of the answers
  std::vector<std::string> sources;     // sets of tokens
  std::vector<CarriedAverage> average;  // of each
};

struct KnockoutSummary {
  KnockoutCurves all;
  std::vector<RelationKnockout> relations = {};  // those that have facts, in the order of the data
  std::optional<CarriedCurves> carried = {};
};

// What one model's knockouts gave.
struct KnockoutResult {
  Json options;      // what made it
  std::string name;  // of the model, in figures
  std::string mode;  // cut, cut-conv or mean
  int window = 1;
  enum class Windows {
    kWhole,
    kAround
  } windows = Windows::kWhole;  // WholeWindows or WindowsAround
  std::vector<int> x;           // the windows' places on an axis
  std::vector<Flow> flows;
  std::vector<std::string> channels;  // names of the groups
  std::vector<KnockedFact> facts;
  std::vector<RelationCount> relations = {};  // none: a fact given alone
  KnockoutSummary summary = {};               // of the facts
};

// The sets of sources of some flows, each once.
std::vector<std::string> ListSources(const std::vector<Flow>& flows);

// Of the result's facts. REQUIRES: it has facts.
KnockoutSummary SummarizeKnockouts(const KnockoutResult& result);

// A line of knockout.jsonl: `probs` and `is_top` by [curve][window].
void to_json(Json& json, const KnockedFact& fact);
void from_json(const Json& json, KnockedFact& fact);

// knockout.json of one model.
void to_json(Json& json, const KnockoutResult& result);
void from_json(const Json& json, KnockoutResult& result);

// knockout.json: of several models {models: [what it would be for each]}.
Json KnockoutJson(const std::vector<KnockoutResult>& results);
std::vector<KnockoutResult> ReadKnockouts(const Json& json);

}  // namespace mambascope
