#include "mambascope/reports/lre_json.h"

#include <algorithm>
#include <utility>

#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

constexpr double kPercent = 100;

// The means, and their standard deviations where there is more than one value.
Json MeansJson(const std::vector<std::pair<const char*, Percentage>>& values) {
  Json json = Json::object();
  for (const auto& [key, value] : values) {
    json[key] = value.mean;
    if (value.count > 1) json["std"][key] = value.std;
  }
  return json;
}

Json SummaryJson(const LreSummary& s) {
  Json json = MeansJson({{"faithfulness", s.faithfulness},
                         {"faithfulness_in_3", s.faithfulness_in_3},
                         {"causality", s.causality},
                         {"identity", s.identity},
                         {"translation", s.translation},
                         {"regression", s.regression}});
  json.update({{"beta", s.beta}, {"rank", s.rank}});
  return json;
}

Json ChosenOn(const std::vector<double>& shares, size_t chosen) { return shares.empty() ? Json() : Json(kPercent * shares[chosen]); }

Json TrialLayerJson(const LreRelation& relation, const LreLayer& l) {
  return {{"layer", LayerJson(l.layer)},
          {"faithfulness", kPercent * l.faithfulness[l.beta]},
          {"faithfulness_in_3", kPercent * l.faithfulness_in_3[l.beta]},
          {"causality", kPercent * l.causality[l.rank]},
          {"held_out_faithfulness", ChosenOn(l.held_out_faithfulness, l.beta)},
          {"training_causality", ChosenOn(l.training_causality, l.rank)},
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
  json.update({{"known", trial.known},
               {"tested", trial.tested.size()},
               {"edited", trial.edited},
               {"majority", kPercent * trial.majority},
               {"layer", LayerJson(relation.layers[trial.most_faithful])},
               {"causal_layer", LayerJson(relation.layers[trial.most_causal])},
               {"by_layer", Json::array()}});
  for (const LreLayer& layer : trial.layers) json["by_layer"].push_back(TrialLayerJson(relation, layer));
  return json;
}

}  // namespace

Json LayerJson(int layer) { return layer == kEmbedLayer ? Json("embed") : Json(layer); }

Json LreLine(const LreRelation& r, const Relation& relation) {
  Json json = {{"name", r.name},
               {"kind", relation.properties.relation_type},
               {"template", relation.prompt_templates[0]},
               {"samples", r.samples},
               {"range", r.range}};
  if (!r.skipped.empty()) {
    json["skipped"] = r.skipped;
    return json;
  }
  double known = 0;
  const std::vector<const LreTrial*> done = r.Done();
  for (const LreTrial* trial : done) known += static_cast<double>(trial->known);
  json.update(SummaryJson(r.chosen));
  json.update({{"chance", kPercent * r.chance},
               {"known", known / static_cast<double>(done.size())},
               {"layer", LayerJson(r.layers[r.most_faithful])},
               {"causal_layer", LayerJson(r.layers[r.most_causal])},
               {"ci95",
                {{"faithfulness", ValueJson(CutAt100(r.chosen.faithfulness.interval))},
                 {"causality", ValueJson(CutAt100(r.chosen.causality.interval))}}},
               {"by_layer", Json::array()},
               {"trials", Json::array()}});
  for (size_t i = 0; i < r.layers.size(); ++i) {
    json["by_layer"].push_back(SummaryJson(r.by_layer[i]));
    json["by_layer"].back()["layer"] = LayerJson(r.layers[i]);
  }
  for (const LreTrial& trial : r.trials) json["trials"].push_back(TrialJson(r, trial));
  return json;
}

LreChoice ChoiceFromLine(const Json& line) {
  const Json& trials = line.at("trials");
  const Json& trial = *std::find_if(trials.begin(), trials.end(), [](const Json& t) { return !t.contains("skipped"); });
  const Json& layers = trial.at("by_layer");
  const Json& layer = *std::find_if(layers.begin(), layers.end(), [&](const Json& l) { return l.at("layer") == trial.at("layer"); });
  return {.train = ReadSamples({trial.at("train"), "lre.jsonl"}),
          .layer = layer.at("layer").is_string() ? kEmbedLayer : layer.at("layer").get<int>(),
          .beta = layer.at("beta"),
          .rank = layer.at("rank")};
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
