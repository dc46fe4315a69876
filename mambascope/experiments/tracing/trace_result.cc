#include "mambascope/experiments/tracing/trace_result.h"

#include "mambascope/experiments/facts/fact_json.h"
#include "mambascope/experiments/result_shape.h"

namespace mambascope {
namespace {

Json AverageJson(const TraceAverage& average) {
  return {{"rows", kTraceRows},
          {"ie", average.ie},
          {"as_published", average.as_published},
          {"ci95", average.ci95},
          {"facts_per_row", average.facts_per_row},
          {"guarded", average.guarded}};
}

// Published results have no average of logit differences.
Json LogitDiffJson(const TraceAverage& average) {
  Json json = AverageJson(average);
  json.erase("as_published");
  return json;
}

// Without `as_published`.
TraceAverage ReadLogitDiff(const Json& json) {
  TraceAverage average{.ie = json.at("ie"),
                       .as_published = {},
                       .ci95 = json.at("ci95"),
                       .facts_per_row = json.at("facts_per_row"),
                       .guarded = json.at("guarded")};
  RequireGrid(average.ie, kTraceRows.size(), Columns(average.ie), "ie");
  RequireGrid(average.ci95, kTraceRows.size(), Columns(average.ie), "ci95");
  return average;
}

TraceAverage ReadAverage(const Json& json) {
  TraceAverage average = ReadLogitDiff(json);
  average.as_published = json.at("as_published");
  RequireGrid(average.as_published, kTraceRows.size(), Columns(average.ie), "as_published");
  return average;
}

// Throws Error unless all grids of the fact are [token][layer].
void CheckTrace(const FactTrace& trace) {
  const size_t tokens = trace.fact.clean.ids.size(), layers = Columns(trace.probs);
  RequireGrid(trace.probs, tokens, layers, "probs");
  if (!trace.logit_diff.empty()) RequireGrid(trace.logit_diff, tokens, layers, "logit_diff");
  if (trace.ssm_out.empty()) return;
  RequireGrid(trace.ssm_out, tokens, layers, "ssm_out");
  RequireGrid(trace.gate, tokens, layers, "gate");
}

// Throws Error unless the result and its facts have as many layers.
void CheckTraces(const TraceResult& result) {
  const size_t layers = Columns(result.summary.average.ie);
  for (const FactTrace& trace : result.facts)
    RequireGrid(trace.probs, trace.probs.size(), layers, "probs");
}

}  // namespace

TraceSummary SummarizeTraces(const std::vector<FactTrace>& facts, Metric metric) {
  TraceSummary summary{.average = AverageTraces(facts)};
  if (metric == Metric::kLogitDiff) summary.logit_diff = AverageLogitDiffs(facts);
  if (!facts.empty() && !facts[0].ssm_out.empty())
    summary.isolated = IsolatedEffects{.difference = IsolateOutputProjection(facts),
                                       .ssm_out = AverageTraces(facts, &FactTrace::ssm_out),
                                       .gate = AverageTraces(facts, &FactTrace::gate)};
  return summary;
}

void to_json(Json& json, const FactTrace& trace) {
  json = trace.fact;
  json["probs"] = trace.probs;
  json["logit_diff"] = trace.logit_diff.empty() ? Json() : Json(trace.logit_diff);
  if (trace.ssm_out.empty()) return;
  json["ssm_out"] = trace.ssm_out;
  json["gate"] = trace.gate;
}

void from_json(const Json& json, FactTrace& trace) {
  trace = {.fact = json.get<TracedFact>(), .probs = json.at("probs")};
  if (!json.at("logit_diff").is_null()) trace.logit_diff = json["logit_diff"];
  if (json.contains("ssm_out")) {
    trace.ssm_out = json.at("ssm_out");
    trace.gate = json.at("gate");
  }
  CheckTrace(trace);
}

void to_json(Json& json, const TraceResult& result) {
  json = {{"options", result.options},
          {"name", result.name},
          {"metric", MetricName(result.metric)},
          {"site", SiteName(result.site)},
          {"window", result.window},
          {"facts", result.facts},
          {"average", AverageJson(result.summary.average)}};
  if (!result.relations.empty()) json["relations"] = result.relations;
  if (result.summary.logit_diff)
    json["average_logit_diff"] = LogitDiffJson(*result.summary.logit_diff);
  if (!result.summary.isolated) return;
  json["isolate"] = AverageJson(result.summary.isolated->difference);
  json["isolate"]["ssm_out"] = AverageJson(result.summary.isolated->ssm_out);
  json["isolate"]["gate"] = AverageJson(result.summary.isolated->gate);
}

void from_json(const Json& json, TraceResult& result) {
  result = {.options = json.at("options"),
            .name = json.at("name"),
            .site = ReadSite(json.at("site").get<std::string>()),
            .window = json.at("window"),
            .facts = json.at("facts"),
            .relations = json.value("relations", std::vector<RelationCount>()),
            .summary = {.average = ReadAverage(json.at("average"))},
            .metric = ReadMetric(json.at("metric"))};
  CheckTraces(result);
  if (json.contains("average_logit_diff"))
    result.summary.logit_diff = ReadLogitDiff(json["average_logit_diff"]);
  if (!json.contains("isolate")) return;
  const Json& isolate = json["isolate"];
  result.summary.isolated = IsolatedEffects{.difference = ReadAverage(isolate),
                                            .ssm_out = ReadAverage(isolate.at("ssm_out")),
                                            .gate = ReadAverage(isolate.at("gate"))};
}

Json TraceJson(const TraceResults& results) {
  Json models = Json::array();
  for (const std::vector<TraceResult>& sites : results)
    models.push_back(sites.size() == 1 ? Json(sites[0]) : Json{{"sites", sites}});
  return models.size() == 1 ? models[0] : Json{{"models", models}};
}

}  // namespace mambascope
