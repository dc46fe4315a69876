#include "mambascope/reports/knockout_json.h"

#include <algorithm>

#include "mambascope/experiments/statistics.h"
#include "mambascope/reports/result_page.h"
#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

using Cells = std::vector<std::vector<AnswerCell>>;

// One of a cell's values, [row][window].
template <typename Value>
Json Rows(const Cells& cells, Value AnswerCell::*value) {
  Json rows = Json::array();
  for (const auto& row : cells) {
    rows.push_back(Json::array());
    for (const AnswerCell& cell : row) rows.back().push_back(cell.*value);
  }
  return rows;
}

Cells ReadCells(const Json& probabilities, const Json& tops) {
  Cells cells;
  for (size_t row = 0; row < probabilities.size(); ++row) {
    cells.emplace_back();
    for (size_t w = 0; w < probabilities[row].size(); ++w) cells.back().push_back({probabilities[row][w], tops[row][w]});
  }
  return cells;
}

Json BaseJson(const std::vector<KnockedFact>& facts) {
  std::vector<double> p, is_top;
  for (const KnockedFact& fact : facts) {
    p.push_back(fact.base.p);
    is_top.push_back(fact.base.is_top ? 1 : 0);
  }
  return {{"accuracy", Mean(is_top)}, {"mean_probability", Mean(p)}};
}

Json CurvesJson(const KnockoutResult& result, const std::vector<KnockedFact>& facts) {
  Json curves = Json::array();
  for (size_t f = 0; f < result.flows.size(); ++f) {
    const Flow& flow = result.flows[f];
    const KnockoutAverage average = AverageKnockouts(facts, f);
    Json ci95 = Json::array();
    for (const auto& interval : average.ci95) ci95.push_back(ValueJson(interval));
    const bool cut = !flow.to.empty();
    curves.push_back({{"from", flow.from},
                      {"to", cut ? Json(flow.to) : Json()},
                      {"channels", cut ? Json(result.channels.at(flow.group)) : Json()},
                      {"mode", result.mode},
                      {"window", result.window},
                      {"x", result.x},
                      {"probability_change_percent", average.change},
                      {"ci95", ci95},
                      {"accuracy_percent", average.accuracy},
                      {"facts_with_sources", average.with_sources}});
  }
  return curves;
}

Json PartsJson(const AnswerParts& parts) {
  return {{"logit", parts.logit}, {"by_token", parts.by_token},   {"skip", parts.skip},    {"bias", parts.bias},
          {"mlp", parts.mlp},     {"embedding", parts.embedding}, {"offset", parts.offset}};
}

AnswerParts ReadParts(const Json& json) {
  return {.logit = json.at("logit"),
          .by_token = json.at("by_token"),
          .skip = json.at("skip"),
          .bias = json.at("bias"),
          .mlp = json.at("mlp"),
          .embedding = json.at("embedding"),
          .offset = json.at("offset")};
}

Json CarriedJson(const KnockoutResult& result) {
  Json curves = Json::array();
  for (const std::string& set : SourcesOf(result)) {
    const CarriedAverage average = AverageCarried(result.facts, set);
    Json ci95 = Json::array();
    for (const auto& interval : average.ci95) ci95.push_back(ValueJson(interval));
    curves.push_back({{"from", set}, {"logit", average.logit}, {"ci95", ci95}});
  }
  return curves;
}

Json ModelJson(const KnockoutResult& result) {
  Json json = {{"options", result.options},
               {"base", BaseJson(result.facts)},
               {"curves", CurvesJson(result, result.facts)},
               {"facts", Json::array()}};
  for (const KnockedFact& fact : result.facts) json["facts"].push_back(ToJson(fact, result.x));
  if (result.facts[0].parts) json["decompose"] = CarriedJson(result);
  if (result.relations.empty()) return json;
  json["relations"] = RelationsJson(result.relations);
  json["by_relation"] = Json::array();
  for (const auto& [name, facts] : ByRelation(result)) {
    json["by_relation"].push_back(
        {{"name", name}, {"facts", facts.size()}, {"base", BaseJson(facts)}, {"curves", CurvesJson(result, facts)}});
  }
  return json;
}

}  // namespace

Json ToJson(const KnockedFact& fact, const std::vector<int>& x) {
  Json json = {{"relation", fact.relation.empty() ? Json() : Json(fact.relation)},
               {"subject", fact.prompt.subject},
               {"prompt", fact.prompt.text},
               {"answer", fact.answer},
               {"answer_id", fact.answer_id},
               {"p_base", fact.base.p},
               {"base_is_top", fact.base.is_top},
               {"tokens", fact.prompt.tokens},
               {"subject_span", {fact.prompt.subject_span.begin, fact.prompt.subject_span.end}},
               {"sources", fact.sources},
               {"probs", Rows(fact.cells, &AnswerCell::p)},
               {"is_top", Rows(fact.cells, &AnswerCell::is_top)}};
  if (!fact.heatmap.empty())
    json["heatmap"] = {{"tokens", fact.prompt.tokens},
                       {"x", x},
                       {"probs", Rows(fact.heatmap, &AnswerCell::p)},
                       {"is_top", Rows(fact.heatmap, &AnswerCell::is_top)}};
  if (fact.parts) json["decompose"] = PartsJson(*fact.parts);
  return json;
}

KnockedFact ReadKnockedFact(const Json& json) {
  KnockedFact fact{.relation = json.at("relation").is_null() ? "" : json.at("relation").get<std::string>(),
                   .prompt = {.text = json.at("prompt"),
                              .ids = {},
                              .tokens = json.at("tokens"),
                              .subject = json.at("subject"),
                              .subject_span = {json.at("subject_span").at(0), json.at("subject_span").at(1)}},
                   .answer_id = json.at("answer_id"),
                   .answer = json.at("answer"),
                   .base = {json.at("p_base"), json.at("base_is_top")},
                   .cells = ReadCells(json.at("probs"), json.at("is_top")),
                   .sources = json.at("sources")};
  if (json.contains("decompose")) fact.parts = ReadParts(json["decompose"]);
  if (json.contains("heatmap")) fact.heatmap = ReadCells(json["heatmap"].at("probs"), json["heatmap"].at("is_top"));
  return fact;
}

std::vector<std::string> SourcesOf(const KnockoutResult& result) {
  std::vector<std::string> sets;
  for (const Flow& flow : result.flows) {
    if (std::find(sets.begin(), sets.end(), flow.from) == sets.end()) sets.push_back(flow.from);
  }
  return sets;
}

std::vector<std::pair<std::string, std::vector<KnockedFact>>> ByRelation(const KnockoutResult& result) {
  std::vector<std::pair<std::string, std::vector<KnockedFact>>> relations;
  for (const RelationCount& relation : result.relations) {
    std::vector<KnockedFact> own;
    for (const KnockedFact& fact : result.facts) {
      if (fact.relation == relation.name) own.push_back(fact);
    }
    if (!own.empty()) relations.emplace_back(relation.name, std::move(own));
  }
  return relations;
}

Json KnockoutJson(const std::vector<KnockoutResult>& results) {
  if (results.size() == 1) return ModelJson(results[0]);
  Json models = Json::array();
  for (const KnockoutResult& result : results) models.push_back(ModelJson(result));
  return {{"models", models}};
}

}  // namespace mambascope
