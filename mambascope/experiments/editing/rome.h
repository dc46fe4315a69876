// ROME (Rank-One Model Editing; Meng et al. 2022, section 3.1; Sharma et al. 2024, section 4). A
// projection W is seen as a memory that maps the key k at the subject's last token to a value. A
// rank-one change maps the key to a value that makes the model say the target. It moves the values
// of other keys, of second moment C, as little as possible:
//
//   W' = W + v u^T     u = C^-1 k / |C^-1 k|     v = (v* - W k0) / (k0 . u)
//
// k is the mean key over contexts. k0 is the key of the bare prompt, which W' maps to v* = v0 +
// delta (value_search.h).
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/moments.h"
#include "mambascope/experiments/editing/value_search.h"
#include "mambascope/model/model.h"

namespace mambascope {

struct RomeOptions {
  ValueOptions value = {};
  // The key that the division uses. kBare, as published, is the bare prompt's key. kMean is the
  // mean key, from which u is made too; with it, edits one after the other do not break the model
  // (Gupta et al. 2024, "Rebuilding ROME").
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

// Returns the solver of C^-1 k for the place of a key.
using Solvers = std::function<const MomentSolver&(const Place& key)>;

// The place of a projection's key. Throws Error when the model lacks the layer or the projection.
Place KeyPlace(const Model& model, int layer, const std::string& projection);

// Called with the edits of the tasks from `begin` on, as soon as their values are found.
using WhenMade = std::function<void(size_t begin, std::span<const RomeEdit> made)>;

// Makes all edits, each of the unedited model, with their searches done together. Throws Error when
// KeyPlace, SearchValues or `solvers` does, and when a key has almost no component along u (k0 . u
// near 0).
std::vector<RomeEdit> Rome(const Model& model, const std::vector<RomeTask>& tasks,
                           const Solvers& solvers, const RomeOptions& options = {},
                           const WhenMade& when_made = {});

}  // namespace mambascope
