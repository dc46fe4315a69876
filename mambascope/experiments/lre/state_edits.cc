#include "mambascope/experiments/lre/state_edits.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/intervene/sweep.h"

namespace mambascope {

StateEdit EditTo(const Asked& asked, size_t from, size_t to) {
  return {&asked.prompts[from], asked.z[static_cast<int64_t>(to)] - asked.z[static_cast<int64_t>(from)], asked.answers[to]};
}

bool CanEdit(const Asked& asked, size_t from, size_t to, bool visibly) {
  const Sample &a = asked.samples[from], &b = asked.samples[to];
  if (a.subject == b.subject || a.object == b.object) return false;
  return !visibly || !IsAnswer(asked.answers[from].says, b.object);
}

std::vector<StateEdit> AllEdits(const Asked& asked) {
  std::vector<StateEdit> edits;
  for (size_t from = 0; from < asked.samples.size(); ++from) {
    for (size_t to = 0; to < asked.samples.size(); ++to) {
      if (CanEdit(asked, from, to, /*visibly=*/true)) edits.push_back(EditTo(asked, from, to));
    }
  }
  return edits;
}

StateEditor::StateEditor(const Model& model, const Tokenizer& tokenizer, const LreEstimate& estimate, std::vector<int64_t> ranks,
                         int64_t memory)
    : model_(model), tokenizer_(tokenizer), layers_(estimate.layers), ranks_(std::move(ranks)), memory_(memory) {
  const int64_t most = *std::max_element(ranks_.begin(), ranks_.end());
  for (size_t i = 0; i < layers_.size(); ++i) inverses_.emplace_back(estimate.Operator(i).w, most);
}

std::vector<std::vector<Judgements>> StateEditor::operator()(const std::vector<StateEdit>& edits,
                                                             const std::function<void(double)>& progress) const {
  // Of an edit, [layer, rank, d_model] four times: dh as it is made and as it is read, what comes of it, and its final norm. A quarter of
  // the memory is for these, the rest for the sweep.
  const size_t bytes = 4 * sizeof(float) * static_cast<size_t>(model_.config().d_model) * layers_.size() * ranks_.size();
  const size_t together = std::max<size_t>(1, static_cast<size_t>(memory_) / 4 / bytes);
  std::vector says(layers_.size(), std::vector<Judgements>(ranks_.size()));
  for (size_t begin = 0; begin < edits.size(); begin += together) {
    const size_t n = std::min(together, edits.size() - begin);
    const auto part = [&](double of) {
      progress((static_cast<double>(begin) + of * static_cast<double>(n)) / static_cast<double>(edits.size()));
    };
    const Judgements some = Say(std::span(edits).subspan(begin, n), part);
    for (size_t i = 0; i < some.size(); ++i) says[i / ranks_.size() % layers_.size()][i % ranks_.size()].push_back(some[i]);
  }
  return says;
}

Judgements StateEditor::Say(std::span<const StateEdit> edits, const std::function<void(double)>& progress) const {
  std::vector<at::Tensor> dz, dh;
  for (const StateEdit& edit : edits) dz.push_back(edit.dz);
  const at::Tensor stacked = at::stack(dz);
  for (const LowRankInverse& inverse : inverses_) dh.push_back(inverse(stacked, ranks_));              // [rank, edit, d_model]
  const std::vector<at::Tensor> deltas = at::stack(dh).permute({2, 0, 1, 3}).flatten(0, 2).unbind(0);  // [edit * layer * rank]
  std::vector<SweepBase> bases;
  std::vector<SweepCase> cases;  // a prompt's stand together, so that a pass that has room for some prompts runs these alone
  std::vector<Answer> answers;
  for (const StateEdit& edit : edits) {
    if (bases.empty() || bases.back().ids != edit.prompt->ids) bases.push_back({edit.prompt->ids});
    for (int l : layers_) {
      for (size_t r = 0; r < ranks_.size(); ++r) {
        cases.push_back({bases.size() - 1, {Add{{BlockOutput(l).site, l, edit.prompt->token}, deltas[cases.size()]}}});
        answers.push_back(edit.answer);
      }
    }
  }
  const auto part = [&](int64_t done, int64_t total) { progress(static_cast<double>(done) / static_cast<double>(total)); };
  return Judge(model_, tokenizer_, Sweep(model_, bases, cases, {.memory = memory_ - memory_ / 4, .progress = part}), answers);
}

}  // namespace mambascope
