#include "mambascope/experiments/lre/lre_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "mambascope/experiments/statistics.h"

namespace mambascope {
namespace {

// Averages `value` over the relations.
template <typename Value>
MeanOverRelations AverageRelations(const std::vector<RelationResult>& relations,
                                   const Value& value) {
  std::vector<double> values;
  for (const RelationResult& relation : relations) values.push_back(value(relation));
  return {Mean(values), CutAt100(Interval95(values))};
}

LayerSummary SummarizeLayer(const std::vector<RelationResult>& relations, size_t i) {
  return {.layer = relations[0].by_layer[i].layer,
          .faithfulness = AverageRelations(
              relations, [&](const auto& r) { return r.by_layer[i].means.faithfulness.mean; }),
          .causality = AverageRelations(
              relations, [&](const auto& r) { return r.by_layer[i].means.causality.mean; })};
}

std::vector<SkippedPart> SkippedParts(const std::vector<RelationResult>& measured,
                                      const std::vector<SkippedRelation>& skipped) {
  std::vector<SkippedPart> parts;
  for (const SkippedRelation& relation : skipped) parts.push_back({relation.name, relation.reason});
  for (const RelationResult& relation : measured) {
    std::vector<std::string> reasons;
    for (const TrialResult& trial : relation.trials) {
      if (!trial.skipped.empty()) reasons.push_back(trial.skipped);
    }
    if (reasons.empty()) continue;
    const std::string what = fmt::format("{} ({} of {} trials, reason of the first)", relation.name,
                                         reasons.size(), relation.trials.size());
    parts.push_back({what, reasons.front()});
  }
  return parts;
}

}  // namespace

LreSummary SummarizeRelations(const std::vector<RelationResult>& measured,
                              const std::vector<SkippedRelation>& skipped) {
  LreSummary summary{.relations = static_cast<int64_t>(measured.size()),
                     .skipped = SkippedParts(measured, skipped)};
  if (measured.empty()) return summary;
  summary.faithfulness =
      AverageRelations(measured, [](const auto& r) { return r.chosen.faithfulness.mean; });
  summary.causality =
      AverageRelations(measured, [](const auto& r) { return r.chosen.causality.mean; });
  summary.chance = AverageRelations(measured, [](const auto& r) { return r.chance; });
  for (size_t i = 0; i < measured[0].by_layer.size(); ++i)
    summary.by_layer.push_back(SummarizeLayer(measured, i));
  return summary;
}

std::vector<int> ChosenLayers(const RelationResult& relation, int TrialResult::*layer) {
  std::set<int> layers;
  for (const TrialResult& trial : relation.trials)
    if (trial.skipped.empty()) layers.insert(trial.*layer);
  return {layers.begin(), layers.end()};
}

const LayerResult& BestLayer(const RelationResult& relation, MeanOverTrials LreMeans::*measure) {
  return *std::max_element(relation.by_layer.begin(), relation.by_layer.end(),
                           [&](const LayerResult& a, const LayerResult& b) {
                             return (a.means.*measure).mean < (b.means.*measure).mean;
                           });
}

LreResult MakeLreResult(const Json& options, const std::vector<RelationResult>& relations) {
  LreResult result{.options = options};
  for (const RelationResult& relation : relations) {
    if (relation.skipped.empty()) result.relations.push_back(relation);
    else result.skipped.push_back({relation.name, relation.kind, relation.skipped});
  }
  result.summary = SummarizeRelations(result.relations, result.skipped);
  return result;
}

}  // namespace mambascope
