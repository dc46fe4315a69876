// Second moments of a projection's inputs ("keys"). With them, a rank-one edit of its weight
// disturbs other keys least (ROME, Meng et al. 2022, equation 2; MEMIT, Meng et al. 2023, equation
// 14):
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
  at::Tensor sum;     // of k k^T: [width, width], float64
  int64_t count = 0;  // number of keys
  // What rounding left out of `sum`, in the same shape. With it, a sum has twice the digits of
  // float64. So in practice `sum` does not depend on the order in which keys were added: the
  // order changes about 2^-53 of its last digit. Undefined: 0.
  at::Tensor rest = {};

  at::Tensor Mean() const;
  // Adds the moments of other keys.
  void Add(const Moments& others);
};

// Collects moments at several places. Each prompt takes one pass, which stops above the highest
// place.
class MomentCollector {
 public:
  // Throws Error for a place that the model lacks. REQUIRES: the model outlives it.
  MomentCollector(const Model& model, const std::vector<Place>& places);

  // Adds the states of all tokens of `prompts`, packed in one pass, to the sums at `places`. The
  // sums at other places stay unchanged. Throws Error when a state is not finite. REQUIRES: the
  // collector was made for `places`.
  void Add(const std::vector<std::vector<int64_t>>& prompts, const std::vector<Place>& places);

  // Returns the moments on the CPU.
  Moments At(const Place& place) const;
  // Returns the sum and the count on the model's device, for a MomentSolver.
  Moments OnDevice(const Place& place) const;
  int64_t count(const Place& place) const { return moments_.at(place).count; }
  // Restores a sum that At returned earlier.
  void Restore(const Place& place, const Moments& moments);

 private:
  const Model& model_;
  std::map<Place, Moments> moments_;  // on the model's device; upper blocks only
};

// Solves for C^-1 k by Cholesky decomposition in float64, on the device of the moments.
class MomentSolver {
 public:
  // Uses C + ridge * mean(diag C) * I. Published results use no ridge.
  explicit MomentSolver(const Moments& moments, double ridge = 0);

  // Moves the factor to the CPU, which then solves. The factors of many places would fill a GPU.
  void MoveToCpu() { factor_ = factor_.cpu(); }

  // Whether C has no inverse in float64: Cholesky fails, or condition() is above 1e12. This is the
  // case with fewer tokens than features.
  bool singular() const;
  // The square of the ratio of the largest to the smallest diagonal entry of L. It is a lower bound
  // of C's condition number, and infinite when Cholesky fails.
  double condition() const { return condition_; }
  double ridge() const { return ridge_; }
  // Returns C^-1 k for each of `keys` [key, width], of any type, as [key, width] in float64, on
  // the CPU. Throws Error when singular.
  at::Tensor Solve(const at::Tensor& keys) const;

 private:
  at::Tensor factor_;  // L [width, width], with C = L L^T
  double condition_;
  double ridge_;
  int64_t count_;
};

}  // namespace mambascope
