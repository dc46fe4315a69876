// A model's predictions after prompts, as results of edits show them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

struct TokenProbability {
  int64_t id = 0;
  std::string text;
  double prob = 0;
};

// A model's predictions of the token after a prompt.
struct NextTokens {
  std::vector<TokenProbability> top = {};  // the most probable tokens, in descending order
  double p_target = 0;                     // probability of the whole target
  bool says_target = false;  // whether all of the target's tokens are the most probable ones
};

// Returns the predictions after each prompt. `target` holds the target's ids. Throws Error when Run
// or ScoreTargets does.
std::vector<NextTokens> PredictNext(const Model& model, const Tokenizer& tokenizer,
                                    const std::vector<std::vector<int64_t>>& prompts,
                                    const std::vector<int64_t>& target);

}  // namespace mambascope
