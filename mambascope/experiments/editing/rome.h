// Rank-One Model Editing (Meng et al. 2022, section 3.1; Sharma et al. 2024, section 4): a
// projection W is seen as a memory that maps the key k at the subject's last token to a value. It
// is changed by rank one so that the key maps to the value that makes the model say the target, and
// so that other keys, of second moment C, move least:
//
//   W' = W + v u^T     u = C^-1 k / |C^-1 k|     v = (v* - W k0) / (k0 . u)
//
// k is the mean key over contexts and k0 that of the bare prompt, which W' maps to v* = v0 + delta
// (experiments/value_search).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/moments.h"
#include "mambascope/experiments/editing/value_search.h"
#include "mambascope/model/model.h"

namespace mambascope {

struct RomeOptions {
  ValueOptions value = {};
  // The key that the division takes: the bare prompt's, as published, or the mean that u is made
  // from too (Gupta et al. 2024, "Rebuilding ROME": edits one after the other then do not break the
  // model).
  enum class Division { kBare, kMean } division = Division::kBare;
};

// A weight to edit.
struct EditPlace {
  int layer = 0;
  std::string projection;
};

// One edit to make.
struct RomeTask {
  const RewritePrompts* rewrite;
  int layer;
  std::string projection;
};

struct RomeEdit {
  Edit edit;               // u [1, in], v [1, out]
  FoundValue value;        // delta = v* - v0
  double v0_norm = 0;      // |v0|
  double change_norm = 0;  // |v u^T|, Frobenius
  double weight_norm = 0;  // |W|
};

// C^-1 k by the place of the key.
using Solvers = std::function<const MomentSolver&(const Place& key)>;

// The place of a projection's key. Throws Error for a layer or a projection that the model lacks.
Place KeyPlace(const Model& model, int layer, const std::string& projection);

// All edits, each of the model as it is, searched together. Throws Error as KeyPlace and
// SearchValues do, where `solvers` does, and for a key that u hardly sees (k0 . u near 0).
std::vector<RomeEdit> Rome(const Model& model, const std::vector<RomeTask>& tasks,
                           const Solvers& solvers, const RomeOptions& options = {});

}  // namespace mambascope
