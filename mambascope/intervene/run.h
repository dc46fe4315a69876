// Run is one whole forward pass over prompts, with interventions on each. It is slow and simple,
// and serves as the reference for the faster Sweep.
//
//   RunResult clean = Run(model, {prompt}, {.keep = {{Site::kResid, 5}}});
//   const at::Tensor value = clean.State({Site::kResid, 5}, 0)[subject_last];
//   const Variant restore = {Set{{Site::kResid, 5, subject_last}, value}};
//   RunResult patched = Run(model, {corrupted}, {.variants = {restore}});
//   at::Tensor p = patched.Logits(0)[-1].softmax(0);
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <vector>

#include "mambascope/intervene/check.h"
#include "mambascope/intervene/intervention.h"
#include "mambascope/model/model.h"

namespace mambascope {

struct RunOptions {
  std::vector<Variant> variants = {};  // one per prompt; empty: no interventions
  std::vector<Place> keep = {};        // places whose states are kept, at all tokens
  // Interventions of the base runs, which act before the variants: one list per prompt; empty:
  // none. A Hold takes its value from the base run with these interventions.
  std::vector<Variant> base = {};
  // Most bytes of the run, kept states included. As many prompts as fit go up the layers together.
  // Without it they take up to kDefaultMemory together, and nothing is refused.
  std::optional<int64_t> memory = {};
};

class RunResult {
 public:
  // States at a kept place of one prompt, after the interventions: [token, width].
  at::Tensor State(const Place& place, size_t prompt) const {
    return Rows(states_.at(place), prompt);
  }
  // Returns the state at a kept place of one prompt and token. Values of one place share a tensor,
  // so Sets to them are applied together.
  StateValue Value(const Place& place, size_t prompt, int64_t token) const {
    CheckToken(token, packing_.segments[prompt].length);
    return {states_.at(place), packing_.segments[prompt].begin + token};
  }
  // Logits [token, vocab] of one prompt, computed on each call. REQUIRES: the model still exists.
  at::Tensor Logits(size_t prompt) const { return model_->Unembed(Rows(h_, prompt)); }
  // Logits [prompt, vocab] at each prompt's last token. Throws Error when one is not finite.
  at::Tensor LastLogits() const;

 private:
  friend RunResult Run(const Model& model, const std::vector<std::vector<int64_t>>& prompts,
                       const RunOptions& options);
  friend RunResult RunTogether(const Model& model, const std::vector<std::vector<int64_t>>& prompts,
                               const RunOptions& options);
  at::Tensor Rows(const at::Tensor& packed, size_t prompt) const {
    return packed.narrow(0, packing_.segments[prompt].begin, packing_.segments[prompt].length);
  }

  const Model* model_ = nullptr;
  Packing packing_;
  std::map<Place, at::Tensor> states_;  // [row, width]
  at::Tensor h_;                        // [row, d_model], the last block's output
};

// Runs the model on `prompts`. Throws Error for an empty prompt, and for a site, layer, token or
// width that the model or the prompt does not have. Throws Error for a prompt that alone takes more
// than options.memory.
RunResult Run(const Model& model, const std::vector<std::vector<int64_t>>& prompts,
              const RunOptions& options = {});

}  // namespace mambascope
