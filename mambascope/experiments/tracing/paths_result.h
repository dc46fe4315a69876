// Result of the command `paths`, as stored in paths.json and paths.jsonl (docs/cli.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/tracing/paths.h"

namespace mambascope {

// Paths of one model from one token.
struct PathsResult {
  Json options;           // the run's options (RunDescription)
  std::string name = {};  // the model's name in figures
  std::string at;         // subject_last or prompt_last
  std::vector<std::string> conditions;
  std::vector<FactPaths> facts;
  std::vector<RelationCount> relations = {};   // empty: a fact was given alone
  PathAverage average = {};                    // of the facts' p(answer)
  std::optional<PathAverage> logit_diff = {};  // if the metric is the logit difference
  Metric metric = Metric::kProbability;        // that figures show

  // The average that figures show.
  const PathAverage& Shown() const { return logit_diff ? *logit_diff : average; }
};

// The results of several models, [model][token].
using PathsResults = std::vector<std::vector<PathsResult>>;

// Sets the averages of the result's facts.
void SummarizePaths(PathsResult& result);

// A line of paths.jsonl: the fact, and its `probs` and `logit_diff` by condition.
void to_json(Json& json, const FactPaths& paths);
void from_json(const Json& json, FactPaths& paths);

// paths.json of one model and one token
void to_json(Json& json, const PathsResult& result);
void from_json(const Json& json, PathsResult& result);

// paths.json, as TraceJson has it, with {tokens: [document, ..]} for several tokens.
Json PathsJson(const PathsResults& results);

}  // namespace mambascope
