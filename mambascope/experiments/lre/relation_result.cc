#include "mambascope/experiments/lre/relation_result.h"

#include <algorithm>

namespace mambascope {
namespace {

constexpr double kPercent = 100;

MeanOverTrials MakeMean(const Percentage& percentage) {
  return {percentage.mean, percentage.count > 1 ? std::optional(percentage.std) : std::nullopt};
}

LreMeans MakeMeans(const LreTrialMeans& m) {
  return {.faithfulness = MakeMean(m.faithfulness),
          .faithfulness_in_3 = MakeMean(m.faithfulness_in_3),
          .causality = MakeMean(m.causality),
          .identity = MakeMean(m.identity),
          .translation = MakeMean(m.translation),
          .regression = MakeMean(m.regression),
          .beta = m.beta,
          .rank = m.rank};
}

std::optional<double> ChosenShare(const std::vector<double>& shares, size_t chosen) {
  return shares.empty() ? std::nullopt : std::optional(kPercent * shares[chosen]);
}

TrialLayer MakeTrialLayer(const LreRelation& measured, const LreLayer& l) {
  return {.layer = l.layer,
          .faithfulness = kPercent * l.faithfulness[l.beta],
          .faithfulness_in_3 = kPercent * l.faithfulness_in_3[l.beta],
          .causality = kPercent * l.causality[l.rank],
          .identity = kPercent * l.identity,
          .translation = kPercent * l.translation,
          .regression = kPercent * l.regression,
          .beta = measured.betas[l.beta],
          .rank = measured.ranks[l.rank],
          .held_out_faithfulness = ChosenShare(l.held_out_faithfulness, l.beta),
          .training_causality = ChosenShare(l.training_causality, l.rank)};
}

TrialResult MakeTrialResult(const LreRelation& measured, const LreTrial& trial) {
  if (!trial.skipped.empty()) return {.train = trial.train, .skipped = trial.skipped};
  TrialResult result{.train = trial.train,
                     .known = trial.known,
                     .tested = static_cast<int64_t>(trial.tested.size()),
                     .edited = trial.edited,
                     .majority = kPercent * trial.majority,
                     .layer = measured.layers[trial.most_faithful],
                     .causal_layer = measured.layers[trial.most_causal]};
  for (const LreLayer& layer : trial.layers)
    result.by_layer.push_back(MakeTrialLayer(measured, layer));
  return result;
}

double MeanKnown(const LreRelation& measured) {
  const std::vector<const LreTrial*> done = measured.Done();
  double known = 0;
  for (const LreTrial* trial : done) known += static_cast<double>(trial->known);
  return known / static_cast<double>(done.size());
}

}  // namespace

RelationResult MakeRelationResult(const LreRelation& measured, const Relation& relation) {
  RelationResult result{.name = measured.name,
                        .kind = relation.properties.relation_type,
                        .pattern = relation.prompt_templates[0],
                        .samples = measured.samples,
                        .range = measured.range,
                        .skipped = measured.skipped};
  if (!result.skipped.empty()) return result;
  result.chance = kPercent * measured.chance;
  result.known = MeanKnown(measured);
  result.layer = measured.layers[measured.most_faithful];
  result.causal_layer = measured.layers[measured.most_causal];
  result.chosen = MakeMeans(measured.chosen);
  result.faithfulness_interval = CutAt100(measured.chosen.faithfulness.interval);
  result.causality_interval = CutAt100(measured.chosen.causality.interval);
  for (size_t i = 0; i < measured.layers.size(); ++i)
    result.by_layer.push_back({measured.layers[i], MakeMeans(measured.by_layer[i])});
  for (const LreTrial& trial : measured.trials)
    result.trials.push_back(MakeTrialResult(measured, trial));
  return result;
}

LreChoice ChosenOperator(const RelationResult& result) {
  const auto trial = std::find_if(result.trials.begin(), result.trials.end(),
                                  [](const TrialResult& t) { return t.skipped.empty(); });
  const auto layer = std::find_if(trial->by_layer.begin(), trial->by_layer.end(),
                                  [&](const auto& l) { return l.layer == trial->layer; });
  return {.train = trial->train, .layer = layer->layer, .beta = layer->beta, .rank = layer->rank};
}

}  // namespace mambascope
