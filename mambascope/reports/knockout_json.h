// Knockouts as knockout.json (docs/cli.md), and a fact's line there and back.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/knockout/knockout.h"

namespace mambascope {

// What one model's knockouts gave.
struct KnockoutResult {
  Json options;      // what made it
  std::string name;  // of the model, in figures
  std::string mode;  // cut, cut-conv or mean
  int window = 1;
  enum class Windows { kWhole, kAround } windows = Windows::kWhole;  // WholeWindows or WindowsAround
  std::vector<int> x;                                                // the windows: their first layers, or those that they lie around
  std::vector<Flow> flows;
  std::vector<std::string> channels;  // names of the groups
  std::vector<KnockedFact> facts;
  std::vector<RelationCount> relations = {};  // none: a fact given alone
};

// A fact as knockout.json and knockout.jsonl have it: `probs` and `is_top` by [curve][window].
Json ToJson(const KnockedFact& fact, const std::vector<int>& x);
// What ToJson wrote; the prompt is without ids. `json` is a result line of ours.
KnockedFact ReadKnockedFact(const Json& json);

// The sets of sources, each once.
std::vector<std::string> SourcesOf(const KnockoutResult& result);

// Facts by relation, in the order of the data, of those that have some.
std::vector<std::pair<std::string, std::vector<KnockedFact>>> ByRelation(const KnockoutResult& result);

// What knockout.json holds; with several models {models: [what it would hold for each]}.
Json KnockoutJson(const std::vector<KnockoutResult>& results);

}  // namespace mambascope
