#include "mambascope/report/lre_json.h"

#include <algorithm>
#include <utility>

#include "mambascope/report/values.h"

namespace mambascope {
namespace {

constexpr double kPercent = 100;

Json SamplesJson(const std::vector<Sample>& samples) {
  Json list = Json::array();
  for (const Sample& sample : samples) list.push_back({{"subject", sample.subject}, {"object", sample.object}});
  return list;
}

// The means, and their standard deviations where there is more than one value.
Json MeansJson(const std::vector<std::pair<const char*, Percentage>>& values) {
  Json json = Json::object();
  for (const auto& [key, value] : values) {
    json[key] = value.mean;
    if (value.count > 1) json["std"][key] = value.std;
  }
  return json;
}

Json SummaryJson(const LreLayerSummary& l) {
  Json json = MeansJson({{"faithfulness", l.faithfulness},
                         {"causality", l.causality},
                         {"identity", l.identity},
                         {"translation", l.translation},
                         {"regression", l.regression}});
  json.update({{"layer", LayerJson(l.layer)}, {"beta", l.beta}, {"rank", l.rank}});
  return json;
}

Json TrialLayerJson(const LreRelation& relation, const LreLayer& l) {
  return {{"layer", LayerJson(l.layer)},
          {"faithfulness", kPercent * l.faithfulness[l.beta]},
          {"faithfulness_in_3", kPercent * l.faithfulness_in_3[l.beta]},
          {"causality", kPercent * l.causality[l.rank]},
          {"identity", kPercent * l.identity},
          {"translation", kPercent * l.translation},
          {"regression", kPercent * l.regression},
          {"beta", relation.betas[l.beta]},
          {"rank", relation.ranks[l.rank]}};
}

Json TrialJson(const LreRelation& relation, const LreTrial& trial) {
  Json json = {{"train", SamplesJson(trial.train)}};
  if (!trial.skipped.empty()) {
    json["skipped"] = trial.skipped;
    return json;
  }
  json.update({{"tested", trial.tested.size()},
               {"edited", trial.edited},
               {"majority", kPercent * trial.majority},
               {"layer", LayerJson(relation.layers[trial.faithful])},
               {"causal_layer", LayerJson(relation.layers[trial.causal])},
               {"by_layer", Json::array()}});
  for (const LreLayer& layer : trial.layers) json["by_layer"].push_back(TrialLayerJson(relation, layer));
  return json;
}

}  // namespace

Json LayerJson(int layer) { return layer == kEmbedLayer ? Json("embed") : Json(layer); }

Json LreLine(const LreRelation& r, const std::string& kind) {
  Json json = {{"name", r.name}, {"kind", kind}, {"samples", r.samples}, {"range", r.range}};
  if (!r.skipped.empty()) {
    json["skipped"] = r.skipped;
    return json;
  }
  double known = 0;
  const std::vector<const LreTrial*> done = r.Done();
  for (const LreTrial* trial : done) known += static_cast<double>(trial->tested.size()) / static_cast<double>(done.size());
  json.update(MeansJson({{"faithfulness", *r.faithfulness}, {"causality", *r.causality}}));
  json.update({{"chance", kPercent * r.chance},
               {"known", known},
               {"layer", LayerJson(r.layers[r.faithful])},
               {"causal_layer", LayerJson(r.layers[r.causal])},
               {"beta", r.by_layer[r.faithful].beta},
               {"rank", r.by_layer[r.causal].rank},
               {"ci95", {{"faithfulness", ValueJson(r.faithfulness->interval)}, {"causality", ValueJson(r.causality->interval)}}},
               {"by_layer", Json::array()},
               {"trials", Json::array()}});
  for (const LreLayerSummary& layer : r.by_layer) json["by_layer"].push_back(SummaryJson(layer));
  for (const LreTrial& trial : r.trials) json["trials"].push_back(TrialJson(r, trial));
  return json;
}

LreRemake LreFromLine(const Json& line) {
  const Json& trials = line.at("trials");
  const Json& trial = *std::find_if(trials.begin(), trials.end(), [](const Json& t) { return !t.contains("skipped"); });
  const Json& layers = trial.at("by_layer");
  const Json& layer = *std::find_if(layers.begin(), layers.end(), [&](const Json& l) { return l.at("layer") == trial.at("layer"); });
  const int number = layer.at("layer").is_string() ? kEmbedLayer : layer.at("layer").get<int>();
  LreTrial remade{.train = {}, .tested = {}, .layers = {{.layer = number}}};
  for (const Json& sample : trial.at("train")) remade.train.push_back({sample.at("subject"), sample.at("object")});
  return {{.name = line.at("name"), .layers = {number}, .betas = {layer.at("beta").get<double>()}, .trials = {remade}},
          layer.at("rank").get<int64_t>()};
}

Json LreJson(const Json& options, const std::vector<Json>& lines) {
  Json json = {{"options", options}, {"relations", Json::array()}, {"skipped", Json::array()}};
  for (const Json& line : lines) {
    if (line.contains("skipped"))
      json["skipped"].push_back({{"name", line.at("name")}, {"kind", line.at("kind")}, {"reason", line.at("skipped")}});
    else json["relations"].push_back(line);
  }
  return json;
}

}  // namespace mambascope
