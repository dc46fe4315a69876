// Next-token predictions at the end of prompts, scores of states against them, and the samples of a
// relation that a model knows.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/intervene/token_states.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// The most probable token after a sample's prompt, and the sample's object.
struct NextTokenPrediction {
  std::string object;
  int64_t token = 0;
  std::string text = {};  // of the token
};

// The score of one state against a NextTokenPrediction.
struct PredictionScore {
  // Whether the state's most probable token says the object (IsAnswer), and whether one of its
  // three most probable tokens does.
  bool right, right_in_3;
  double log_p;  // log-probability of the predicted token
};

using PredictionScores = std::vector<PredictionScore>;

// Scores the states `last` [state, d_model], which are outputs of the last block. The predictions
// are repeated until there is one for each state. REQUIRES: !predictions.empty()
PredictionScores ScorePredictions(const Model& model, const Tokenizer& tokenizer,
                                  const at::Tensor& last,
                                  const std::vector<NextTokenPrediction>& predictions);

// The last block's output at the end of each prompt, [prompt, d_model].
at::Tensor LastStates(const Model& model, std::vector<PromptToken> prompts);

// Samples with their prompts, the model's predictions, and the last block's outputs at the prompts'
// ends.
struct PredictedSamples {
  std::vector<Sample> samples;
  std::vector<PromptToken> prompts;
  std::vector<NextTokenPrediction> predictions;
  at::Tensor z;  // [sample, d_model]

  // Returns the samples with these indices.
  PredictedSamples Select(const std::vector<int64_t>& which) const;
};

// Predicts the next token of each sample's prompt. Throws Error when a logit is not finite.
PredictedSamples PredictSamples(const Model& model, const Tokenizer& tokenizer,
                                const std::vector<Sample>& samples,
                                std::vector<PromptToken> prompts);

// Keeps the samples that the model knows, in the order of their subjects.
PredictedSamples KeepKnown(const PredictedSamples& predicted);

}  // namespace mambascope
