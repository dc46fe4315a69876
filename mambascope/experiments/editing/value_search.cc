#include "mambascope/experiments/editing/value_search.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <torch/optim/adam.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "mambascope/error.h"
#include "mambascope/intervene/run.h"
#include "mambascope/intervene/sweep.h"
#include "mambascope/model/kernels/product.h"

namespace mambascope {
namespace {

// Returns where a delta at `place` can be added instead. A value that is added to the block's
// output as it is can be changed there, so that its own layer need not be recomputed.
Place WhereAdded(const Model& model, const Place& place) {
  return model.layer(place.layer).IsAddedToOutput(place.site) ? BlockOutput(place.layer) : place;
}

// Base runs and cases of searches that run together.
struct Work {
  std::vector<SweepBase> bases;
  std::vector<SweepCase> cases;
  std::map<const RewritePrompts*, size_t> first_base;
};

// One search. Its cases are the prompts of all contexts, each with the target except its last
// token, and the essence.
class Search {
 public:
  Search(const Model& model, const ValueTask& task, const ValueOptions& options)
      : rewrite_(*task.rewrite),
        options_(options),
        at_(WhereAdded(model, task.at)),
        v0_norm_(task.v0.norm()),
        delta_(at::zeros_like(task.v0).requires_grad_()),
        adam_({delta_}, torch::optim::AdamOptions(options.learning_rate)) {
    const auto& ids = rewrite_.target;
    target_ = at::tensor(ids, at::kLong)
                  .to(task.v0.device())
                  .repeat({static_cast<int64_t>(rewrite_.prompts.size())})
                  .unsqueeze(1);
  }

  // Appends this search's cases. Appends their base runs, too, unless another search of the same
  // rewrite has done so.
  void Append(Work& work) {
    const bool is_new = !work.first_base.contains(&rewrite_);
    size_t next = work.first_base.emplace(&rewrite_, work.bases.size()).first->second;
    // Each prompt adds a row of its own, so that the prompts' gradients are summed in one order,
    // whatever the sweep computes beside them.
    const auto prompts = static_cast<int64_t>(rewrite_.prompts.size()) + 1;
    const at::Tensor rows = delta_.expand({prompts, delta_.size(0)});
    int64_t row = 0;
    const auto add = [&](const PromptToken& prompt, std::vector<int64_t> ids,
                         std::vector<int64_t> read) {
      cases_.push_back(work.cases.size());
      work.cases.push_back(
          {next++, {Add{{at_.site, at_.layer, prompt.token}, rows[row++]}}, std::move(read)});
      if (is_new) work.bases.push_back({std::move(ids)});
    };
    for (const PromptToken& prompt : rewrite_.prompts) {
      std::vector<int64_t> ids = prompt.ids, read;
      ids.insert(ids.end(), rewrite_.target.begin(), rewrite_.target.end() - 1);
      for (size_t t = prompt.ids.size() - 1; t < ids.size(); ++t)
        read.push_back(static_cast<int64_t>(t));
      add(prompt, std::move(ids), std::move(read));
    }
    add(rewrite_.essence, rewrite_.essence.ids, {rewrite_.essence.token});
  }
  const std::vector<size_t>& cases() const { return cases_; }
  int64_t reads() const { return target_.size(0) + 1; }
  bool done() const { return !found_.stopped.empty(); }
  // The share of the most passes that the search may take; 1 when it is over.
  double share() const {
    return done() ? 1 : static_cast<double>(found_.steps.size()) / options_.steps;
  }

  // Returns the loss of the pass that gave `log_p` [read, vocab]. The tensor is undefined when the
  // search is over.
  at::Tensor Loss(const at::Tensor& log_p) {
    const int64_t contexts = static_cast<int64_t>(rewrite_.prompts.size()), n = reads() - 1;
    const at::Tensor nll =
        -log_p.narrow(0, 0, n).gather(1, target_).view({contexts, -1}).mean(1);  // [context]
    const at::Tensor essence = log_p[n];                                         // [vocab]
    if (!essence_before_.defined()) essence_before_ = essence.detach().clone();
    // A product, because a sum over the vocabulary would depend on the number of threads.
    const at::Tensor kl =
        options_.kl * Product(essence.exp(), (essence - essence_before_).unsqueeze(1)).squeeze(0);
    const at::Tensor decay = options_.decay * delta_.norm() / v0_norm_.square();
    const at::Tensor loss = nll.mean() + kl + decay;
    const auto value = [](const at::Tensor& x) { return x.item<double>(); };
    found_.steps.push_back(
        {value(loss), value(nll.mean()), value(kl), value(decay), value(nll.neg().exp().mean())});
    const LossStep& step = found_.steps.back();
    if (!std::isfinite(step.loss))
      throw Error(fmt::format("the loss of an edit at layer {} is not a number", at_.layer));
    const int pass = static_cast<int>(found_.steps.size()) - 1;
    if (step.loss < options_.enough_loss) found_.stopped = "loss";
    else if (pass >= options_.steps - 1) found_.stopped = "steps";
    else if (pass >= options_.enough_p_from && step.p > options_.enough_p)
      found_.stopped = "probability";
    return done() ? at::Tensor() : loss;
  }

  // Takes one gradient step and scales delta back to the largest allowed norm.
  void Descend() {
    adam_.step();
    adam_.zero_grad();
    c10::NoGradGuard no_grad;
    const double norm = delta_.norm().item<double>(),
                 most = options_.clamp * v0_norm_.item<double>();
    if (norm > most) delta_.mul_(most / norm);
  }

  FoundValue Found() {
    found_.delta = delta_.detach();
    return std::move(found_);
  }

 private:
  const RewritePrompts& rewrite_;
  const ValueOptions& options_;
  const Place at_;
  const at::Tensor v0_norm_;
  at::Tensor delta_;  // [width]
  torch::optim::Adam adam_;
  at::Tensor target_;  // [context * target, 1]
  std::vector<size_t> cases_;
  at::Tensor essence_before_;  // [vocab]
  FoundValue found_;
};

// Returns the logits [read, vocab] that the cases read, by one whole pass over their prompts.
at::Tensor ByRun(const Model& model, const Work& work, const std::vector<size_t>& asked) {
  std::vector<std::vector<int64_t>> prompts;
  RunOptions options;
  for (size_t i : asked) {
    prompts.push_back(work.bases[work.cases[i].base].ids);
    options.variants.push_back(work.cases[i].variant);
  }
  const RunResult result = Run(model, prompts, options);
  std::vector<at::Tensor> read;
  for (size_t i = 0; i < asked.size(); ++i) {
    const at::Tensor logits = result.Logits(i);
    read.push_back(logits.index_select(0, RowIndex(work.cases[asked[i]].read, logits)));
  }
  return at::cat(read);
}

// Runs searches together until all have ended.
void Descend(const Model& model, const std::vector<std::unique_ptr<Search>>& searches,
             const Work& work, const ValueOptions& options,
             const std::function<void()>& after_pass) {
  c10::AutoGradMode grad(true);
  std::unique_ptr<RepeatedSweep> sweep;
  if (options.by == ValueOptions::By::kSweep)
    sweep = std::make_unique<RepeatedSweep>(model, work.bases, work.cases);
  std::vector<Search*> going;
  for (const auto& search : searches) going.push_back(search.get());
  while (!going.empty()) {
    std::vector<size_t> asked;
    for (const Search* search : going)
      asked.insert(asked.end(), search->cases().begin(), search->cases().end());
    const at::Tensor logits = sweep ? model.Unembed((*sweep)(asked)) : ByRun(model, work, asked);
    std::vector<int64_t> reads;
    for (const Search* search : going) reads.push_back(search->reads());
    const std::vector<at::Tensor> log_p =
        logits.log_softmax(1).split_with_sizes(reads);  // [read, vocab] of each search
    at::Tensor total = at::zeros({}, logits.options().requires_grad(false));
    for (size_t i = 0; i < going.size(); ++i) {
      const at::Tensor loss = going[i]->Loss(log_p[i]);
      if (loss.defined()) total = total + loss;
    }
    std::erase_if(going, [](const Search* search) { return search->done(); });
    after_pass();
    if (!going.empty()) total.backward();
    for (Search* search : going) search->Descend();
  }
}

// Returns the searches of `tasks` from `begin` on that fit into one pass together, at least one.
std::vector<std::unique_ptr<Search>> Begin(const Model& model, const std::vector<ValueTask>& tasks,
                                           size_t begin, const ValueOptions& options, Work& work) {
  const int64_t most_rows = SearchRows(model.device(), model.parameters());
  std::vector<std::unique_ptr<Search>> searches;
  c10::AutoGradMode grad(true);  // so that the plan counts the memory that gradients keep
  for (size_t i = begin; i < tasks.size(); ++i) {
    Work more = work;
    auto search = std::make_unique<Search>(model, tasks[i], options);
    search->Append(more);
    int64_t reads = 0;
    for (const SweepCase& c : more.cases) reads += static_cast<int64_t>(c.read.size());
    // Memory beside the sweep: what it keeps of the base runs, and the logits with their softmax
    // and gradients.
    const int64_t beside = RepeatedBytes(model, more.bases, more.cases) +
                           4 * reads * model.config().vocab * static_cast<int64_t>(sizeof(float));
    const SweepPlan plan = PlanSweep(model, more.bases, more.cases,
                                     {.memory = std::max<int64_t>(1, options.memory - beside)});
    const bool fits = plan.passes == 1 && plan.peak_rows <= most_rows;
    if (!fits && !searches.empty()) break;
    if (plan.passes > 1)
      throw Error(
          fmt::format("the search for one value needs more than {} MB", options.memory >> 20),
          "raise --memory");
    work = std::move(more);
    searches.push_back(std::move(search));
  }
  return searches;
}

}  // namespace

std::vector<FoundValue> SearchValues(const Model& model, const std::vector<ValueTask>& tasks,
                                     const ValueOptions& options, const WhenFound& when_found) {
  std::vector<FoundValue> found;
  while (found.size() < tasks.size()) {
    Work work;
    const std::vector<std::unique_ptr<Search>> searches =
        Begin(model, tasks, found.size(), options, work);
    Descend(model, searches, work, options, [&] {
      double done = static_cast<double>(found.size());
      for (const auto& search : searches) done += search->share();
      if (options.progress) options.progress(done, static_cast<int64_t>(tasks.size()));
    });
    const size_t begin = found.size();
    for (const auto& search : searches) found.push_back(search->Found());
    if (when_found) when_found(begin, std::span(found).subspan(begin));
  }
  return found;
}

}  // namespace mambascope
