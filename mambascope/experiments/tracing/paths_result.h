// What the command `paths` finds, as paths.json and paths.jsonl hold it (docs/cli.md).
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/tracing/paths.h"

namespace mambascope {

struct PathsResult {
  Json options;    // what made it
  std::string at;  // subject_last or prompt_last
  std::vector<std::string> conditions;
  std::vector<FactPaths> facts;
  std::vector<RelationCount> relations = {};  // none: a fact given alone
  PathAverage average = {};                   // of the facts
};

// A line of paths.jsonl: the fact, and `probs` by condition.
void to_json(Json& json, const FactPaths& paths);
void from_json(const Json& json, FactPaths& paths);

// paths.json
void to_json(Json& json, const PathsResult& result);
void from_json(const Json& json, PathsResult& result);

}  // namespace mambascope
