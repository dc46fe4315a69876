// Result of the command `paths`, as stored in paths.json and paths.jsonl (docs/cli.md).
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/tracing/paths.h"

namespace mambascope {

struct PathsResult {
  Json options;    // the run's options (RunDescription)
  std::string at;  // subject_last or prompt_last
  std::vector<std::string> conditions;
  std::vector<FactPaths> facts;
  std::vector<RelationCount> relations = {};  // empty: a fact was given alone
  PathAverage average = {};                   // of the facts
};

// A line of paths.jsonl: the fact, and its `probs` by condition.
void to_json(Json& json, const FactPaths& paths);
void from_json(const Json& json, FactPaths& paths);

// paths.json
void to_json(Json& json, const PathsResult& result);
void from_json(const Json& json, PathsResult& result);

}  // namespace mambascope
