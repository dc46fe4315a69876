#include "mambascope/experiments/tracing/paths_result.h"

#include "mambascope/experiments/facts/fact_json.h"

namespace mambascope {
namespace {

// Returns the conditions that are keys of `json`, in the order of kPathConditions.
std::vector<std::string> ReadConditions(const Json& json) {
  std::vector<std::string> conditions;
  for (const char* condition : kPathConditions) {
    if (json.contains(condition)) conditions.emplace_back(condition);
  }
  return conditions;
}

// Returns an object with one value per condition.
template <typename T>
Json ByCondition(const std::vector<std::string>& conditions, const std::vector<T>& values) {
  Json json;
  for (size_t c = 0; c < conditions.size(); ++c) json[conditions[c]] = values[c];
  return json;
}

template <typename T>
std::vector<T> ReadByCondition(const std::vector<std::string>& conditions, const Json& json) {
  std::vector<T> values;
  for (const std::string& condition : conditions) values.push_back(json.at(condition).get<T>());
  return values;
}

}  // namespace

void to_json(Json& json, const FactPaths& paths) {
  json = paths.fact;
  json["probs"] = ByCondition(paths.conditions, paths.probs);
}

void from_json(const Json& json, FactPaths& paths) {
  paths = {
      .fact = json.get<TracedFact>(), .conditions = ReadConditions(json.at("probs")), .probs = {}};
  paths.probs = ReadByCondition<std::vector<double>>(paths.conditions, json.at("probs"));
}

void to_json(Json& json, const PathsResult& result) {
  const PathAverage& average = result.average;
  json = {{"options", result.options},
          {"at", result.at},
          {"used", average.facts},
          {"guarded", average.guarded},
          {"facts", result.facts},
          {"conditions", ByCondition(result.conditions, average.ie)},
          {"ci95", ByCondition(result.conditions, average.ci95)}};
  if (!result.relations.empty()) json["relations"] = result.relations;
}

void from_json(const Json& json, PathsResult& result) {
  result = {.options = json.at("options"),
            .at = json.at("at"),
            .conditions = ReadConditions(json.at("conditions")),
            .facts = json.at("facts"),
            .relations = json.value("relations", std::vector<RelationCount>())};
  using Ie = std::vector<std::optional<double>>;
  using Intervals = std::vector<std::optional<std::pair<double, double>>>;
  result.average = {.ie = ReadByCondition<Ie>(result.conditions, json.at("conditions")),
                    .ci95 = ReadByCondition<Intervals>(result.conditions, json.at("ci95")),
                    .facts = json.at("used"),
                    .guarded = json.at("guarded")};
}

}  // namespace mambascope
