#include "mambascope/experiments/knockout/knockout_result.h"

#include <algorithm>

#include "mambascope/experiments/facts/fact_json.h"
#include "mambascope/experiments/result_shape.h"
#include "mambascope/experiments/statistics.h"

namespace mambascope {
namespace {

using AnswerCells = std::vector<std::vector<AnswerCell>>;

// One member of each cell, [row][window].
template <typename Value>
Json CellRows(const AnswerCells& cells, Value AnswerCell::*value) {
  Json rows = Json::array();
  for (const auto& row : cells) {
    rows.push_back(Json::array());
    for (const AnswerCell& cell : row) rows.back().push_back(cell.*value);
  }
  return rows;
}

AnswerCells ReadCells(const Json& probabilities, const Json& tops) {
  const auto p = probabilities.get<std::vector<std::vector<double>>>();
  const auto is_top = tops.get<std::vector<std::vector<bool>>>();
  RequireSize(is_top, p.size(), "is_top");
  AnswerCells cells;
  for (size_t row = 0; row < p.size(); ++row) {
    RequireSize(is_top[row], p[row].size(), "is_top");
    cells.emplace_back();
    for (size_t w = 0; w < p[row].size(); ++w) cells.back().push_back({p[row][w], is_top[row][w]});
  }
  return cells;
}

KnockoutCurves AverageAll(const std::vector<KnockedFact>& facts, size_t flows) {
  KnockoutCurves curves;
  std::vector<double> p, is_top;
  for (const KnockedFact& fact : facts) {
    p.push_back(fact.base.p);
    is_top.push_back(fact.base.is_top ? 1 : 0);
  }
  curves.accuracy = Mean(is_top);
  curves.mean_probability = Mean(p);
  for (size_t f = 0; f < flows; ++f) curves.flows.push_back(AverageKnockouts(facts, f));
  return curves;
}

CarriedCurves AverageAllCarried(const std::vector<KnockedFact>& facts,
                                const std::vector<std::string>& sources) {
  CarriedCurves carried{.sources = sources, .average = {}};
  std::vector<double> logits;
  for (const KnockedFact& fact : facts) logits.push_back(fact.parts->logit);
  carried.mean_logit = Mean(logits);
  for (const std::string& set : sources) carried.average.push_back(AverageCarried(facts, set));
  return carried;
}

Json BaseJson(const KnockoutCurves& curves) {
  return {{"accuracy", curves.accuracy}, {"mean_probability", curves.mean_probability}};
}

// `flows` gives the flows, and how they were severed.
Json CurvesJson(const KnockoutResult& flows, const KnockoutCurves& curves) {
  Json json = Json::array();
  for (size_t f = 0; f < flows.flows.size(); ++f) {
    const Flow& flow = flows.flows[f];
    const KnockoutAverage& average = curves.flows[f];
    const bool cut = !flow.to.empty();
    json.push_back({{"from", flow.from},
                    {"to", cut ? Json(flow.to) : Json()},
                    {"channels", cut ? Json(flows.channels.at(flow.group)) : Json()},
                    {"mixers", cut ? Json(flows.mixers.at(flow.group)) : Json()},
                    {"mode", flows.mode},
                    {"window", flows.lengths.at(flow.windows).window},
                    {"x", flows.lengths.at(flow.windows).x},
                    {"probability_change_percent", average.change},
                    {"ci95", average.ci95},
                    {"accuracy_percent", average.accuracy},
                    {"facts_with_sources", average.with_sources}});
  }
  return json;
}

KnockoutCurves ReadCurves(const Json& base, const Json& curves) {
  KnockoutCurves read{.accuracy = base.at("accuracy"),
                      .mean_probability = base.at("mean_probability"),
                      .flows = {}};
  for (const Json& curve : curves)
    read.flows.push_back({.change = curve.at("probability_change_percent"),
                          .ci95 = curve.at("ci95"),
                          .accuracy = curve.at("accuracy_percent"),
                          .with_sources = curve.at("facts_with_sources")});
  return read;
}

// Reads the flows, the names of their channel groups and their windows from the curves.
void ReadFlows(const Json& curves, KnockoutResult& result) {
  for (const Json& curve : curves) {
    Flow flow{.from = curve.at("from"),
              .to = curve.at("to").is_null() ? "" : curve.at("to").get<std::string>()};
    const std::string channels =
        curve.at("channels").is_null() ? "all" : curve.at("channels").get<std::string>();
    const auto found = std::find(result.channels.begin(), result.channels.end(), channels);
    flow.group = static_cast<size_t>(found - result.channels.begin());
    if (found == result.channels.end()) {
      result.channels.push_back(channels);
      result.mixers.push_back(curve.at("mixers").is_null() ? "all"
                                                           : curve.at("mixers").get<std::string>());
    }
    const int window = curve.at("window");
    const auto length =
        std::find_if(result.lengths.begin(), result.lengths.end(),
                     [&](const WindowPlaces& places) { return places.window == window; });
    flow.windows = static_cast<size_t>(length - result.lengths.begin());
    if (length == result.lengths.end()) result.lengths.push_back({window, curve.at("x")});
    result.flows.push_back(flow);
  }
}

// Throws Error unless there is a curve for each flow, with a value for each of its windows.
void CheckCurves(const KnockoutResult& result, const KnockoutCurves& curves) {
  RequireSize(curves.flows, result.flows.size(), "curves");
  for (size_t f = 0; f < result.flows.size(); ++f) {
    const size_t windows = result.lengths[result.flows[f].windows].x.size();
    RequireSize(curves.flows[f].change, windows, "probability_change_percent");
    RequireSize(curves.flows[f].ci95, windows, "ci95");
    RequireSize(curves.flows[f].accuracy, windows, "accuracy_percent");
  }
}

// Throws Error unless each fact has a cell for each flow and window.
void CheckCells(const KnockoutResult& result) {
  for (const KnockedFact& fact : result.facts) {
    RequireSize(fact.cells, result.flows.size(), "probs");
    RequireSize(fact.sources, result.flows.size(), "sources");
    for (size_t f = 0; f < result.flows.size(); ++f)
      RequireSize(fact.cells[f], result.lengths[result.flows[f].windows].x.size(), "probs");
  }
}

// Throws Error unless the parts are [layer] and [layer][token].
void CheckParts(const AnswerParts& parts, size_t tokens) {
  const size_t layers = parts.by_token.size();
  RequireGrid(parts.by_token, layers, tokens, "by_token");
  for (const auto* part : {&parts.skip, &parts.bias, &parts.mlp})
    RequireSize(*part, layers, "skip, bias or mlp");
}

Json PartsJson(const AnswerParts& parts) {
  return {{"logit", parts.logit},  {"by_token", parts.by_token}, {"skip", parts.skip},
          {"bias", parts.bias},    {"mlp", parts.mlp},           {"embedding", parts.embedding},
          {"offset", parts.offset}};
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

Json CarriedJson(const CarriedCurves& carried) {
  Json curves = Json::array();
  for (size_t i = 0; i < carried.sources.size(); ++i)
    curves.push_back({{"from", carried.sources[i]},
                      {"logit", carried.average[i].logit},
                      {"ci95", carried.average[i].ci95}});
  return curves;
}

}  // namespace

std::vector<std::string> ListSources(const std::vector<Flow>& flows) {
  std::vector<std::string> sets;
  for (const Flow& flow : flows) {
    if (std::find(sets.begin(), sets.end(), flow.from) == sets.end()) sets.push_back(flow.from);
  }
  return sets;
}

KnockoutSummary SummarizeKnockouts(const KnockoutResult& result) {
  KnockoutSummary summary{.all = AverageAll(result.facts, result.flows.size())};
  for (const RelationCount& relation : result.relations) {
    std::vector<KnockedFact> own;
    std::copy_if(result.facts.begin(), result.facts.end(), std::back_inserter(own),
                 [&](const KnockedFact& fact) { return fact.relation == relation.name; });
    if (!own.empty())
      summary.relations.push_back(
          {relation.name, static_cast<int64_t>(own.size()), AverageAll(own, result.flows.size())});
  }
  if (result.facts.at(0).parts)
    summary.carried = AverageAllCarried(result.facts, ListSources(result.flows));
  return summary;
}

void to_json(Json& json, const KnockedFact& fact) {
  json = PromptJson(fact.prompt);
  json.update({{"relation", RelationNameJson(fact.relation)},
               {"answer", fact.answer},
               {"answer_id", fact.answer_id},
               {"p_base", fact.base.p},
               {"base_is_top", fact.base.is_top},
               {"sources", fact.sources},
               {"probs", CellRows(fact.cells, &AnswerCell::p)},
               {"is_top", CellRows(fact.cells, &AnswerCell::is_top)}});
  if (!fact.heatmap.empty())
    json["heatmap"] = {{"tokens", fact.prompt.tokens},
                       {"x", fact.places},
                       {"probs", CellRows(fact.heatmap, &AnswerCell::p)},
                       {"is_top", CellRows(fact.heatmap, &AnswerCell::is_top)}};
  if (fact.parts) json["decompose"] = PartsJson(*fact.parts);
}

void from_json(const Json& json, KnockedFact& fact) {
  fact = {.relation = ReadRelationName(json.at("relation")),
          .prompt = ReadPrompt(json),
          .answer_id = json.at("answer_id"),
          .answer = json.at("answer"),
          .base = {json.at("p_base"), json.at("base_is_top")},
          .cells = ReadCells(json.at("probs"), json.at("is_top")),
          .sources = json.at("sources")};
  if (json.contains("decompose")) {
    fact.parts = ReadParts(json["decompose"]);
    CheckParts(*fact.parts, fact.prompt.ids.size());
  }
  if (!json.contains("heatmap")) return;
  fact.heatmap = ReadCells(json["heatmap"].at("probs"), json["heatmap"].at("is_top"));
  fact.places = json["heatmap"].at("x").get<std::vector<int>>();
  RequireGrid(fact.heatmap, fact.prompt.ids.size(), fact.places.size(), "heatmap");
}

void to_json(Json& json, const KnockoutResult& result) {
  json = {{"options", result.options},
          {"name", result.name},
          {"windows", result.windows == KnockoutResult::Windows::kAround ? "around" : "whole"},
          {"base", BaseJson(result.summary.all)},
          {"curves", CurvesJson(result, result.summary.all)},
          {"facts", result.facts}};
  if (result.summary.carried) {
    json["decompose"] = CarriedJson(*result.summary.carried);
    json["mean_logit"] = result.summary.carried->mean_logit;
  }
  if (result.relations.empty()) return;
  json["relations"] = result.relations;
  json["by_relation"] = Json::array();
  for (const RelationKnockout& relation : result.summary.relations) {
    json["by_relation"].push_back({{"name", relation.name},
                                   {"facts", relation.facts},
                                   {"base", BaseJson(relation.curves)},
                                   {"curves", CurvesJson(result, relation.curves)}});
  }
}

void from_json(const Json& json, KnockoutResult& result) {
  const Json& curves = json.at("curves");
  result = {.options = json.at("options"),
            .name = json.at("name"),
            .mode = curves.at(0).at("mode"),
            .windows = json.at("windows") == "around" ? KnockoutResult::Windows::kAround
                                                      : KnockoutResult::Windows::kWhole,
            .lengths = {},
            .flows = {},
            .channels = {},
            .mixers = {},
            .facts = json.at("facts"),
            .relations = json.value("relations", std::vector<RelationCount>())};
  ReadFlows(curves, result);
  result.summary.all = ReadCurves(json.at("base"), curves);
  for (const Json& relation : json.value("by_relation", Json::array()))
    result.summary.relations.push_back({relation.at("name"), relation.at("facts"),
                                        ReadCurves(relation.at("base"), relation.at("curves"))});
  CheckCells(result);
  CheckCurves(result, result.summary.all);
  for (const RelationKnockout& relation : result.summary.relations)
    CheckCurves(result, relation.curves);
  if (!json.contains("decompose")) return;
  CarriedCurves& carried = result.summary.carried.emplace();
  carried.mean_logit = json.at("mean_logit");
  for (const Json& curve : json["decompose"]) {
    carried.sources.push_back(curve.at("from"));
    carried.average.push_back({.logit = curve.at("logit"), .ci95 = curve.at("ci95")});
    RequireSize(carried.average.back().ci95, carried.average.back().logit.size(), "ci95");
  }
}

Json KnockoutJson(const std::vector<KnockoutResult>& results) {
  if (results.size() == 1) return results[0];
  return {{"models", results}};
}

std::vector<KnockoutResult> ReadKnockouts(const Json& json) {
  if (json.contains("models")) return json["models"];
  return {json.get<KnockoutResult>()};
}

}  // namespace mambascope
