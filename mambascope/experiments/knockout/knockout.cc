#include "mambascope/experiments/knockout/knockout.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "mambascope/error.h"
#include "mambascope/experiments/facts/token_sets.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

using Tokens = std::vector<int64_t>;

CutKind KindAt(const std::vector<CutKind>& kinds, int64_t layer) {
  return kinds.empty() ? CutKind::kMixing : kinds.at(static_cast<size_t>(layer));
}

bool HasMixer(const Layer& layer, std::optional<MixerKind> kind) {
  const std::vector<Mixer> mixers = layer.mixers();
  return kind ? FindMixer(mixers, *kind).has_value() : !mixers.empty();
}

// Returns the cuts in the layers of `window` that have mixers and channels of the group.
Variant CutIn(const Model& model, Span window, const Tokens& from, const Tokens& to,
              const ChannelGroup& group, const std::vector<CutKind>& kinds) {
  Variant variant;
  for (int64_t l = window.begin; l < window.end; ++l) {
    const auto layer = static_cast<int>(l);
    const at::Tensor channels =
        group.blocked.empty() ? at::Tensor() : group.blocked.at(static_cast<size_t>(l));
    if (!HasMixer(model.layer(layer), group.mixers) ||
        (!group.blocked.empty() && !channels.defined()))
      continue;
    variant.push_back(Cut{.layer = layer,
                          .from = from,
                          .to = to,
                          .channels = channels,
                          .kind = KindAt(kinds, l),
                          .mixers = group.mixers});
  }
  return variant;
}

// Returns the ablation of the sources in `window`. Tokens before the first source need no Hold,
// because they equal the base run's anyway.
Variant AblateIn(Span window, const Tokens& from, int64_t tokens, const MeanAblation& ablation) {
  Variant variant;
  for (int64_t l = window.begin; l < window.end; ++l) {
    if (!ablation.means.at(static_cast<size_t>(l)).defined()) continue;
    for (int64_t t = from.front(); t < tokens; ++t) {
      const StateId at{Site::kConvIn, static_cast<int>(l), t};
      if (std::binary_search(from.begin(), from.end(), t))
        variant.push_back(Set{at, ablation.means.at(static_cast<size_t>(l))});
      else if (t < tokens - 1 && ablation.others == MeanAblation::Others::kHeld)
        variant.push_back(Hold{at});
    }
  }
  return variant;
}

// The cells of some facts, as cases of one sweep. Cells that several curves or rows share are
// computed once.
class Cases {
 public:
  Cases(const Model& model, const std::vector<FactPair>& pairs, const std::vector<int64_t>& answers,
        const KnockoutOptions& options)
      : model_(model), options_(options), answers_(answers) {
    for (const FactPair& pair : pairs) {
      bases_.push_back({pair.clean.ids});
      Add(bases_.size() - 1, {});
    }
  }

  // Adds one cell per window, and returns the index of the first. Returns none when nothing is
  // severed: a set is empty, or all sources come after all targets.
  std::optional<size_t> AddWindows(size_t fact, const Tokens& from, const Tokens& to, size_t group,
                                   size_t set) {
    if (from.empty() || to.empty()) return std::nullopt;
    if (from.front() > to.back() && !ReadsLaterTokens()) return std::nullopt;
    const auto [found, is_new] = first_.try_emplace({fact, from, to, group, set}, cases_.size());
    if (is_new) {
      const auto tokens = static_cast<int64_t>(bases_[fact].ids.size());
      for (const Span& window : options_.windows.at(set).windows) {
        Add(fact, options_.ablation ? AblateIn(window, from, tokens, *options_.ablation)
                                    : CutIn(model_, window, from, to, options_.channels.at(group),
                                            options_.kinds));
      }
    }
    return found->second;
  }

  // Computes all cells. The facts' base runs come first.
  std::vector<AnswerCell> Compute(Audit& audit) const {
    return AnswerCells(model_, bases_, cases_, case_answers_, options_.cells, audit);
  }

 private:
  bool ReadsLaterTokens() const {
    return std::find(options_.kinds.begin(), options_.kinds.end(), CutKind::kBidirectional) !=
           options_.kinds.end();
  }
  void Add(size_t fact, Variant variant) {
    cases_.push_back({fact, std::move(variant)});
    case_answers_.push_back(answers_[fact]);
  }

  const Model& model_;
  const KnockoutOptions& options_;
  const std::vector<int64_t>& answers_;
  std::vector<SweepBase> bases_;
  std::vector<SweepCase> cases_;
  std::vector<int64_t> case_answers_;
  std::map<std::tuple<size_t, Tokens, Tokens, size_t, size_t>, size_t> first_;
};

// Returns the pairs' answers. A pair without one gets the most probable token.
std::vector<int64_t> ChooseAnswers(const Model& model, const std::vector<FactPair>& pairs,
                                   int64_t memory) {
  std::vector<std::vector<int64_t>> open;  // prompts without an answer
  for (const FactPair& pair : pairs) {
    if (!pair.answer_id) open.push_back(pair.clean.ids);
  }
  const at::Tensor top = open.empty()
                             ? at::Tensor()
                             : Run(model, open, {.memory = memory}).LastLogits().argmax(1).cpu();
  std::vector<int64_t> answers;
  int64_t next = 0;
  for (const FactPair& pair : pairs) {
    const int64_t answer = pair.answer_id ? *pair.answer_id : top[next++].item<int64_t>();
    if (answer < 0 || answer >= model.config().vocab)
      throw Error(fmt::format("the answer's token id {} is outside the model's vocabulary of {}",
                              answer, model.config().vocab));
    answers.push_back(answer);
  }
  return answers;
}

}  // namespace

std::vector<Flow> ListFlows(const KnockoutOptions& options) {
  std::vector<Flow> flows;
  const auto add = [&](const std::string& to, size_t group) {
    for (const std::string& from : options.from) {
      for (size_t set = 0; set < options.windows.size(); ++set)
        flows.push_back({from, to, group, set});
    }
  };
  if (options.ablation) {
    add("", 0);
    return flows;
  }
  for (const std::string& to : options.to) {
    for (size_t group = 0; group < options.channels.size(); ++group) add(to, group);
  }
  return flows;
}

std::vector<KnockedFact> KnockOut(const Model& model, const std::vector<FactPair>& pairs,
                                  const KnockoutOptions& options, Audit& audit) {
  if (pairs.empty()) return {};
  c10::NoGradGuard no_grad;
  const std::vector<int64_t> answers = ChooseAnswers(model, pairs, options.cells.sweep.memory);
  const std::vector<Flow> flows = ListFlows(options);
  Cases cases(model, pairs, answers, options);
  std::vector<KnockedFact> facts;
  // [fact]: the first cell of each flow, then of each token of the heat map.
  std::vector<std::vector<std::optional<size_t>>> rows(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    const Prompt& prompt = pairs[i].clean;
    const Tokens last = ResolveTokens("last", prompt);
    facts.push_back({.relation = pairs[i].relation,
                     .prompt = prompt,
                     .answer_id = answers[i],
                     .answer = {},
                     .base = {},
                     .cells = {},
                     .sources = {}});
    for (const Flow& flow : flows) {
      const Tokens from = ResolveTokens(flow.from, prompt),
                   to = options.ablation ? last : ResolveTokens(flow.to, prompt);
      rows[i].push_back(cases.AddWindows(i, from, to, flow.group, flow.windows));
      facts[i].sources.push_back(rows[i].back() ? static_cast<int64_t>(from.size()) : 0);
    }
    for (int64_t t = 0; options.heatmap && t <= last[0]; ++t)
      rows[i].push_back(cases.AddWindows(i, {t}, last, 0, 0));
    if (options.heatmap) facts[i].places = options.windows.at(0).places;
    if (options.decompose) facts[i].parts = DecomposeAnswer(model, prompt.ids, answers[i]);
  }
  const std::vector<AnswerCell> cells = cases.Compute(audit);
  for (size_t i = 0; i < facts.size(); ++i) {
    facts[i].base = cells[i];
    if (cells[i].p == 0)
      throw Error(
          fmt::format("p(answer) is 0 after the prompt '{}', so a relative change is not defined",
                      facts[i].prompt.text));
    for (size_t r = 0; r < rows[i].size(); ++r) {
      const bool is_flow = r < flows.size();
      const WindowSet& set = options.windows.at(is_flow ? flows[r].windows : 0);
      std::vector<AnswerCell> windows(set.windows.size(), cells[i]);
      if (rows[i][r])
        std::copy_n(cells.begin() + static_cast<int64_t>(*rows[i][r]), windows.size(),
                    windows.begin());
      (is_flow ? facts[i].cells : facts[i].heatmap).push_back(std::move(windows));
    }
  }
  return facts;
}

}  // namespace mambascope
