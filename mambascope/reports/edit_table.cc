#include "mambascope/reports/edit_table.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "mambascope/experiments/statistics.h"
#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

constexpr std::array kMeasures = {"ES", "PS", "NS", "ED", "PD", "ND", "EA", "PA", "NA"};
constexpr std::array kOfTexts = {"entropy", "reference"};

using Objects = std::vector<const Json*>;  // one per record: its `pre`, or one of its edits

std::vector<double> Numbers(const Objects& objects, const std::string& key) {
  std::vector<double> numbers;
  for (const Json* object : objects) {
    if (const std::optional<double> number = NumberOf(*object, key)) numbers.push_back(*number);
  }
  return numbers;
}

Json MeanJson(const std::vector<double>& numbers) { return numbers.empty() ? Json() : Json(Mean(numbers)); }

// S = 3 / (1/ES + 1/PS + 1/NS) is linear near the means, with dS/dES = S^2 / (3 ES^2): its interval is that of the mean of each record's
// S + sum of dS/dX (x - X). None where a mean is 0 or a record lacks one of the three.
std::optional<std::pair<double, double>> ScoreInterval(const Objects& objects, const Json& means) {
  const double score = means.at("S").get<double>();
  std::vector<double> linear(objects.size(), score);
  for (const char* key : {"ES", "PS", "NS"}) {
    const double mean = means.at(key).get<double>();
    const std::vector<double> shares = Numbers(objects, key);
    if (mean == 0 || shares.size() < objects.size()) return std::nullopt;
    for (size_t r = 0; r < shares.size(); ++r) linear[r] += score * score / (3 * mean * mean) * (100 * shares[r] - mean);
  }
  return Interval95(linear);
}

Json MeasuresJson(const Objects& objects) {
  Json json = {{"records", objects.size()}, {"S", nullptr}, {"ci95", {{"S", nullptr}}}};
  auto add = [&](const char* key) {
    const std::optional<Percentage> percentage = PercentageOf(Numbers(objects, key));
    json[key] = percentage ? Json(percentage->mean) : Json();
    const std::optional<std::pair<double, double>> interval = percentage ? percentage->interval : std::nullopt;
    const bool is_share = key[1] == 'S' || key[1] == 'A';
    json["ci95"][key] = ValueJson(is_share ? CutAt100(interval) : interval);
  };
  for (const char* key : kMeasures) add(key);
  for (const char* key : kOfTexts) {
    if (!Numbers(objects, key).empty()) add(key);
  }
  if (json["ES"].is_null() || json["PS"].is_null() || json["NS"].is_null()) return json;
  json["S"] = HarmonicMeanOfRounded({json["ES"], json["PS"], json["NS"]});
  json["ci95"]["S"] = ValueJson(CutAt100(ScoreInterval(objects, json)));
  return json;
}

Json RowJson(int layer, const std::string& projection, const Objects& edits) {
  std::map<std::string, int64_t> stopped = {{"loss", 0}, {"probability", 0}, {"steps", 0}};
  for (const Json* edit : edits) ++stopped[edit->at("stopped").get<std::string>()];
  Json row = MeasuresJson(edits);
  row.update({{"layer", layer},
              {"projection", projection},
              {"seconds_per_edit", MeanJson(Numbers(edits, "seconds"))},
              {"steps", MeanJson(Numbers(edits, "steps"))},
              {"change_norm", MeanJson(Numbers(edits, "change_norm"))},
              {"weight_norm", edits[0]->value("weight_norm", Json())},  // of the weight before any edit: the same in all
              {"stopped", stopped}});
  return row;
}

// The one of the higher S, `a` of two alike.
const Json* BetterOf(const Json* a, const Json* b) {
  auto score = [](const Json* row) { return row ? NumberOf(*row, "S") : std::nullopt; };
  return score(b) > score(a) ? b : a;  // no number is less than any
}

}  // namespace

Json MeasuresRow(const std::vector<Json>& measures) {
  Objects objects;
  for (const Json& of_one : measures) objects.push_back(&of_one);
  return MeasuresJson(objects);
}

EditTable TableOf(const std::vector<Json>& lines) {
  Objects pre;
  std::vector<std::pair<std::string, std::map<int, Objects>>> edits;  // by projection, in the order of the lines, and layer
  for (const Json& line : lines) {
    pre.push_back(&line.at("pre"));
    for (const Json& edit : line.at("edits")) {
      const std::string projection = edit.at("projection").get<std::string>();
      auto at = std::find_if(edits.begin(), edits.end(), [&](const auto& e) { return e.first == projection; });
      if (at == edits.end()) at = edits.insert(at, {projection, {}});
      at->second[edit.at("layer").get<int>()].push_back(&edit);
    }
  }
  EditTable table{.pre = MeasuresJson(pre), .projections = {}};
  for (const auto& [projection, layers] : edits) {
    table.projections.push_back({projection, {}});
    for (const auto& [layer, objects] : layers) table.projections.back().rows.push_back(RowJson(layer, projection, objects));
  }
  return table;
}

const Json* BestOf(const ProjectionRows& projection) {
  const Json* best = nullptr;
  for (const Json& row : projection.rows) best = BetterOf(best, &row);
  return best;
}

const Json* BestOf(const EditTable& table) {
  const Json* best = nullptr;
  for (const ProjectionRows& projection : table.projections) best = BetterOf(best, BestOf(projection));
  return best;
}

std::vector<int> LayersOf(const EditTable& table) {
  std::set<int> layers;
  for (const ProjectionRows& projection : table.projections) {
    for (const Json& row : projection.rows) layers.insert(row.at("layer").get<int>());
  }
  return {layers.begin(), layers.end()};
}

Json HealthJson(const EditHealth& health) {
  Json weights = Json::array();
  for (const WeightChange& w : health.weights)
    weights.push_back({{"layer", w.layer}, {"projection", w.projection}, {"change_norm", w.change_norm}, {"weight_norm", w.weight_norm}});
  return {
      {"perplexity", {{"before", health.mean_before}, {"after", health.mean_after}}}, {"weights", weights}, {"warnings", health.warnings}};
}

}  // namespace mambascope
