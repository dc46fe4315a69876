// This file says what a model predicts at a prompt's end, what states there predict, and which
// samples of a relation a model knows.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/intervene/token_states.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// The most probable token after a sample's prompt, and the object that it should say.
struct NextTokenPrediction {
  std::string object;
  int64_t token = 0;
  std::string text = {};  // of the token
};

// What a state says, against the model's own prediction.
struct PredictionScore {
  bool right, right_in_3;  // the state's most probable token says the object (IsAnswer); one of its
                           // three most probable does
  double log_p;            // of the predicted token
};

using PredictionScores = std::vector<PredictionScore>;

// Unembeds `last` [state, d_model], outputs of the last block. The predictions are repeated for as
// many states as there are. REQUIRES: !predictions.empty()
PredictionScores ScorePredictions(const Model& model, const Tokenizer& tokenizer,
                                  const at::Tensor& last,
                                  const std::vector<NextTokenPrediction>& predictions);

// The last block's output at the end of each prompt, [prompt, d_model].
at::Tensor LastStates(const Model& model, std::vector<PromptToken> prompts);

// Samples have prompts that ask for their objects, predictions, and the last block's output at the
// prompts' ends.
struct PredictedSamples {
  std::vector<Sample> samples;
  std::vector<PromptToken> prompts;
  std::vector<NextTokenPrediction> predictions;
  at::Tensor z;  // [sample, d_model]

  // Those with these indices.
  PredictedSamples Select(const std::vector<int64_t>& which) const;
};

PredictedSamples PredictSamples(const Model& model, const Tokenizer& tokenizer,
                                const std::vector<Sample>& samples,
                                std::vector<PromptToken> prompts);

// Keeps the samples that the model knows, in the order of their subjects.
PredictedSamples KeepKnown(const PredictedSamples& predicted);

}  // namespace mambascope
