// Generate continues several prompts token by token, in one batch.
//
//   std::vector<std::vector<int64_t>> texts =
//       Generate(model, prompts, {.tokens = 100, .top_k = 5, .seed = 1});
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

struct GenerateOptions {
  int64_t tokens = 20;  // number of tokens to add to each prompt
  int64_t top_k = 0;    // sample from the k most probable tokens; 0: take the most probable one
  uint64_t seed = 0;    // seed of the random choices
  // A prompt ends after this token, which is included.
  std::optional<int64_t> stop{};
};

// Returns the tokens generated for each prompt. Up to kGeneratedTogether prompts form one packed
// batch. Each token is computed from the carry at the token before it. Prompt i has its own random
// generator, seeded by `seed` and i, and uses one number per token. So the other prompts affect a
// prompt only through float32 rounding. Throws Error for an empty prompt, for an id outside the
// vocabulary, and for a prompt that grows longer than the model allows. REQUIRES: tokens >= 0,
// top_k >= 0.
std::vector<std::vector<int64_t>> Generate(const Model& model,
                                           const std::vector<std::vector<int64_t>>& prompts,
                                           const GenerateOptions& options = {});

}  // namespace mambascope
