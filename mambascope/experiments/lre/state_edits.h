// Causality: what the model predicts when a subject's state is edited (Hernandez et al. 2023,
// section 4.2).
//
//   h += W+_rho (z' - z)
//
// z' is the last state of another sample, whose object the edit should make the model say.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <vector>

#include "mambascope/experiments/lre/estimate.h"
#include "mambascope/experiments/lre/predictions.h"

namespace mambascope {

// A prompt, and the sample whose object it should lead to.
struct StateEdit {
  const PromptToken* prompt;
  at::Tensor dz;               // [d_model]: the other sample's z minus the prompt's
  NextTokenPrediction target;  // of the other sample
};

// The edit that makes sample `from` say the object of sample `to`. REQUIRES: `predicted` outlives
// the edit
StateEdit EditTo(const PredictedSamples& predicted, size_t from, size_t to);

// Whether sample `from` can be edited to sample `to`: their subjects and objects both differ.
bool CanEdit(const PredictedSamples& predicted, size_t from, size_t to);

// Whether the edit can also be observed. It cannot when the prediction for `from` already says the
// object of `to`, for example because both objects begin with the same token.
bool CanEditVisibly(const PredictedSamples& predicted, size_t from, size_t to);

// All edits of one sample to another for which CanEditVisibly holds.
std::vector<StateEdit> AllEdits(const PredictedSamples& predicted);

// Edits states with the operators of some layers, inverted at some ranks. All layers, ranks and
// edits run in one sweep, or in several when they do not fit into the memory.
class StateEditor {
 public:
  // `memory` is the maximum of bytes beside the weights and the inverses. REQUIRES: model and
  // tokenizer outlive this; the ranks are from 0 to d_model
  StateEditor(const Model& model, const Tokenizer& tokenizer, const LreEstimate& estimate,
              std::vector<int64_t> ranks, int64_t memory);

  // Scores of the edited runs, [layer][rank][edit]. Calls `progress` with the share that is done.
  std::vector<std::vector<PredictionScores>> operator()(
      const std::vector<StateEdit>& edits, const std::function<void(double)>& progress) const;

 private:
  // Scores in the order of the sweep's cases, [edit * layer * rank].
  PredictionScores Say(std::span<const StateEdit> edits,
                       const std::function<void(double)>& progress) const;

  const Model& model_;
  const Tokenizer& tokenizer_;
  const std::vector<int> layers_;
  const std::vector<int64_t> ranks_;
  const int64_t memory_;
  std::vector<LowRankInverse> inverses_;  // one per layer
};

}  // namespace mambascope
