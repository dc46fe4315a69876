// What the model says when a subject's state is moved (causality, Hernandez et al. 2023,
// section 4.2):
//
//   h += W+_rho (z' - z)      z' the last state of another sample, whose object is wanted
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <vector>

#include "mambascope/experiments/lre/estimate.h"
#include "mambascope/experiments/lre/predictions.h"

namespace mambascope {

// A prompt, and the other sample whose object it is to say.
struct StateEdit {
  const PromptToken* prompt;
  at::Tensor dz;               // [d_model]: the other's z less the prompt's
  NextTokenPrediction target;  // the other's
};

// Sample `from` to say the object of sample `to`. REQUIRES: `predicted` outlives the edit
StateEdit EditTo(const PredictedSamples& predicted, size_t from, size_t to);

// Whether sample `from` can be edited to sample `to`: they have other subjects and objects.
bool CanEdit(const PredictedSamples& predicted, size_t from, size_t to);

// Whether the edit can also be seen. What the model predicts of the first must not say the second's
// object already, as the first token of both may.
bool CanEditVisibly(const PredictedSamples& predicted, size_t from, size_t to);

// Every sample to every other that it can visibly be edited to.
std::vector<StateEdit> AllEdits(const PredictedSamples& predicted);

// Moves states by the operators of some layers, with inverses of some ranks: all layers, ranks and
// edits in one sweep, or of as many edits at a time as fit into the memory.
class StateEditor {
 public:
  // `memory`: bytes beside the weights and the inverses. REQUIRES: model and tokenizer outlive
  // this; the ranks are 0 to d_model
  StateEditor(const Model& model, const Tokenizer& tokenizer, const LreEstimate& estimate,
              std::vector<int64_t> ranks, int64_t memory);

  // What the moved runs say, [layer][rank][edit]; `progress` is called with the share that is done.
  std::vector<std::vector<PredictionScores>> operator()(
      const std::vector<StateEdit>& edits, const std::function<void(double)>& progress) const;

 private:
  // The same in the order of the sweep's cases, [edit * layer * rank].
  PredictionScores Say(std::span<const StateEdit> edits,
                       const std::function<void(double)>& progress) const;

  const Model& model_;
  const Tokenizer& tokenizer_;
  const std::vector<int> layers_;
  const std::vector<int64_t> ranks_;
  const int64_t memory_;
  std::vector<LowRankInverse> inverses_;  // of the layers
};

}  // namespace mambascope
