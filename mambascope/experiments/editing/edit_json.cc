#include "mambascope/experiments/editing/edit_json.h"

namespace mambascope {
namespace {

using OptionalNumber = std::optional<double>;

// Returns the value of `key`, or null when the object has no such key.
Json Field(const Json& json, const std::string& key) { return json.value(key, Json()); }

// Writes the mean as `key`, and its interval in "ci95".
void WriteMean(Json& json, const std::string& key, const MeasureMean& mean) {
  json[key] = mean.mean;
  json["ci95"][key] = mean.interval;
}

MeasureMean ReadMean(const Json& json, const std::string& key) {
  return {.mean = Field(json, key).get<OptionalNumber>(),
          .interval = Field(json.at("ci95"), key).get<std::optional<std::pair<double, double>>>()};
}

// Only zsRE's objects have token accuracies.
EditBenchmark ReadBenchmark(const Json& json) {
  return json.contains("rewrite_acc") ? EditBenchmark::kZsre : EditBenchmark::kCounterFact;
}

void WriteEdit(Json& json, const RecordEdit& edit) {
  json = edit.scores;
  json.update({{"layer", edit.layer},
               {"projection", edit.projection},
               {"steps", edit.steps},
               {"loss", edit.loss},
               {"p", edit.p},
               {"stopped", edit.stopped},
               {"change_norm", edit.change_norm},
               {"weight_norm", edit.weight_norm},
               {"seconds", edit.seconds}});
}

RecordEdit ReadEdit(const Json& json) {
  return {.layer = json.at("layer").get<int>(),
          .projection = json.at("projection").get<std::string>(),
          .steps = json.at("steps").get<int64_t>(),
          .loss = json.at("loss").get<double>(),
          .p = json.at("p").get<double>(),
          .stopped = json.at("stopped").get<std::string>(),
          .change_norm = json.at("change_norm").get<double>(),
          .weight_norm = json.at("weight_norm").get<double>(),
          .seconds = json.at("seconds").get<double>(),
          .scores = json.get<EditScores>()};
}

Json PointJson(const MassEditPoint& point) {
  Json json = point.means;
  json.update(Json(point.health));
  json.update(
      {{"edits", point.edits}, {"pre", point.pre}, {"seconds_per_edit", point.seconds_per_edit}});
  return json;
}

MassEditPoint ReadPoint(const Json& json) {
  return {.edits = json.at("edits").get<int64_t>(),
          .means = json.get<EditMeans>(),
          .pre = json.at("pre").get<EditMeans>(),
          .seconds_per_edit = json.at("seconds_per_edit").get<double>(),
          .health = json.get<EditHealth>()};
}

}  // namespace

void to_json(Json& json, const EditScores& scores) {
  json = Json::object();
  ForEachMeasure(scores, [&](const MeasureName& name, const OptionalNumber& value) {
    json[name.key] = value;
  });
  if (scores.texts)
    json.update({{"entropy", scores.texts->entropy}, {"reference", scores.texts->reference}});
}

void from_json(const Json& json, EditScores& scores) {
  scores = {.benchmark = ReadBenchmark(json)};
  ForEachMeasure(scores, [&](const MeasureName& name, OptionalNumber& value) {
    value = Field(json, name.key).get<OptionalNumber>();
  });
  if (json.contains("entropy") || json.contains("reference"))
    scores.texts = {Field(json, "entropy").get<OptionalNumber>(),
                    Field(json, "reference").get<OptionalNumber>()};
}

void to_json(Json& json, const RecordResult& result) {
  json = result.record;
  json["pre"] = result.pre;
  json["edits"] = Json::array();
  for (const RecordEdit& edit : result.edits) WriteEdit(json["edits"].emplace_back(), edit);
}

void from_json(const Json& json, RecordResult& result) {
  result = {.record = json.get<EditRecord>(), .pre = json.at("pre").get<EditScores>()};
  for (const Json& edit : json.at("edits")) result.edits.push_back(ReadEdit(edit));
}

void to_json(Json& json, const EditMeans& means) {
  json = {{"records", means.records}};
  WriteMean(json, "S", means.score);
  ForEachMeasure(means.measures, [&](const MeasureName& name, const MeasureMean& mean) {
    WriteMean(json, name.key, mean);
  });
  if (!means.measures.texts) return;
  if (means.measures.texts->entropy.mean) WriteMean(json, "entropy", means.measures.texts->entropy);
  if (means.measures.texts->reference.mean)
    WriteMean(json, "reference", means.measures.texts->reference);
}

void from_json(const Json& json, EditMeans& means) {
  means = {.records = json.at("records").get<int64_t>(),
           .measures = {.benchmark = ReadBenchmark(json)},
           .score = ReadMean(json, "S")};
  ForEachMeasure(means.measures, [&](const MeasureName& name, MeasureMean& mean) {
    mean = ReadMean(json, name.key);
  });
  if (json.contains("entropy") || json.contains("reference"))
    means.measures.texts = {ReadMean(json, "entropy"), ReadMean(json, "reference")};
}

void to_json(Json& json, const EditSweepRow& row) {
  json = row.means;
  json.update({{"layer", row.layer},
               {"projection", row.projection},
               {"seconds_per_edit", row.seconds_per_edit},
               {"steps", row.steps},
               {"change_norm", row.change_norm},
               {"weight_norm", row.weight_norm},
               {"stopped", row.stopped}});
}

void from_json(const Json& json, EditSweepRow& row) {
  row = {.layer = json.at("layer").get<int>(),
         .projection = json.at("projection").get<std::string>(),
         .means = json.get<EditMeans>(),
         .seconds_per_edit = json.at("seconds_per_edit").get<double>(),
         .steps = json.at("steps").get<double>(),
         .change_norm = json.at("change_norm").get<double>(),
         .weight_norm = json.at("weight_norm").get<double>(),
         .stopped = json.at("stopped").get<std::map<std::string, int64_t>>()};
}

void to_json(Json& json, const EditHealth& health) {
  json = {{"perplexity", health.perplexity},
          {"weights", health.weights},
          {"warnings", health.warnings}};
}

void from_json(const Json& json, EditHealth& health) {
  health = {.weights = json.at("weights").get<std::vector<WeightChange>>(),
            .perplexity = json.at("perplexity").get<std::optional<PerplexityChange>>(),
            .warnings = json.at("warnings").get<std::vector<std::string>>()};
}

void to_json(Json& json, const EditSweepResult& result) {
  json = {{"options", result.options}, {"choice", result.choice}, {"pre", result.summary.pre},
          {"best", nullptr},           {"sweep", Json::array()},  {"records", result.records}};
  for (const ProjectionSummary& projection : result.summary.projections) {
    for (const EditSweepRow& row : projection.rows) json["sweep"].push_back(row);
  }
  if (const EditSweepRow* best = result.summary.Best())
    json["best"] = {
        {"layer", best->layer}, {"projection", best->projection}, {"S", best->means.score.mean}};
}

void from_json(const Json& json, EditSweepResult& result) {
  result = {.options = json.at("options"),
            .choice = json.at("choice").get<RecordChoice>(),
            .summary = {.pre = json.at("pre").get<EditMeans>(),
                        .projections =
                            GroupByProjection(json.at("sweep").get<std::vector<EditSweepRow>>())},
            .records = json.at("records").get<std::vector<RecordResult>>()};
}

void to_json(Json& json, const MassEditResult& result) {
  json = {{"options", result.options},
          {"choice", result.choice},
          {"many", Json::array()},
          {"records", Json::array()}};
  for (const MassEditPoint& point : result.points) json["many"].push_back(PointJson(point));
  for (const MassEditedRecord& record : result.records) {
    json["records"].push_back(record.record);
    json["records"].back().update({{"pre", record.pre}, {"post", record.post}});
  }
}

void from_json(const Json& json, MassEditResult& result) {
  result = {.options = json.at("options"), .choice = json.at("choice").get<RecordChoice>()};
  for (const Json& point : json.at("many")) result.points.push_back(ReadPoint(point));
  for (const Json& record : json.at("records"))
    result.records.push_back({record.get<EditRecord>(), record.at("pre").get<EditScores>(),
                              record.at("post").get<EditScores>()});
}

void to_json(Json& json, const EditCheck& check) {
  json = {{"kind", CheckKindName(check.prompt.kind)},
          {"prompt", check.prompt.prompt},
          {"before", check.before},
          {"after", check.after},
          {"said_target", check.before.says_target},
          {"says_target", check.after.says_target}};
  if (!check.prompt.object.empty()) json["object"] = check.prompt.object;
}

void from_json(const Json& json, EditCheck& check) {
  check = {.prompt = {.kind = ReadCheckKind(json.at("kind").get<std::string>()),
                      .prompt = json.at("prompt").get<std::string>(),
                      .object = json.value("object", "")},
           .before = json.at("before").get<NextTokens>(),
           .after = json.at("after").get<NextTokens>()};
}

void to_json(Json& json, const OneEditResult& result) {
  Json edit = result.health;
  if (result.health.perplexity) edit["perplexity"]["text"] = result.perplexity_text;
  edit.update({{"layer", result.layers.back()},
               {"layers", result.layers},
               {"projection", result.projection},
               {"prompt", result.prompt},
               {"subject", result.subject},
               {"target", result.target},
               {"loss", result.loss},
               {"stopped", result.stopped},
               {"change_norm", result.health.weights.back().change_norm},
               {"weight_norm", result.health.weights.back().weight_norm},
               {"v0_norm", result.v0_norm},
               {"delta_norm", result.delta_norm},
               {"before", result.before},
               {"after", result.after},
               {"checks", result.checks}});
  json = {{"options", result.options}, {"edit", edit}};
}

void from_json(const Json& json, OneEditResult& result) {
  const Json& edit = json.at("edit");
  result = {.options = json.at("options"),
            .layers = edit.at("layers").get<std::vector<int>>(),
            .projection = edit.at("projection").get<std::string>(),
            .prompt = edit.at("prompt").get<std::string>(),
            .subject = edit.at("subject").get<std::string>(),
            .target = edit.at("target").get<std::string>(),
            .loss = edit.at("loss").get<std::vector<LossStep>>(),
            .stopped = edit.at("stopped").get<std::string>(),
            .v0_norm = edit.at("v0_norm").get<double>(),
            .delta_norm = edit.at("delta_norm").get<double>(),
            .before = edit.at("before").get<NextTokens>(),
            .after = edit.at("after").get<NextTokens>(),
            .checks = edit.value("checks", Json::array()).get<std::vector<EditCheck>>(),
            .health = edit.get<EditHealth>(),
            .perplexity_text = ""};
  if (result.health.perplexity) result.perplexity_text = edit.at("perplexity").value("text", "");
}

}  // namespace mambascope
