#include "mambascope/experiments/tracing/paths_result.h"

#include "mambascope/experiments/facts/fact_json.h"
#include "mambascope/experiments/result_shape.h"

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

void SummarizePaths(PathsResult& result) {
  result.average = AveragePaths(result.facts);
  if (result.metric == Metric::kLogitDiff)
    result.logit_diff = AveragePaths(result.facts, result.metric);
}

void to_json(Json& json, const FactPaths& paths) {
  json = paths.fact;
  json["probs"] = ByCondition(paths.conditions, paths.probs);
  json["logit_diff"] =
      paths.logit_diff.empty() ? Json() : ByCondition(paths.conditions, paths.logit_diff);
}

void from_json(const Json& json, FactPaths& paths) {
  paths = {
      .fact = json.get<TracedFact>(), .conditions = ReadConditions(json.at("probs")), .probs = {}};
  paths.probs = ReadByCondition<std::vector<double>>(paths.conditions, json.at("probs"));
  if (!json.at("logit_diff").is_null())
    paths.logit_diff =
        ReadByCondition<std::vector<double>>(paths.conditions, json.at("logit_diff"));
  const size_t conditions = paths.conditions.size(), layers = Columns(paths.probs);
  RequireGrid(paths.probs, conditions, layers, "probs");
  if (!paths.logit_diff.empty()) RequireGrid(paths.logit_diff, conditions, layers, "logit_diff");
}

void to_json(Json& json, const PathsResult& result) {
  const PathAverage& average = result.average;
  json = {{"options", result.options},
          {"name", result.name},
          {"metric", MetricName(result.metric)},
          {"at", result.at},
          {"used", average.facts},
          {"guarded", average.guarded},
          {"facts", result.facts},
          {"conditions", ByCondition(result.conditions, average.ie)},
          {"ci95", ByCondition(result.conditions, average.ci95)}};
  if (!result.relations.empty()) json["relations"] = result.relations;
  if (result.logit_diff)
    json["average_logit_diff"] = {
        {"conditions", ByCondition(result.conditions, result.logit_diff->ie)},
        {"ci95", ByCondition(result.conditions, result.logit_diff->ci95)},
        {"used", result.logit_diff->facts},
        {"guarded", result.logit_diff->guarded}};
}

void from_json(const Json& json, PathsResult& result) {
  result = {.options = json.at("options"),
            .name = json.at("name"),
            .at = json.at("at"),
            .conditions = ReadConditions(json.at("conditions")),
            .facts = json.at("facts"),
            .relations = json.value("relations", std::vector<RelationCount>())};
  result.metric = ReadMetric(json.at("metric"));
  const auto read = [&](const Json& average) -> PathAverage {
    using Ie = std::vector<std::optional<double>>;
    using Intervals = std::vector<std::optional<std::pair<double, double>>>;
    PathAverage read{.ie = ReadByCondition<Ie>(result.conditions, average.at("conditions")),
                     .ci95 = ReadByCondition<Intervals>(result.conditions, average.at("ci95")),
                     .facts = average.at("used"),
                     .guarded = average.at("guarded")};
    RequireGrid(read.ie, result.conditions.size(), Columns(read.ie), "conditions");
    RequireGrid(read.ci95, result.conditions.size(), Columns(read.ie), "ci95");
    return read;
  };
  result.average = read(json);
  if (result.conditions.empty()) throw Error("'conditions' names no condition");
  for (const FactPaths& fact : result.facts) {
    if (fact.conditions != result.conditions)
      throw Error("'probs' of a fact has other conditions than the average");
    RequireSize(fact.probs[0], Columns(result.average.ie), "probs");
  }
  if (json.contains("average_logit_diff")) result.logit_diff = read(json["average_logit_diff"]);
}

Json PathsJson(const PathsResults& results) {
  Json models = Json::array();
  for (const std::vector<PathsResult>& tokens : results)
    models.push_back(tokens.size() == 1 ? Json(tokens[0]) : Json{{"tokens", tokens}});
  return models.size() == 1 ? models[0] : Json{{"models", models}};
}

}  // namespace mambascope
