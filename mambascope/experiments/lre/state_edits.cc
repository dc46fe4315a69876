#include "mambascope/experiments/lre/state_edits.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/intervene/sweep.h"

namespace mambascope {

StateEdit EditTo(const PredictedSamples& predicted, size_t from, size_t to) {
  const at::Tensor dz =
      predicted.z[static_cast<int64_t>(to)] - predicted.z[static_cast<int64_t>(from)];  // [d_model]
  return {&predicted.prompts[from], dz, predicted.predictions[to]};
}

bool CanEdit(const PredictedSamples& predicted, size_t from, size_t to) {
  const Sample &a = predicted.samples[from], &b = predicted.samples[to];
  return a.subject != b.subject && a.object != b.object;
}

bool CanEditVisibly(const PredictedSamples& predicted, size_t from, size_t to) {
  return CanEdit(predicted, from, to) &&
         !IsAnswer(predicted.predictions[from].text, predicted.samples[to].object);
}

std::vector<StateEdit> AllEdits(const PredictedSamples& predicted) {
  std::vector<StateEdit> edits;
  for (size_t from = 0; from < predicted.samples.size(); ++from) {
    for (size_t to = 0; to < predicted.samples.size(); ++to) {
      if (CanEditVisibly(predicted, from, to)) edits.push_back(EditTo(predicted, from, to));
    }
  }
  return edits;
}

StateEditor::StateEditor(const Model& model, const Tokenizer& tokenizer,
                         const LreEstimate& estimate, std::vector<int64_t> ranks, int64_t memory)
    : model_(model),
      tokenizer_(tokenizer),
      layers_(estimate.layers),
      ranks_(std::move(ranks)),
      memory_(memory) {
  const int64_t most = *std::max_element(ranks_.begin(), ranks_.end());
  for (size_t i = 0; i < layers_.size(); ++i) inverses_.emplace_back(estimate.Operator(i).w, most);
}

std::vector<std::vector<PredictionScores>> StateEditor::operator()(
    const std::vector<StateEdit>& edits, const std::function<void(double)>& progress) const {
  // An edit takes four tensors [layer, rank, d_model]: dh as computed, dh as the sweep reads it,
  // the sweep's output, and the final norm of that. A quarter of the memory is for them, the rest
  // for the sweep.
  const size_t bytes = 4 * sizeof(float) * static_cast<size_t>(model_.config().d_model) *
                       layers_.size() * ranks_.size();
  const size_t together = std::max<size_t>(1, static_cast<size_t>(memory_) / 4 / bytes);
  std::vector says(layers_.size(), std::vector<PredictionScores>(ranks_.size()));
  for (size_t begin = 0; begin < edits.size(); begin += together) {
    const size_t n = std::min(together, edits.size() - begin);
    const auto part = [&](double of) {
      progress((static_cast<double>(begin) + of * static_cast<double>(n)) /
               static_cast<double>(edits.size()));
    };
    const PredictionScores some = Say(std::span(edits).subspan(begin, n), part);
    for (size_t i = 0; i < some.size(); ++i)
      says[i / ranks_.size() % layers_.size()][i % ranks_.size()].push_back(some[i]);
  }
  return says;
}

PredictionScores StateEditor::Say(std::span<const StateEdit> edits,
                                  const std::function<void(double)>& progress) const {
  std::vector<at::Tensor> dz, dh;
  for (const StateEdit& edit : edits) dz.push_back(edit.dz);
  const at::Tensor stacked = at::stack(dz);
  for (const LowRankInverse& inverse : inverses_)
    dh.push_back(inverse(stacked, ranks_));  // [rank, edit, d_model]
  const std::vector<at::Tensor> deltas =
      at::stack(dh).permute({2, 0, 1, 3}).flatten(0, 2).unbind(0);  // [edit * layer * rank]
  std::vector<SweepBase> bases;
  // Cases of one prompt are next to each other, so that a pass with room for some of the prompts
  // runs only these.
  std::vector<SweepCase> cases;
  std::vector<NextTokenPrediction> targets;
  for (const StateEdit& edit : edits) {
    if (bases.empty() || bases.back().ids != edit.prompt->ids) bases.push_back({edit.prompt->ids});
    for (int l : layers_) {
      for (size_t r = 0; r < ranks_.size(); ++r) {
        cases.push_back(
            {bases.size() - 1,
             {Add{{BlockOutput(l).site, l, edit.prompt->token}, deltas[cases.size()]}}});
        targets.push_back(edit.target);
      }
    }
  }
  const auto part = [&](int64_t done, int64_t total) {
    progress(static_cast<double>(done) / static_cast<double>(total));
  };
  const at::Tensor last =
      Sweep(model_, bases, cases,
            {.memory = memory_ - memory_ / 4, .progress = part});  // [case, d_model]
  return ScorePredictions(model_, tokenizer_, last, targets);
}

}  // namespace mambascope
