#include "mambascope/reports/fact_json.h"

#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

template <typename T>
Json RowsToJson(const std::vector<std::vector<T>>& grid) {
  Json rows = Json::array();
  for (const auto& row : grid) {
    Json cells = Json::array();
    for (const T& cell : row) cells.push_back(ValueJson(cell));
    rows.push_back(std::move(cells));
  }
  return rows;
}

}  // namespace

Json ToJson(const TraceGrid& grid) { return RowsToJson(grid); }
Json ToJson(const IntervalGrid& grid) { return RowsToJson(grid); }

TraceGrid ReadGrid(const Json& json) {
  TraceGrid grid;
  for (const Json& row : json) {
    grid.emplace_back();
    for (const Json& cell : row) grid.back().push_back(cell.is_null() ? std::nullopt : std::optional(cell.get<double>()));
  }
  return grid;
}

Json ToJson(const TracedFact& fact) {
  const Prompt& corrupt = fact.corrupt.value_or(fact.clean);
  return {{"relation", fact.relation.empty() ? Json() : Json(fact.relation)},
          {"subject", fact.clean.subject},
          {"corrupt_subject", fact.corrupt ? Json(fact.corrupt->subject) : Json()},
          {"prompt", fact.clean.text},
          {"answer", fact.answer},
          {"answer_id", fact.answer_id},
          {"p_clean", fact.p_clean},
          {"p_corrupt", fact.p_corrupt},
          {"tokens", fact.clean.tokens},
          {"corrupt_tokens", corrupt.tokens},
          {"subject_span", {fact.clean.subject_span.begin, fact.clean.subject_span.end}}};
}

TracedFact ReadFact(const Json& json) {
  TracedFact fact;
  fact.relation = json.at("relation").is_null() ? "" : json.at("relation").get<std::string>();
  fact.clean = {.text = json.at("prompt"),
                .ids = {},
                .tokens = json.at("tokens"),
                .subject = json.at("subject"),
                .subject_span = {json.at("subject_span").at(0), json.at("subject_span").at(1)}};
  if (!json.at("corrupt_subject").is_null())
    fact.corrupt =
        Prompt{.text = {}, .ids = {}, .tokens = json.at("corrupt_tokens"), .subject = json.at("corrupt_subject"), .subject_span = {}};
  fact.answer_id = json.at("answer_id");
  fact.answer = json.at("answer");
  fact.p_clean = json.at("p_clean");
  fact.p_corrupt = json.at("p_corrupt");
  return fact;
}

Json ToJson(const FactTrace& trace) {
  Json json = ToJson(trace.fact);
  json["probs"] = ToJson(trace.probs);
  return json;
}

FactTrace ReadTrace(const Json& json, const std::string& grid) { return {ReadFact(json), ReadGrid(json.at(grid))}; }

Json ToJson(const FactPaths& paths, const std::vector<std::string>& conditions) {
  Json json = ToJson(paths.fact);
  for (size_t c = 0; c < conditions.size(); ++c) json["probs"][conditions[c]] = paths.probs[c];
  return json;
}

FactPaths ReadPaths(const Json& json, const std::vector<std::string>& conditions) {
  FactPaths paths{ReadFact(json), {}};
  for (const std::string& condition : conditions) paths.probs.push_back(json.at("probs").at(condition));
  return paths;
}

}  // namespace mambascope
