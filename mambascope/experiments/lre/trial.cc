#include "mambascope/experiments/lre/trial.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>

#include "mambascope/data/relation_split.h"
#include "mambascope/experiments/lre/estimate.h"
#include "mambascope/experiments/lre/predictions.h"
#include "mambascope/experiments/lre/state_edits.h"
#include "mambascope/model/kernels/product.h"

namespace mambascope {
namespace {

bool IsHeldOut(const LreOptions& options) {
  return options.protocol == LreOptions::Protocol::kHeldOut;
}

double Share(std::span<const PredictionScore> scores, bool PredictionScore::*is) {
  const auto so = std::count_if(scores.begin(), scores.end(),
                                [&](const PredictionScore& score) { return score.*is; });
  return static_cast<double>(so) / static_cast<double>(scores.size());
}

// The score by which layers, betas and ranks are chosen: the share that is right, then the mean
// log-probability of the model's predictions, which decides between equal shares.
using Score = std::pair<double, double>;

Score ChoiceScore(std::span<const PredictionScore> scores) {
  double log_p = 0;
  for (const PredictionScore& score : scores) log_p += score.log_p;
  return {Share(scores, &PredictionScore::right), log_p / static_cast<double>(scores.size())};
}

// Returns the index of the best score, the first of several.
template <typename T>
size_t Best(const std::vector<T>& scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

// Returns the operators' outputs for every beta, [beta * state, d_model].
at::Tensor ByBeta(const at::Tensor& wh, const at::Tensor& b, const std::vector<double>& betas) {
  const at::Tensor beta = at::tensor(betas, wh.options()).view({-1, 1, 1});
  return (beta * wh + b).flatten(0, 1);
}

// Measures a trial's operators on its samples.
class Measures {
 public:
  // `targets` has, for each tested sample, the sample that it is edited to.
  Measures(const Model& model, const Tokenizer& tokenizer, const LreGrid& grid,
           const LreOptions& options, const PredictedSamples& train, const PredictedSamples& test,
           const std::vector<std::optional<size_t>>& targets)
      : model_(model),
        tokenizer_(tokenizer),
        grid_(grid),
        options_(options),
        train_(train),
        test_(test) {
    if (held_out()) training_edits_ = AllEdits(train);
    for (size_t i = 0; i < targets.size(); ++i) {
      if (targets[i]) test_edits_.push_back(EditTo(test, i, *targets[i]));
    }
  }

  // Whether there are training edits to choose the rank by, where they are needed.
  bool can_choose() const { return !held_out() || !training_edits_.empty(); }

  // Measures every layer, and chooses beta and rank for each, and the layers of the trial.
  void operator()(const LreEstimate& estimate, LreTrial& trial,
                  const std::function<void(double)>& progress) const {
    for (int l : grid_.layers) trial.layers.push_back({.layer = l});
    trial.most_faithful = MeasureFaithfulness(estimate, trial.layers);
    trial.most_causal = MeasureCausality(estimate, trial.layers, progress);
  }

 private:
  bool held_out() const { return IsHeldOut(options_); }

  PredictionScores Says(const at::Tensor& z, const PredictedSamples& of) const {
    return ScorePredictions(model_, tokenizer_, z, of.predictions);
  }

  size_t MeasureFaithfulness(const LreEstimate& estimate, std::vector<LreLayer>& layers) const {
    std::set<Place> places;
    for (int l : grid_.layers) places.insert(BlockOutput(l));
    const std::map<Place, at::Tensor> states = TokenStates(model_, test_.prompts, places);
    std::vector<Score> chosen;
    for (size_t i = 0; i < layers.size(); ++i) {
      const at::Tensor& h = states.at(BlockOutput(layers[i].layer));
      MeasureBaselines(estimate, i, h, layers[i]);
      const std::vector<Score> by_beta =
          MeasureBetas(estimate, static_cast<int64_t>(i), h, layers[i]);
      layers[i].beta = Best(by_beta);
      chosen.push_back(by_beta[layers[i].beta]);
    }
    return Best(chosen);
  }

  // h [sample, d_model] are the states of the tested samples, here and in MeasureBetas.
  void MeasureBaselines(const LreEstimate& estimate, size_t i, const at::Tensor& h,
                        LreLayer& layer) const {
    const at::Tensor train_h = estimate.h[static_cast<int64_t>(i)];
    layer.identity = Share(Says(h, test_), &PredictionScore::right);
    layer.translation = Share(Says(TranslationOperator(layer.layer, train_h, estimate.z)(h), test_),
                              &PredictionScore::right);
    layer.regression = Share(Says(RegressionOperator(layer.layer, train_h, estimate.z)(h), test_),
                             &PredictionScore::right);
  }

  // Returns the scores by which beta is chosen.
  std::vector<Score> MeasureBetas(const LreEstimate& estimate, int64_t i, const at::Tensor& h,
                                  LreLayer& layer) const {
    const PredictionScores says =
        Says(ByBeta(Product(h, estimate.w[i].t()), estimate.b[i], grid_.betas),
             test_);  // [beta * sample]
    PredictionScores held_out_says;
    if (held_out())
      held_out_says =
          Says(ByBeta(estimate.held_out_wh[i], estimate.held_out_b[i], grid_.betas), train_);
    std::vector<Score> scores;
    for (size_t k = 0; k < grid_.betas.size(); ++k) {
      const auto at_beta = [k](const PredictionScores& all, size_t n) {
        return std::span(all).subspan(k * n, n);
      };
      const auto tested = at_beta(says, test_.samples.size());
      layer.faithfulness.push_back(Share(tested, &PredictionScore::right));
      layer.faithfulness_in_3.push_back(Share(tested, &PredictionScore::right_in_3));
      scores.push_back(held_out() ? ChoiceScore(at_beta(held_out_says, train_.samples.size()))
                                  : Score{layer.faithfulness.back(), 0});
      if (held_out()) layer.held_out_faithfulness.push_back(scores.back().first);
    }
    return scores;
  }

  size_t MeasureCausality(const LreEstimate& estimate, std::vector<LreLayer>& layers,
                          const std::function<void(double)>& progress) const {
    const StateEditor editor(model_, tokenizer_, estimate, grid_.ranks, options_.memory);
    const auto of_training = static_cast<double>(training_edits_.size()) /
                             static_cast<double>(training_edits_.size() + test_edits_.size());
    const auto trained = editor(
        training_edits_, [&](double part) { progress(part * of_training); });  // [layer][rank]
    const auto tested =
        editor(test_edits_, [&](double part) { progress(of_training + part * (1 - of_training)); });
    std::vector<Score> chosen;
    for (size_t i = 0; i < layers.size(); ++i) {
      std::vector<Score> scores;
      for (size_t r = 0; r < grid_.ranks.size(); ++r) {
        layers[i].causality.push_back(Share(tested[i][r], &PredictionScore::right));
        scores.push_back(held_out() ? ChoiceScore(trained[i][r])
                                    : Score{layers[i].causality.back(), 0});
        if (held_out()) layers[i].training_causality.push_back(scores.back().first);
      }
      layers[i].rank = Best(scores);
      chosen.push_back(scores[layers[i].rank]);
    }
    return Best(chosen);
  }

  const Model& model_;
  const Tokenizer& tokenizer_;
  const LreGrid& grid_;
  const LreOptions& options_;
  const PredictedSamples& train_;
  const PredictedSamples& test_;
  // training_edits_ is filled only where the rank is chosen on the training samples.
  std::vector<StateEdit> training_edits_, test_edits_;
};

// The share of `samples` with the object that most samples of the relation have.
double MajorityShare(const Relation& relation, const std::vector<Sample>& samples) {
  std::map<std::string, int64_t> count;
  for (const Sample& sample : relation.samples) ++count[sample.object];
  const auto most = std::max_element(
      count.begin(), count.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto has = std::count_if(samples.begin(), samples.end(), [&](const Sample& sample) {
    return sample.object == most->first;
  });
  return static_cast<double>(has) / static_cast<double>(samples.size());
}

// Returns options.limit of `count` indices, ascending: the first ones for kPublished, else random
// ones.
std::vector<int64_t> DrawSome(size_t count, const LreOptions& options, Random& random) {
  std::vector<int64_t> some(count);
  std::iota(some.begin(), some.end(), 0);
  if (options.limit == 0 || options.limit >= static_cast<int64_t>(count)) return some;
  if (IsHeldOut(options)) random.Shuffle(some);
  some.resize(static_cast<size_t>(options.limit));
  std::sort(some.begin(), some.end());
  return some;
}

// Returns the test samples that the model knows with the training samples as examples.
PredictedSamples PredictTestSamples(const Model& model, const Tokenizer& tokenizer,
                                    const std::string& pattern, const RelationSplit& split,
                                    const LreOptions& options) {
  std::vector<PromptToken> prompts;
  for (const Sample& sample : split.test)
    prompts.push_back(
        MakeRelationPrompt(tokenizer, pattern, split.train, sample.subject, options.test_prompts));
  return KeepKnown(PredictSamples(model, tokenizer, split.test, std::move(prompts)));
}

// With kPublished, samples with the subject of an example are tested too, and repeated samples are
// tested repeatedly.
RelationSplit Split(const Relation& relation, const LreOptions& options, Random& random) {
  RelationSplit split = SplitSamples(relation.samples, static_cast<size_t>(options.train), random);
  if (!IsHeldOut(options)) return split;
  std::set<std::string> examples;
  for (const Sample& sample : split.train) examples.insert(sample.subject);
  std::set<Sample> seen;
  std::erase_if(split.test, [&](const Sample& sample) {
    return examples.contains(sample.subject) || !seen.insert(sample).second;
  });
  return split;
}

}  // namespace

LreTrial RunLreTrial(const Model& model, const Tokenizer& tokenizer, const Relation& relation,
                     const LreGrid& grid, const LreOptions& options, Random& random,
                     const std::function<void(double)>& progress) {
  c10::NoGradGuard no_grad;
  const RelationSplit split = Split(relation, options, random);
  LreTrial trial{.train = split.train};
  const auto skip = [&](std::string why) {
    trial.skipped = std::move(why);
    return trial;
  };
  if (static_cast<int64_t>(split.test.size()) <= options.train)
    return skip(fmt::format("it needs more than {1} other samples, but has {0}", split.test.size(),
                            options.train));
  const std::string& pattern = relation.prompt_templates[0];
  const PredictedSamples known = PredictTestSamples(model, tokenizer, pattern, split, options);
  trial.known = static_cast<int64_t>(known.samples.size());
  if (trial.known <= options.train)
    return skip(fmt::format("the model knows {} of the {} other samples; more than {} are needed",
                            trial.known, split.test.size(), options.train));
  const PredictedSamples test = known.Select(DrawSome(known.samples.size(), options, random));
  trial.tested = test.samples;
  trial.majority = MajorityShare(relation, test.samples);
  const auto can_become = [&](size_t from, size_t to) {
    return IsHeldOut(options) ? CanEditVisibly(test, from, to) : CanEdit(test, from, to);
  };
  const std::vector<std::optional<size_t>> targets =
      DrawEditTargets(test.samples, can_become, random);
  trial.edited = std::count_if(targets.begin(), targets.end(),
                               [](const auto& target) { return target.has_value(); });
  if (trial.edited == 0)
    return skip(fmt::format(
        "no tested sample can be edited to another: the model gives the same answer for all {}",
        test.samples.size()));
  std::vector<PromptToken> prompts =
      MakeLeaveOneOutPrompts(tokenizer, pattern, split.train, options.train_prompts);
  const PredictedSamples train = PredictSamples(model, tokenizer, split.train, std::move(prompts));
  const Measures measure(model, tokenizer, grid, options, train, test, targets);
  if (!measure.can_choose())
    return skip(
        "the rank cannot be chosen: the model gives the same answer for all training samples");
  double done = 0;  // the prompts' Jacobians take about half of the time
  const auto jacobian = [&] { progress(done += 0.5 / static_cast<double>(options.train)); };
  const LreEstimate estimate =
      EstimateLre(model, train.prompts, grid.layers, {.memory = options.memory}, jacobian);
  measure(estimate, trial, [&](double part) { progress(0.5 + part / 2); });
  return trial;
}

}  // namespace mambascope
