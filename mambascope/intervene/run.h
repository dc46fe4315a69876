// Run is one whole forward pass over prompts, each with its interventions. It is slow and plain:
// the oracle that everything faster is checked against.
//
//   RunResult clean = Run(model, {prompt}, {.keep = {{Site::kResid, 5}}});
//   Variant restore = {Set{{Site::kResid, 5, subject_last}, clean.State({Site::kResid, 5},
//   0)[subject_last]}}; RunResult patched = Run(model, {corrupted}, {.variants = {restore}});
//   at::Tensor p = patched.Logits(0)[-1].softmax(0);
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <vector>

#include "mambascope/intervene/intervention.h"
#include "mambascope/model/model.h"

namespace mambascope {

struct RunOptions {
  std::vector<Variant> variants = {};  // one per prompt; none: no interventions
  std::vector<Place> keep = {};        // where the states of all tokens are kept
  // What is done to the base runs too, before the variants: one per prompt; none: nothing. A Hold
  // means the state of that base run.
  std::vector<Variant> base = {};
};

class RunResult {
 public:
  // States at a kept place, after the interventions: [token, width] of one prompt.
  at::Tensor State(const Place& place, size_t prompt) const {
    return Rows(states_.at(place), prompt);
  }
  // Logits [token, vocab] of one prompt, unembedded when asked for. REQUIRES: the model is still
  // there.
  at::Tensor Logits(size_t prompt) const { return model_->Unembed(Rows(h_, prompt)); }
  // Logits [prompt, vocab] of every prompt's last token.
  at::Tensor LastLogits() const;

 private:
  friend RunResult Run(const Model& model, const std::vector<std::vector<int64_t>>& prompts,
                       const RunOptions& options);
  at::Tensor Rows(const at::Tensor& packed, size_t prompt) const {
    return packed.narrow(0, packing_.segments[prompt].begin, packing_.segments[prompt].length);
  }

  const Model* model_ = nullptr;
  Packing packing_;
  std::map<Place, at::Tensor> states_;  // [row, width]
  at::Tensor h_;                        // [row, d_model], the last block's output
};

// Throws Error for an empty prompt, and for a site, layer, token or width that the model or the
// prompt does not have.
RunResult Run(const Model& model, const std::vector<std::vector<int64_t>>& prompts,
              const RunOptions& options = {});

}  // namespace mambascope
