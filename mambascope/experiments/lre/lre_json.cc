#include "mambascope/experiments/lre/lre_json.h"

namespace mambascope {
namespace {

using Interval95Json = std::optional<std::pair<double, double>>;

int ReadLayer(const Json& json) { return json.is_string() ? kEmbedLayer : json.get<int>(); }

// Calls use(key, mean) for each of the means.
template <typename Means, typename Use>
void ForEachMean(Means& means, const Use& use) {
  use("faithfulness", means.faithfulness);
  use("faithfulness_in_3", means.faithfulness_in_3);
  use("causality", means.causality);
  use("identity", means.identity);
  use("translation", means.translation);
  use("regression", means.regression);
}

// Adds the means. Their standard deviations are added when there is more than one trial.
void AddMeans(Json& json, const LreMeans& means) {
  ForEachMean(means, [&](const char* key, const MeanOverTrials& value) {
    json[key] = value.mean;
    if (value.std) json["std"][key] = *value.std;
  });
  json.update({{"beta", means.beta}, {"rank", means.rank}});
}

LreMeans ReadMeans(const Json& json) {
  LreMeans means{.beta = json.at("beta").get<double>(), .rank = json.at("rank").get<double>()};
  const Json stds = json.value("std", Json::object());
  ForEachMean(means, [&](const char* key, MeanOverTrials& value) {
    value = {json.at(key).get<double>(), stds.value(key, Json()).get<std::optional<double>>()};
  });
  return means;
}

Json TrialLayerJson(const TrialLayer& l) {
  Json json = {{"layer", LayerJson(l.layer)},
               {"held_out_faithfulness", l.held_out_faithfulness},
               {"training_causality", l.training_causality},
               {"beta", l.beta},
               {"rank", l.rank}};
  ForEachMean(l, [&](const char* key, double share) { json[key] = share; });
  return json;
}

TrialLayer ReadTrialLayer(const Json& json) {
  TrialLayer layer{
      .layer = ReadLayer(json.at("layer")),
      .beta = json.at("beta").get<double>(),
      .rank = json.at("rank").get<int64_t>(),
      .held_out_faithfulness = json.at("held_out_faithfulness").get<std::optional<double>>(),
      .training_causality = json.at("training_causality").get<std::optional<double>>()};
  ForEachMean(layer, [&](const char* key, double& share) { share = json.at(key).get<double>(); });
  return layer;
}

Json TrialJson(const TrialResult& trial) {
  Json json = {{"train", SamplesJson(trial.train)}};
  if (!trial.skipped.empty()) {
    json["skipped"] = trial.skipped;
    return json;
  }
  json.update({{"known", trial.known},
               {"tested", trial.tested},
               {"edited", trial.edited},
               {"majority", trial.majority},
               {"layer", LayerJson(trial.layer)},
               {"causal_layer", LayerJson(trial.causal_layer)},
               {"by_layer", Json::array()}});
  for (const TrialLayer& layer : trial.by_layer) json["by_layer"].push_back(TrialLayerJson(layer));
  return json;
}

TrialResult ReadTrial(const Json& json) {
  TrialResult trial{.train = ReadSamples({json.at("train"), "lre.jsonl"}),
                    .skipped = json.value("skipped", "")};
  if (!trial.skipped.empty()) return trial;
  trial.known = json.at("known").get<int64_t>();
  trial.tested = json.at("tested").get<int64_t>();
  trial.edited = json.at("edited").get<int64_t>();
  trial.majority = json.at("majority").get<double>();
  trial.layer = ReadLayer(json.at("layer"));
  trial.causal_layer = ReadLayer(json.at("causal_layer"));
  for (const Json& layer : json.at("by_layer")) trial.by_layer.push_back(ReadTrialLayer(layer));
  return trial;
}

// Adds the fields that only a measured relation has.
void AddMeasured(Json& json, const RelationResult& r) {
  AddMeans(json, r.chosen);
  json.update(
      {{"chance", r.chance},
       {"known", r.known},
       {"layer", LayerJson(r.layer)},
       {"causal_layer", LayerJson(r.causal_layer)},
       {"ci95", {{"faithfulness", r.faithfulness_interval}, {"causality", r.causality_interval}}},
       {"by_layer", Json::array()},
       {"trials", Json::array()}});
  for (const LayerResult& layer : r.by_layer) {
    Json& of_layer = json["by_layer"].emplace_back();
    AddMeans(of_layer, layer.means);
    of_layer["layer"] = LayerJson(layer.layer);
  }
  for (const TrialResult& trial : r.trials) json["trials"].push_back(TrialJson(trial));
}

void ReadMeasured(const Json& json, RelationResult& r) {
  r.chance = json.at("chance").get<double>();
  r.known = json.at("known").get<double>();
  r.layer = ReadLayer(json.at("layer"));
  r.causal_layer = ReadLayer(json.at("causal_layer"));
  r.chosen = ReadMeans(json);
  r.faithfulness_interval = json.at("ci95").at("faithfulness").get<Interval95Json>();
  r.causality_interval = json.at("ci95").at("causality").get<Interval95Json>();
  for (const Json& layer : json.at("by_layer"))
    r.by_layer.push_back({ReadLayer(layer.at("layer")), ReadMeans(layer)});
  for (const Json& trial : json.at("trials")) r.trials.push_back(ReadTrial(trial));
}

}  // namespace

Json LayerJson(int layer) { return layer == kEmbedLayer ? Json("embed") : Json(layer); }

void to_json(Json& json, const RelationResult& result) {
  json = {{"name", result.name},
          {"kind", result.kind},
          {"template", result.pattern},
          {"samples", result.samples},
          {"range", result.range}};
  if (result.skipped.empty()) AddMeasured(json, result);
  else json["skipped"] = result.skipped;
}

void from_json(const Json& json, RelationResult& result) {
  result = {.name = json.at("name").get<std::string>(),
            .kind = json.at("kind").get<std::string>(),
            .pattern = json.at("template").get<std::string>(),
            .samples = json.at("samples").get<int64_t>(),
            .range = json.at("range").get<int64_t>(),
            .skipped = json.value("skipped", "")};
  if (result.skipped.empty()) ReadMeasured(json, result);
}

void to_json(Json& json, const LreResult& result) {
  json = {
      {"options", result.options}, {"relations", result.relations}, {"skipped", result.skipped}};
}

void from_json(const Json& json, LreResult& result) {
  result = {.options = json.at("options"),
            .relations = json.at("relations").get<std::vector<RelationResult>>(),
            .skipped = json.at("skipped").get<std::vector<SkippedRelation>>()};
  result.summary = SummarizeRelations(result.relations, result.skipped);
}

}  // namespace mambascope
