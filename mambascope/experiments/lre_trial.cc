#include "mambascope/experiments/lre_trial.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "mambascope/data/relation_split.h"
#include "mambascope/experiments/answers.h"
#include "mambascope/experiments/lre_estimate.h"
#include "mambascope/intervene/sweep.h"

namespace mambascope {
namespace {

// The share right, and the mean log-probability of what the model says, which tells equal shares apart.
using Score = std::pair<double, double>;

// Of [choice, state], by choice.
std::vector<Score> Scores(const Said& said, int64_t choices) {
  const at::Tensor right = said.right.view({choices, -1}).mean(1), log_p = said.log_p.view({choices, -1}).mean(1);
  std::vector<Score> scores;
  for (int64_t i = 0; i < choices; ++i) scores.emplace_back(right[i].item<double>(), log_p[i].item<double>());
  return scores;
}

std::vector<double> Shares(const at::Tensor& right, int64_t choices) {
  const at::Tensor means = right.view({choices, -1}).mean(1);
  return {means.data_ptr<double>(), means.data_ptr<double>() + choices};
}

std::vector<double> Shares(const std::vector<Score>& scores) {
  std::vector<double> shares;
  for (const Score& score : scores) shares.push_back(score.first);
  return shares;
}

// The first of the best.
template <typename T>
size_t Best(const std::vector<T>& scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

template <typename T>
std::vector<T> Repeated(const std::vector<T>& items, size_t times) {
  std::vector<T> all;
  for (size_t i = 0; i < times; ++i) all.insert(all.end(), items.begin(), items.end());
  return all;
}

// Samples whose answers are to become those of others.
struct StateEdits {
  std::vector<PromptToken> prompts;
  std::vector<at::Tensor> dz;        // [d_model]: z of the other less the own
  std::vector<std::string> objects;  // of the others
  std::vector<int64_t> says;         // what the model says of them

  void Append(const Asked& asked, size_t from, size_t to) {
    prompts.push_back(asked.prompts[from]);
    dz.push_back(asked.z[static_cast<int64_t>(to)] - asked.z[static_cast<int64_t>(from)]);
    objects.push_back(asked.samples[to].object);
    says.push_back(asked.says[to]);
  }
};

// Every sample to every other with another subject and object.
void AppendAll(const Asked& asked, StateEdits& edits) {
  for (size_t from = 0; from < asked.samples.size(); ++from) {
    for (size_t to = 0; to < asked.samples.size(); ++to) {
      const Sample &a = asked.samples[from], &b = asked.samples[to];
      if (a.subject != b.subject && a.object != b.object) edits.Append(asked, from, to);
    }
  }
}

// What the edited runs say, [rank, edit], of all ranks in one sweep.
Said RunEdits(const Model& model, const Tokenizer& tokenizer, const StateEdits& edits, const LreOperator& lre,
              const std::vector<int64_t>& ranks, int64_t memory) {
  const auto n_ranks = static_cast<int64_t>(ranks.size()), n_edits = static_cast<int64_t>(edits.prompts.size());
  const at::Tensor dh = LowRankInverse(lre.w)(at::stack(edits.dz), ranks);            // [rank, edit, d_model]
  const std::vector<at::Tensor> deltas = dh.transpose(0, 1).flatten(0, 1).unbind(0);  // [edit * rank]
  std::vector<SweepBase> bases;
  std::map<std::vector<int64_t>, size_t> base_of;
  std::vector<SweepCase> cases;  // a prompt's stand together, so that a pass that has room for some prompts runs these alone
  for (const PromptToken& prompt : edits.prompts) {
    if (base_of.emplace(prompt.ids, bases.size()).second) bases.push_back({prompt.ids});
  }
  const Place at = BlockOutput(lre.layer);
  for (size_t e = 0; e < edits.prompts.size(); ++e) {
    const PromptToken& prompt = edits.prompts[e];
    for (size_t r = 0; r < ranks.size(); ++r)
      cases.push_back({base_of.at(prompt.ids), {Add{{at.site, at.layer, prompt.token}, deltas[e * ranks.size() + r]}}});
  }
  const at::Tensor by_edit = Sweep(model, bases, cases, {.memory = memory}).view({n_edits, n_ranks, -1});
  const at::Tensor last = by_edit.transpose(0, 1).flatten(0, 1);  // [rank * edit, d_model]
  return Judge(model, tokenizer, last, Repeated(edits.objects, ranks.size()), Repeated(edits.says, ranks.size()));
}

// Part [begin, begin + count) of the states of each of `choices`.
Said Part(const Said& said, int64_t choices, int64_t begin, int64_t count) {
  const auto part = [&](const at::Tensor& x) { return x.view({choices, -1}).narrow(1, begin, count).contiguous(); };
  return {part(said.right), part(said.right_in_3), part(said.log_p)};
}

// The operators' outputs for every beta, [beta * state, d_model].
at::Tensor ByBeta(const at::Tensor& wh, const at::Tensor& b, const std::vector<double>& betas) {
  const at::Tensor beta = at::tensor(betas, wh.options()).view({-1, 1, 1});
  return (beta * wh + b).flatten(0, 1);
}

// A trial's samples, and what its layers are measured on.
class Measures {
 public:
  Measures(const Model& model, const Tokenizer& tokenizer, const LreGrid& grid, const LreOptions& options, const Asked& train,
           const Asked& test, const std::vector<std::optional<size_t>>& targets)
      : model_(model), tokenizer_(tokenizer), grid_(grid), options_(options), train_(train), test_(test) {
    if (held_out()) AppendAll(train, edits_);
    training_edits_ = static_cast<int64_t>(edits_.prompts.size());
    for (size_t i = 0; i < targets.size(); ++i) {
      if (targets[i]) edits_.Append(test, i, *targets[i]);
    }
    std::set<Place> places;
    for (int l : grid.layers) places.insert(BlockOutput(l));
    h_ = TokenStates(model, test.prompts, places);
  }

  // Whether there is what the rank is chosen on.
  bool can_choose() const { return !held_out() || training_edits_ > 0; }

  // The i-th layer's scores; what the layers are chosen by goes to `faithful` and `causal`.
  LreLayer Measure(const LreEstimate& estimate, size_t i, std::vector<Score>& faithful, std::vector<Score>& causal) const {
    LreLayer result{.layer = grid_.layers[i]};
    MeasureFaithfulness(estimate, i, result, faithful);
    MeasureCausality(estimate.Operator(i), result, causal);
    return result;
  }

 private:
  bool held_out() const { return options_.choice == LreOptions::Choice::kHeldOut; }

  void MeasureFaithfulness(const LreEstimate& estimate, size_t i, LreLayer& result, std::vector<Score>& faithful) const {
    const auto betas = static_cast<int64_t>(grid_.betas.size()), at = static_cast<int64_t>(i);
    const at::Tensor h = h_.at(BlockOutput(result.layer)), train_h = estimate.h[at];
    const auto says = [&](const at::Tensor& z) {
      return Judge(model_, tokenizer_, z, ObjectsOf(test_.samples)).right.mean().item<double>();
    };
    result.identity = says(h);
    result.translation = says(TranslationOperator(result.layer, train_h, estimate.z)(h));
    result.regression = says(RegressionOperator(result.layer, train_h, estimate.z)(h));
    const at::Tensor z = ByBeta(h.mm(estimate.w[at].t()), estimate.b[at], grid_.betas);
    const Said said =
        Judge(model_, tokenizer_, z, Repeated(ObjectsOf(test_.samples), grid_.betas.size()), Repeated(test_.says, grid_.betas.size()));
    result.faithfulness = Shares(said.right, betas);
    result.faithfulness_in_3 = Shares(said.right_in_3, betas);
    std::vector<Score> scores;
    if (held_out()) {
      const at::Tensor train_z = ByBeta(estimate.held_out_wh[at], estimate.held_out_b[at], grid_.betas);
      scores = Scores(Judge(model_, tokenizer_, train_z, Repeated(ObjectsOf(train_.samples), grid_.betas.size()),
                            Repeated(train_.says, grid_.betas.size())),
                      betas);
      result.held_out_faithfulness = Shares(scores);
    } else {
      for (double share : result.faithfulness) scores.emplace_back(share, 0);
    }
    result.beta = Best(scores);
    faithful.push_back(scores[result.beta]);
  }

  void MeasureCausality(const LreOperator& lre, LreLayer& result, std::vector<Score>& causal) const {
    const auto ranks = static_cast<int64_t>(grid_.ranks.size());
    const Said said = RunEdits(model_, tokenizer_, edits_, lre, grid_.ranks, options_.memory);
    const auto tested = static_cast<int64_t>(edits_.prompts.size()) - training_edits_;
    result.causality = Shares(Part(said, ranks, training_edits_, tested).right, ranks);
    std::vector<Score> scores;
    if (held_out()) {
      scores = Scores(Part(said, ranks, 0, training_edits_), ranks);
      result.training_causality = Shares(scores);
    } else {
      for (double share : result.causality) scores.emplace_back(share, 0);
    }
    result.rank = Best(scores);
    causal.push_back(scores[result.rank]);
  }

  const Model& model_;
  const Tokenizer& tokenizer_;
  const LreGrid& grid_;
  const LreOptions& options_;
  const Asked& train_;
  const Asked& test_;
  StateEdits edits_;  // among the training samples first
  int64_t training_edits_ = 0;
  std::map<Place, at::Tensor> h_;  // [sample, d_model], of the tested
};

// The share of `samples` whose object is the one that most samples of the relation have.
double MajorityShare(const Relation& relation, const std::vector<Sample>& samples) {
  std::map<std::string, int64_t> count;
  for (const Sample& sample : relation.samples) ++count[sample.object];
  const auto most = std::max_element(count.begin(), count.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto has = std::count_if(samples.begin(), samples.end(), [&](const Sample& sample) { return sample.object == most->first; });
  return static_cast<double>(has) / static_cast<double>(samples.size());
}

}  // namespace

int64_t LreSteps(const LreGrid& grid, const LreOptions& options) { return options.train + static_cast<int64_t>(grid.layers.size()); }

LreTrial RunLreTrial(const Model& model, const Tokenizer& tokenizer, const Relation& relation, const LreGrid& grid,
                     const LreOptions& options, Random& random, const std::function<void()>& tick) {
  c10::NoGradGuard no_grad;
  const auto count = static_cast<size_t>(options.train);
  const RelationSplit split = SplitSamples(relation.samples, count, random);
  const std::string& pattern = relation.prompt_templates[0];
  LreTrial trial{.train = split.train, .tested = {}};
  std::vector<PromptToken> prompts;
  for (const Sample& sample : split.test)
    prompts.push_back(MakeRelationPrompt(tokenizer, pattern, split.train, sample.subject, options.test_prompts));
  const Asked test = KnownOf(tokenizer, Ask(model, split.test, std::move(prompts)), options.limit);
  trial.tested = test.samples;
  if (test.samples.size() <= count) {
    trial.skipped =
        fmt::format("the model knows {} of the {} other samples; more than {} are needed", test.samples.size(), split.test.size(), count);
    return trial;
  }
  const std::vector<std::optional<size_t>> targets = DrawEditTargets(test.samples, random);
  trial.edited = std::count_if(targets.begin(), targets.end(), [](const auto& target) { return target.has_value(); });
  if (trial.edited == 0) {
    trial.skipped = fmt::format("all {} samples that the model knows have the same object", test.samples.size());
    return trial;
  }
  trial.majority = MajorityShare(relation, test.samples);
  const Asked train = Ask(model, split.train, MakeLeaveOneOutPrompts(tokenizer, pattern, split.train, options.train_prompts));
  const Measures measures(model, tokenizer, grid, options, train, test, targets);
  if (!measures.can_choose()) {
    trial.skipped = "no training sample has another with another subject and object";
    return trial;
  }
  const LreEstimate estimate = EstimateLre(model, train.prompts, grid.layers, {.memory = options.memory}, tick);
  std::vector<Score> faithful, causal;
  for (size_t i = 0; i < grid.layers.size(); ++i) {
    trial.layers.push_back(measures.Measure(estimate, i, faithful, causal));
    tick();
  }
  trial.faithful = Best(faithful);
  trial.causal = Best(causal);
  return trial;
}

}  // namespace mambascope
