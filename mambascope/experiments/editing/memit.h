// MEMIT (Mass-Editing Memory in a Transformer; Meng et al. 2023, section 4), for any architecture.
// It writes many facts at once, spread over a range of layers. For each fact, a residual z that
// makes the model say the target is searched once, at the last of the layers. Then each layer takes
// its share of the remaining way to z. Layers are edited in ascending order, each in the model with
// the earlier layers edited:
//
//   W' = W + R K^T (lambda C + K K^T)^-1        R = (Z - H) / layers left
//
// K [in, fact] are the keys at the subjects' last tokens: half the bare prompt's key, half the mean
// key of the other contexts. H [out, fact] are the residuals at the last of the layers in the bare
// prompts. C = E[k k^T] (moments.h). lambda weighs the keys of C against the facts: with a larger
// lambda the model forgets less and learns less.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/rome.h"

namespace mambascope {

struct MemitOptions {
  // The published values. The bundled models' residuals are short; these models learn more with a
  // clamp of 1.5.
  ValueOptions value = {.steps = 25, .clamp = 0.75, .enough_p = 1};
  // None: a quarter of the keys' width. For one fact, a layer goes q / (lambda + q) of its share of
  // the way, where q = k^T C^-1 k. The mean of q over the tokens of C is the width, so lambda is
  // best chosen relative to the width. Published: 15000, which is 0.9 times GPT-J's width, and
  // 20000, which is 3.1 times GPT-2 XL's, both for thousands of facts.
  std::optional<double> lambda = {};
};

struct MemitLayer {
  Edit edit;               // u [fact, in], v [fact, out]
  double change_norm = 0;  // |W' - W|, Frobenius
  double weight_norm = 0;  // |W|
  double distance = 0;     // mean distance of the facts from z once this layer is edited
};

struct MemitResult {
  std::vector<FoundValue> values;  // one per fact: delta = z - h
  double distance = 0;             // mean |delta| over the facts: the distance before any edit
  double lambda = 0;
  std::vector<MemitLayer> layers;  // ascending

  std::vector<Edit> Edits() const;
};

// The projection of `layer` that MEMIT edits by default: the last that writes to the residual
// stream (W_o of a Mamba, W_down of a transformer). Throws Error when the layer has none.
std::string ResidualProjection(const Model& model, int layer);

// The lambda that is used where MemitOptions::lambda is none.
double DefaultLambda(const Model& model, int layer, const std::string& projection);

// Throws Error when `projection` does not write to the residual stream, and when the model lacks it
// or one of the layers.
void CheckMemit(const Model& model, const std::set<int>& layers, const std::string& projection);

// Searches the values only: for each fact, the delta [d_model] by which its residual must change at
// layer `last` in the bare prompt.
std::vector<FoundValue> SearchResiduals(const Model& model,
                                        const std::vector<RewritePrompts>& facts, int last,
                                        const ValueOptions& options);

// Makes one edit of `projection` at each of `layers`. Its rank is the number of facts, even where
// that exceeds the weight's rank. Throws Error when CheckMemit, KeyPlace, SearchValues or `solvers`
// does, and, for a lambda of 0, when the facts' keys are linearly dependent. REQUIRES: facts and
// layers are not empty; lambda >= 0
MemitResult Memit(const Model& model, const std::vector<RewritePrompts>& facts,
                  const std::set<int>& layers, const std::string& projection,
                  const Solvers& solvers, const MemitOptions& options = {});

// Does the same with values that SearchResiduals found at the last of `layers`.
MemitResult Memit(const Model& model, const std::vector<RewritePrompts>& facts,
                  std::vector<FoundValue> values, const std::set<int>& layers,
                  const std::string& projection, const Solvers& solvers,
                  std::optional<double> lambda = {});

}  // namespace mambascope
