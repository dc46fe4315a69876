#include "mambascope/experiments/lre/lre.h"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "mambascope/error.h"
#include "mambascope/experiments/lre/estimate.h"
#include "mambascope/experiments/lre/trial.h"
#include "mambascope/intervene/check.h"

namespace mambascope {
namespace {

LreGrid MakeGrid(const Model& model, const LreOptions& options) {
  LreGrid grid{options.layers, options.betas, options.ranks};
  const int64_t d = model.config().d_model;
  if (grid.layers.empty()) {
    for (int l = kEmbedLayer; l < model.layers(); ++l) grid.layers.push_back(l);
  }
  if (grid.betas.empty()) {
    for (int i = 0; i <= 20; ++i) grid.betas.push_back(i / 4.0);
  }
  if (grid.ranks.empty()) {
    for (int64_t rank = 0; rank <= std::min<int64_t>(312, d); rank += 8) grid.ranks.push_back(rank);
  }
  for (int l : grid.layers) CheckPlace(model, BlockOutput(l));
  for (int64_t rank : grid.ranks) {
    if (rank < 0 || rank > d)
      throw Error(fmt::format("rank {} is out of range; it must be from 0 to {}, the model's width",
                              rank, d));
  }
  if (options.train < 2)
    throw Error(fmt::format("the number of training samples, {}, is too small for an operator",
                            options.train),
                "use 2 or more; 5 is usual");
  if (options.limit != 0 && options.limit <= options.train)
    throw Error(
        fmt::format("the limit of test samples, {}, must exceed the number of training samples, {}",
                    options.limit, options.train),
        "raise the limit, or use 0 for all");
  if (options.trials < 1)
    throw Error(fmt::format("the number of trials, {}, is too small", options.trials),
                "use 1 or more");
  return grid;
}

// Returns the layer with the highest mean over trials, the first of several.
template <typename Value>
size_t BestOnAverage(const std::vector<LreTrial*>& trials, const Value& value) {
  std::vector<double> sums(trials[0]->layers.size());
  for (const LreTrial* trial : trials) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += value(trial->layers[i]);
  }
  return static_cast<size_t>(std::max_element(sums.begin(), sums.end()) - sums.begin());
}

double Faithfulness(const LreLayer& layer) { return layer.faithfulness[layer.beta]; }
double FaithfulnessIn3(const LreLayer& layer) { return layer.faithfulness_in_3[layer.beta]; }
double Causality(const LreLayer& layer) { return layer.causality[layer.rank]; }

// Chooses one layer for all trials, by its means on the test samples.
void ChooseAsPublished(std::vector<LreTrial>& trials) {
  std::vector<LreTrial*> done;
  for (LreTrial& trial : trials) {
    if (trial.skipped.empty()) done.push_back(&trial);
  }
  if (done.empty()) return;
  const size_t faithful = BestOnAverage(done, Faithfulness),
               causal = BestOnAverage(done, Causality);
  for (LreTrial* trial : done) {
    trial->most_faithful = faithful;
    trial->most_causal = causal;
  }
}

using Trials = std::vector<const LreTrial*>;
using Layers = std::vector<const LreLayer*>;  // one layer of each trial

template <typename Value>
std::vector<double> Each(const Layers& layers, const Value& value) {
  std::vector<double> values;
  for (const LreLayer* layer : layers) values.push_back(std::invoke(value, *layer));
  return values;
}

LreTrialMeans AverageTrials(const LreRelation& result, const Layers& faithful,
                            const Layers& causal) {
  const auto beta = [&](const LreLayer& layer) { return result.betas[layer.beta]; };
  const auto rank = [&](const LreLayer& layer) {
    return static_cast<double>(result.ranks[layer.rank]);
  };
  return {.faithfulness = *MeanPercentage(Each(faithful, Faithfulness)),
          .faithfulness_in_3 = *MeanPercentage(Each(faithful, FaithfulnessIn3)),
          .causality = *MeanPercentage(Each(causal, Causality)),
          .identity = *MeanPercentage(Each(faithful, &LreLayer::identity)),
          .translation = *MeanPercentage(Each(faithful, &LreLayer::translation)),
          .regression = *MeanPercentage(Each(faithful, &LreLayer::regression)),
          .beta = Mean(Each(faithful, beta)),
          .rank = Mean(Each(causal, rank))};
}

// Returns the index that most trials chose, the first of several.
size_t MostChosen(const Trials& trials, size_t layers, size_t LreTrial::*chosen) {
  std::vector<int> votes(layers);
  for (const LreTrial* trial : trials) ++votes[trial->*chosen];
  return static_cast<size_t>(std::max_element(votes.begin(), votes.end()) - votes.begin());
}

void SummarizeTrials(LreRelation& result) {
  const Trials trials = result.Done();
  if (trials.empty()) {
    const std::string& first = result.trials[0].skipped;
    result.skipped = result.trials.size() == 1
                         ? first
                         : fmt::format("all {} trials were skipped, the first because {}",
                                       result.trials.size(), first);
    return;
  }
  Layers faithful, causal;
  for (const LreTrial* trial : trials) {
    faithful.push_back(&trial->layers[trial->most_faithful]);
    causal.push_back(&trial->layers[trial->most_causal]);
  }
  result.chosen = AverageTrials(result, faithful, causal);
  for (size_t i = 0; i < result.layers.size(); ++i) {
    Layers same;
    for (const LreTrial* trial : trials) same.push_back(&trial->layers[i]);
    result.by_layer.push_back(AverageTrials(result, same, same));
  }
  result.most_faithful = MostChosen(trials, result.layers.size(), &LreTrial::most_faithful);
  result.most_causal = MostChosen(trials, result.layers.size(), &LreTrial::most_causal);
}

}  // namespace

LreRelation MeasureRelation(const Model& model, const Tokenizer& tokenizer,
                            const Relation& relation, const LreOptions& options) {
  const LreGrid grid = MakeGrid(model, options);
  const size_t range = RelationRange(relation).size();
  LreRelation result{.name = relation.name,
                     .samples = static_cast<int64_t>(relation.samples.size()),
                     .range = static_cast<int64_t>(range),
                     .chance = 1 / static_cast<double>(range),
                     .layers = grid.layers,
                     .betas = grid.betas,
                     .ranks = grid.ranks};
  if (result.samples <= options.train) {
    result.skipped =
        fmt::format("it needs more than {1} samples, but has {0}", result.samples, options.train);
    return result;
  }
  Random random(options.seed);
  for (int64_t i = 0; i < options.trials; ++i) {
    const auto progress = [&](double of_trial) {
      if (options.progress)
        options.progress((static_cast<double>(i) + of_trial) / static_cast<double>(options.trials));
    };
    result.trials.push_back(
        RunLreTrial(model, tokenizer, relation, grid, options, random, progress));
  }
  if (options.protocol == LreOptions::Protocol::kPublished) ChooseAsPublished(result.trials);
  SummarizeTrials(result);
  return result;
}

LreOperator MakeOperator(const Model& model, const Tokenizer& tokenizer, const Relation& relation,
                         const LreChoice& choice, const LreOptions& options) {
  const auto prompts = MakeLeaveOneOutPrompts(tokenizer, relation.prompt_templates[0], choice.train,
                                              options.train_prompts);
  return EstimateLre(model, prompts, {choice.layer}, {.memory = options.memory})
      .Operator(0, choice.beta);
}

}  // namespace mambascope
