// Generate lets prompts go on token by token, side by side.
//
//   std::vector<std::vector<int64_t>> texts = Generate(model, prompts, {.tokens = 100, .top_k = 5,
//   .seed = 1});
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

struct GenerateOptions {
  int64_t tokens = 20;  // to add to each prompt
  int64_t top_k = 0;    // draw from the k most probable tokens; 0: take the most probable one
  uint64_t seed = 0;    // of the draws
  std::optional<int64_t> stop{};  // a prompt is done after this token, which is its last
};

// Returns the tokens that each prompt goes on with. Prompts go up as one packed batch
// (kGeneratedTogether at a time), and each token is computed from the carry at the one before it.
// Prompt i draws one number per token from a generator of its own, seeded by `seed` and i. So the
// other prompts change nothing but float32's rounding. Throws Error for an empty prompt, for an id
// outside the vocabulary, and for a prompt that grows longer than the model allows. REQUIRES:
// tokens >= 0, top_k >= 0.
std::vector<std::vector<int64_t>> Generate(const Model& model,
                                           const std::vector<std::vector<int64_t>>& prompts,
                                           const GenerateOptions& options = {});

}  // namespace mambascope
