// Mass-Editing Memory in a Transformer (Meng et al. 2023, section 4), in any architecture: many
// facts at once, spread over a range of layers. For each fact a residual z that makes the model say
// the target is searched once, at the last of the layers; then each layer, in ascending order and
// with the earlier ones edited, takes its share of the way that is left to it:
//
//   W' = W + R K^T (lambda C + K K^T)^-1        R = (Z - H) / layers left
//
// K [in, fact] are the keys at the subjects' last tokens: half the bare prompt's, half the mean of
// the other contexts'. H [out, fact] are the residuals at the last of the layers in the bare
// prompts. C = E[k k^T] (experiments/moments); lambda weighs the keys it is of against the facts:
// the larger, the less the model forgets, and the less it learns.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/rome.h"

namespace mambascope {

struct MemitOptions {
  // The published values. The bundled models' residuals are short: they learn more at a clamp
  // of 1.5.
  ValueOptions value = {.steps = 25, .clamp = 0.75, .enough_p = 1};
  // None: a quarter of the keys' width. For one fact a layer goes q / (lambda + q) of its share of
  // the way, where q = k^T C^-1 k, whose mean over the tokens of C is the width: lambda means the
  // same in models of all widths as a part of it. Published: 15000, 0.9 times GPT-J's, and
  // 20000, 3.1 times GPT-2 XL's, for thousands of facts.
  std::optional<double> lambda = {};
};

struct MemitLayer {
  Edit edit;               // u [fact, in], v [fact, out]
  double change_norm = 0;  // |W' - W|, Frobenius
  double weight_norm = 0;  // |W|
  double distance = 0;     // from z, mean over the facts, once this layer is edited
};

struct MemitResult {
  std::vector<FoundValue> values;  // of each fact: delta = z - h
  double distance = 0;             // mean over the facts of |delta|, that is from z before any edit
  double lambda = 0;
  std::vector<MemitLayer> layers;  // ascending

  std::vector<Edit> Edits() const;
};

// The projection of `layer` that MEMIT edits unless told otherwise: the first that writes the
// residual stream, W_o of a Mamba and W_down of a transformer. Throws Error for a layer without
// one.
std::string ResidualProjection(const Model& model, int layer);

// MemitOptions::lambda where it is none.
double DefaultLambda(const Model& model, int layer, const std::string& projection);

// Throws Error where `projection` does not write the residual stream, or the model lacks it or a
// layer.
void CheckMemit(const Model& model, const std::set<int>& layers, const std::string& projection);

// The values alone: delta [d_model] of each fact, by which its residual at the bare prompt, at
// layer `last`, must change.
std::vector<FoundValue> SearchResiduals(const Model& model,
                                        const std::vector<RewritePrompts>& facts, int last,
                                        const ValueOptions& options);

// One edit of `projection` at each of `layers`; its rank is the number of facts, even where that is
// above the weight's. Throws Error for a projection that does not write the residual stream, as
// KeyPlace and SearchValues do, where `solvers` does, and, when lambda is 0, for facts whose keys
// depend on one another. REQUIRES: facts and layers that are not empty; lambda >= 0
MemitResult Memit(const Model& model, const std::vector<RewritePrompts>& facts,
                  const std::set<int>& layers, const std::string& projection,
                  const Solvers& solvers, const MemitOptions& options = {});

// The same with values that SearchResiduals found at the last of `layers`.
MemitResult Memit(const Model& model, const std::vector<RewritePrompts>& facts,
                  std::vector<FoundValue> values, const std::set<int>& layers,
                  const std::string& projection, const Solvers& solvers,
                  std::optional<double> lambda = {});

}  // namespace mambascope
