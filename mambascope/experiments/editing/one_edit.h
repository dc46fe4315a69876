// One fact is rewritten, and what the model says before and after is kept.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/edit_health.h"
#include "mambascope/experiments/editing/edit_inputs.h"

namespace mambascope {

struct TokenProbability {
  int64_t id = 0;
  std::string text;
  double prob = 0;
};

// What a model says after a prompt.
struct NextTokens {
  std::vector<TokenProbability> top = {};  // the most probable ones, the first of them the most
  double p_target = 0;                     // of the whole target
};

// What edit.json holds of one edit.
struct OneEditResult {
  Json options;                  // what made it
  std::vector<int> layers = {};  // ascending; the value is searched at the last
  std::string projection;
  std::string prompt, subject, target;  // the prompt has one {} for the subject
  std::vector<LossStep> loss = {};      // of the value search, by pass
  std::string stopped;                  // what ended it: "loss", "probability" or "steps"
  double v0_norm = 0, delta_norm = 0;   // |v0|, |v* - v0|
  NextTokens before = {}, after = {};
  EditHealth health = {};       // it has one weight for each of the layers
  std::string perplexity_text;  // what the perplexities are of
};

struct OneEditOptions {
  EditMethod method;
  std::vector<EditPlace> places;  // one; for MEMIT the layers of one projection
  // The edit should leave these texts as probable as they were (CheckEdits).
  std::vector<std::vector<int64_t>> texts;
};

struct OneEdit {
  OneEditResult result;  // without its options and perplexity_text
  std::vector<Edit> edits;
};

// Makes the edit and measures it. Throws Error as Rome or Memit do. REQUIRES: `prompts` are
// PrepareRewrite of `rewrite`
OneEdit EditOne(const EditInputs& inputs, const Rewrite& rewrite, const RewritePrompts& prompts,
                const OneEditOptions& options);

}  // namespace mambascope
