#include "mambascope/experiments/lre_trial.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "mambascope/data/relation_split.h"
#include "mambascope/experiments/answers.h"
#include "mambascope/experiments/lre_estimate.h"
#include "mambascope/intervene/sweep.h"

namespace mambascope {
namespace {

using Judgements = std::vector<Judgement>;

// `count` of them: the one at `first`, and every `step`-th from there.
Judgements Every(const Judgements& all, size_t first, size_t step, size_t count) {
  Judgements some;
  for (size_t i = 0; i < count; ++i) some.push_back(all[first + i * step]);
  return some;
}

double Share(const Judgements& judgements, bool Judgement::*is) {
  const auto so = std::count_if(judgements.begin(), judgements.end(), [&](const Judgement& judgement) { return judgement.*is; });
  return static_cast<double>(so) / static_cast<double>(judgements.size());
}

// What is chosen by: the share right, then the mean log-probability of what the model says, which tells equal shares apart.
using Score = std::pair<double, double>;

Score ScoreOf(const Judgements& judgements) {
  double log_p = 0;
  for (const Judgement& judgement : judgements) log_p += judgement.log_p;
  return {Share(judgements, &Judgement::right), log_p / static_cast<double>(judgements.size())};
}

// The first of the best.
template <typename T>
size_t Best(const std::vector<T>& scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

// A prompt, and the other sample whose object it is to say.
struct StateEdit {
  const PromptToken* prompt;
  at::Tensor dz;  // [d_model]: the other's z less the prompt's
  Answer answer;  // the other's
};

StateEdit EditTo(const Asked& asked, size_t from, size_t to) {
  return {&asked.prompts[from], asked.z[static_cast<int64_t>(to)] - asked.z[static_cast<int64_t>(from)], asked.answers[to]};
}

// Every sample to every other with another subject and object.
std::vector<StateEdit> AllEdits(const Asked& asked) {
  std::vector<StateEdit> edits;
  for (size_t from = 0; from < asked.samples.size(); ++from) {
    for (size_t to = 0; to < asked.samples.size(); ++to) {
      const Sample &a = asked.samples[from], &b = asked.samples[to];
      if (a.subject != b.subject && a.object != b.object) edits.push_back(EditTo(asked, from, to));
    }
  }
  return edits;
}

// The operators' outputs for every beta, [beta * state, d_model].
at::Tensor ByBeta(const at::Tensor& wh, const at::Tensor& b, const std::vector<double>& betas) {
  const at::Tensor beta = at::tensor(betas, wh.options()).view({-1, 1, 1});
  return (beta * wh + b).flatten(0, 1);
}

// A trial's samples, and what its operators are measured on.
class Measures {
 public:
  // `targets` of the tested samples: which ones they are edited to.
  Measures(const Model& model, const Tokenizer& tokenizer, const LreGrid& grid, const LreOptions& options, const Asked& train,
           const Asked& test, const std::vector<std::optional<size_t>>& targets)
      : model_(model), tokenizer_(tokenizer), grid_(grid), options_(options), train_(train), test_(test) {
    if (held_out()) edits_ = AllEdits(train);
    training_edits_ = edits_.size();
    for (size_t i = 0; i < targets.size(); ++i) {
      if (targets[i]) edits_.push_back(EditTo(test, i, *targets[i]));
    }
  }

  // Whether there is what the rank is chosen on.
  bool can_choose() const { return !held_out() || training_edits_ > 0; }

  // Of every layer its shares, and its chosen beta and rank; and which layers are chosen.
  void operator()(const LreEstimate& estimate, LreTrial& trial, const std::function<void(double)>& progress) const {
    for (int l : grid_.layers) trial.layers.push_back({.layer = l});
    trial.most_faithful = MeasureFaithfulness(estimate, trial.layers);
    trial.most_causal = MeasureCausality(estimate, trial.layers, progress);
  }

 private:
  bool held_out() const { return options_.choice == LreOptions::Choice::kHeldOut; }

  Judgements Says(const at::Tensor& z, const Asked& of) const { return Judge(model_, tokenizer_, z, of.answers); }

  size_t MeasureFaithfulness(const LreEstimate& estimate, std::vector<LreLayer>& layers) const {
    std::set<Place> places;
    for (int l : grid_.layers) places.insert(BlockOutput(l));
    const std::map<Place, at::Tensor> h = TokenStates(model_, test_.prompts, places);
    std::vector<Score> chosen;
    for (size_t i = 0; i < layers.size(); ++i) {
      MeasureBaselines(estimate, i, h.at(BlockOutput(layers[i].layer)), layers[i]);
      const std::vector<Score> by_beta = MeasureBetas(estimate, static_cast<int64_t>(i), h.at(BlockOutput(layers[i].layer)), layers[i]);
      layers[i].beta = Best(by_beta);
      chosen.push_back(by_beta[layers[i].beta]);
    }
    return Best(chosen);
  }

  void MeasureBaselines(const LreEstimate& estimate, size_t i, const at::Tensor& h, LreLayer& layer) const {
    const at::Tensor train_h = estimate.h[static_cast<int64_t>(i)];
    layer.identity = Share(Says(h, test_), &Judgement::right);
    layer.translation = Share(Says(TranslationOperator(layer.layer, train_h, estimate.z)(h), test_), &Judgement::right);
    layer.regression = Share(Says(RegressionOperator(layer.layer, train_h, estimate.z)(h), test_), &Judgement::right);
  }

  // What beta is chosen by.
  std::vector<Score> MeasureBetas(const LreEstimate& estimate, int64_t i, const at::Tensor& h, LreLayer& layer) const {
    const size_t tests = test_.samples.size(), trains = train_.samples.size();
    const Judgements says = Says(ByBeta(h.mm(estimate.w[i].t()), estimate.b[i], grid_.betas), test_),
                     held_out_says =
                         held_out() ? Says(ByBeta(estimate.held_out_wh[i], estimate.held_out_b[i], grid_.betas), train_) : Judgements();
    std::vector<Score> scores;
    for (size_t k = 0; k < grid_.betas.size(); ++k) {
      const Judgements at_beta = Every(says, k * tests, 1, tests);
      layer.faithfulness.push_back(Share(at_beta, &Judgement::right));
      layer.faithfulness_in_3.push_back(Share(at_beta, &Judgement::right_in_3));
      scores.emplace_back(layer.faithfulness.back(), 0);
      if (!held_out()) continue;
      scores.back() = ScoreOf(Every(held_out_says, k * trains, 1, trains));
      layer.held_out_faithfulness.push_back(scores.back().first);
    }
    return scores;
  }

  size_t MeasureCausality(const LreEstimate& estimate, std::vector<LreLayer>& layers, const std::function<void(double)>& progress) const {
    const Judgements says = JudgeEdits(estimate, progress);  // [edit, layer, rank]
    const size_t step = layers.size() * grid_.ranks.size();
    std::vector<Score> chosen;
    for (size_t i = 0; i < layers.size(); ++i) {
      std::vector<Score> scores;
      for (size_t r = 0; r < grid_.ranks.size(); ++r) {
        const size_t first = i * grid_.ranks.size() + r;
        const Judgements tested = Every(says, training_edits_ * step + first, step, edits_.size() - training_edits_);
        layers[i].causality.push_back(Share(tested, &Judgement::right));
        scores.emplace_back(layers[i].causality.back(), 0);
        if (!held_out()) continue;
        scores.back() = ScoreOf(Every(says, first, step, training_edits_));
        layers[i].training_causality.push_back(scores.back().first);
      }
      layers[i].rank = Best(scores);
      chosen.push_back(scores[layers[i].rank]);
    }
    return Best(chosen);
  }

  // What the edited runs say, [edit, layer, rank]; of as many edits together as fit.
  Judgements JudgeEdits(const LreEstimate& estimate, const std::function<void(double)>& progress) const {
    const int64_t d = model_.config().d_model, most = *std::max_element(grid_.ranks.begin(), grid_.ranks.end());
    std::vector<LowRankInverse> inverses;
    for (size_t i = 0; i < grid_.layers.size(); ++i) inverses.emplace_back(estimate.Operator(i).w, most);
    constexpr size_t kCopies = 4;  // of a case's [d_model]: dh as it is made and as it is read, what comes of it, and its final norm
    const size_t bytes = kCopies * sizeof(float) * static_cast<size_t>(d) * grid_.layers.size() * grid_.ranks.size();
    const size_t together = std::max<size_t>(1, static_cast<size_t>(options_.memory) / 4 / bytes);
    Judgements says;
    for (size_t begin = 0; begin < edits_.size(); begin += together) {
      const size_t n = std::min(together, edits_.size() - begin);
      const auto part = [&](double of) {
        progress((static_cast<double>(begin) + of * static_cast<double>(n)) / static_cast<double>(edits_.size()));
      };
      const Judgements some = JudgeEdits(inverses, std::span(edits_).subspan(begin, n), part);
      says.insert(says.end(), some.begin(), some.end());
    }
    return says;
  }

  Judgements JudgeEdits(const std::vector<LowRankInverse>& inverses, std::span<const StateEdit> edits,
                        const std::function<void(double)>& progress) const {
    std::vector<at::Tensor> dz, dh;
    for (const StateEdit& edit : edits) dz.push_back(edit.dz);
    for (const LowRankInverse& inverse : inverses) dh.push_back(inverse(at::stack(dz), grid_.ranks));    // [rank, edit, d_model]
    const std::vector<at::Tensor> deltas = at::stack(dh).permute({2, 0, 1, 3}).flatten(0, 2).unbind(0);  // [edit * layer * rank]
    std::vector<SweepBase> bases;
    std::map<std::vector<int64_t>, size_t> base_of;
    std::vector<SweepCase> cases;  // a prompt's stand together, so that a pass that has room for some prompts runs these alone
    std::vector<Answer> answers;
    for (const StateEdit& edit : edits) {
      const auto [base, is_new] = base_of.emplace(edit.prompt->ids, bases.size());
      if (is_new) bases.push_back({edit.prompt->ids});
      for (int l : grid_.layers) {
        for (size_t r = 0; r < grid_.ranks.size(); ++r) {
          cases.push_back({base->second, {Add{{BlockOutput(l).site, l, edit.prompt->token}, deltas[cases.size()]}}});
          answers.push_back(edit.answer);
        }
      }
    }
    const auto part = [&](int64_t done, int64_t total) { progress(static_cast<double>(done) / static_cast<double>(total)); };
    return Judge(model_, tokenizer_, Sweep(model_, bases, cases, {.memory = options_.memory, .progress = part}), answers);
  }

  const Model& model_;
  const Tokenizer& tokenizer_;
  const LreGrid& grid_;
  const LreOptions& options_;
  const Asked& train_;
  const Asked& test_;
  std::vector<StateEdit> edits_;  // among the training samples first
  size_t training_edits_ = 0;
};

// The share of `samples` whose object is the one that most samples of the relation have.
double MajorityShare(const Relation& relation, const std::vector<Sample>& samples) {
  std::map<std::string, int64_t> count;
  for (const Sample& sample : relation.samples) ++count[sample.object];
  const auto most = std::max_element(count.begin(), count.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto has = std::count_if(samples.begin(), samples.end(), [&](const Sample& sample) { return sample.object == most->first; });
  return static_cast<double>(has) / static_cast<double>(samples.size());
}

// The indices of options.limit of `count` samples, ascending: the first as published, else drawn, by a generator of its own, so that the
// splits and targets stay those of the seed.
std::vector<int64_t> SomeOf(size_t count, const LreOptions& options) {
  std::vector<int64_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  if (options.limit == 0 || options.limit >= static_cast<int64_t>(count)) return all;
  if (options.choice == LreOptions::Choice::kHeldOut) Random(options.seed).Shuffle(all);
  all.resize(static_cast<size_t>(options.limit));
  std::sort(all.begin(), all.end());
  return all;
}

// The samples that the model knows after the training ones as examples.
Asked AskTest(const Model& model, const Tokenizer& tokenizer, const std::string& pattern, const RelationSplit& split,
              const LreOptions& options) {
  std::vector<PromptToken> prompts;
  for (const Sample& sample : split.test)
    prompts.push_back(MakeRelationPrompt(tokenizer, pattern, split.train, sample.subject, options.test_prompts));
  return KnownOf(tokenizer, Ask(model, split.test, std::move(prompts)));
}

// The published choice tests samples whose subject stands among the examples with another object, too.
RelationSplit Split(const Relation& relation, const LreOptions& options, Random& random) {
  RelationSplit split = SplitSamples(relation.samples, static_cast<size_t>(options.train), random);
  const auto is_example = [&](const Sample& sample) {
    return std::any_of(split.train.begin(), split.train.end(), [&](const Sample& train) { return train.subject == sample.subject; });
  };
  if (options.choice == LreOptions::Choice::kHeldOut) std::erase_if(split.test, is_example);
  return split;
}

}  // namespace

LreTrial RunLreTrial(const Model& model, const Tokenizer& tokenizer, const Relation& relation, const LreGrid& grid,
                     const LreOptions& options, Random& random, const std::function<void(double)>& progress) {
  c10::NoGradGuard no_grad;
  const RelationSplit split = Split(relation, options, random);
  LreTrial trial{.train = split.train, .tested = {}};
  const auto skip = [&](std::string why) {
    trial.skipped = std::move(why);
    return trial;
  };
  if (static_cast<int64_t>(split.test.size()) <= options.train)
    return skip(fmt::format("there are {} other samples; more than {} are needed", split.test.size(), options.train));
  const std::string& pattern = relation.prompt_templates[0];
  const Asked known = AskTest(model, tokenizer, pattern, split, options);
  trial.known = static_cast<int64_t>(known.samples.size());
  if (trial.known <= options.train)
    return skip(
        fmt::format("the model knows {} of the {} other samples; more than {} are needed", trial.known, split.test.size(), options.train));
  const Asked test = known.Select(SomeOf(known.samples.size(), options));
  trial.tested = test.samples;
  trial.majority = MajorityShare(relation, test.samples);
  const std::vector<std::optional<size_t>> targets = DrawEditTargets(test.samples, random);
  trial.edited = std::count_if(targets.begin(), targets.end(), [](const auto& target) { return target.has_value(); });
  if (trial.edited == 0) return skip(fmt::format("all {} samples that the model knows have the same object", test.samples.size()));
  const Asked train = Ask(model, split.train, MakeLeaveOneOutPrompts(tokenizer, pattern, split.train, options.train_prompts));
  const Measures measure(model, tokenizer, grid, options, train, test, targets);
  if (!measure.can_choose()) return skip("no training sample has another with another subject and object");
  double done = 0;  // the prompts' Jacobians take about half of the time
  const auto jacobian = [&] { progress(done += 0.5 / static_cast<double>(options.train)); };
  const LreEstimate estimate = EstimateLre(model, train.prompts, grid.layers, {.memory = options.memory}, jacobian);
  measure(estimate, trial, [&](double part) { progress(0.5 + part / 2); });
  return trial;
}

}  // namespace mambascope
