// Second moments of a projection's inputs ("keys"), which say what a rank-one edit of its weight
// disturbs least (ROME, Meng et al. 2022, equation 2; MEMIT, Meng et al. 2023, equation 14):
//
//   C = E[k k^T]        uncentred, over the tokens of a text
//
// A key is the state at the site that the weight reads: EditableWeight::key.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

struct Moments {
  at::Tensor sum;     // of k k^T: [width, width], float64, on the CPU
  int64_t count = 0;  // of the keys
  at::Tensor Mean() const;
};

// Moments at several places, from one pass over each prompt that stops above the highest of them.
class MomentCollector {
 public:
  // Throws Error for a place that the model lacks. REQUIRES: the model outlives it.
  MomentCollector(const Model& model, const std::vector<Place>& places);

  // Adds the states of all tokens of `prompts`, packed in one pass, to the sums at `places`; those
  // of other places stay as they are. REQUIRES: `places` are among those it was made for.
  void Add(const std::vector<std::vector<int64_t>>& prompts, const std::vector<Place>& places);

  Moments At(const Place& place) const;
  int64_t count(const Place& place) const { return moments_.at(place).count; }
  // Goes on from what At returned earlier.
  void Restore(const Place& place, const Moments& moments);

 private:
  const Model& model_;
  std::map<Place, Moments> moments_;  // on the model's device, the upper blocks only
};

// C^-1 k by Cholesky in float64.
class MomentSolver {
 public:
  // Of C + ridge * mean(diag C) * I. Published results take no ridge.
  explicit MomentSolver(const Moments& moments, double ridge = 0);

  // Whether C has, within float64, no inverse: Cholesky fails, or condition() is above 1e12. So it
  // is with fewer tokens than features.
  bool singular() const;
  // The square of the largest of L's diagonal by the smallest, at most C's condition number;
  // infinite where Cholesky fails.
  double condition() const { return condition_; }
  // C^-1 k of each of `keys` [key, width], of any type -> [key, width], float64. Throws Error when
  // singular.
  at::Tensor Solve(const at::Tensor& keys) const;

 private:
  at::Tensor factor_;  // L, C = L L^T: [width, width]
  double condition_;
  int64_t count_;
};

}  // namespace mambascope
