// Rewrites one fact, and records what the model predicts before and after.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/check_prompts.h"
#include "mambascope/experiments/editing/edit_health.h"
#include "mambascope/experiments/editing/edit_inputs.h"

namespace mambascope {

// Result of one edit, as stored in edit.json.
struct OneEditResult {
  Json options;                  // the run's options (RunDescription)
  std::vector<int> layers = {};  // ascending; the value is searched at the last one
  std::string projection;
  std::string prompt, subject, target;  // the prompt has one {} for the subject
  std::vector<LossStep> loss = {};      // of the value search, by pass
  std::string stopped;                  // what ended the search: "loss", "probability" or "steps"
  double v0_norm = 0, delta_norm = 0;   // |v0|, |v* - v0|
  NextTokens before = {}, after = {};
  std::vector<EditCheck> checks = {};  // other prompts: paraphrases, neighbors, the user's
  EditHealth health = {};              // with one weight for each of the layers
  std::string perplexity_text;         // describes the texts of the perplexities; empty: none
};

struct OneEditOptions {
  EditMethod method;
  std::vector<EditPlace> places;  // one; for MEMIT the layers of one projection
  // The edit should not change how probable these texts are (CheckEdits).
  std::vector<std::vector<int64_t>> texts;
  std::vector<CheckPrompt> checks = {};  // further prompts to predict before and after the edit
};

struct OneEdit {
  OneEditResult result;  // without its options and perplexity_text
  std::vector<Edit> edits;
};

// Makes the edit and measures it. Throws Error when Rome or Memit does. REQUIRES: `prompts` come
// from PrepareRewrite of `rewrite`
OneEdit EditOne(const EditInputs& inputs, const Rewrite& rewrite, const RewritePrompts& prompts,
                const OneEditOptions& options);

}  // namespace mambascope
