// p(answer) and logit differences of many variants by sweeps, with a record of the work.
// Experiments that read off an answer's probability share this.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "mambascope/intervene/sweep.h"

namespace mambascope {

// What one variant predicts at its last token.
struct AnswerCell {
  double p = 0;         // p(answer)
  bool is_top = false;  // no token is more probable than the answer
  // The answer's logit less the logit of another answer, in nats. 0 where there is no other one.
  double logit_diff = 0;
};

struct CellOptions {
  SweepOptions sweep = {};
  // This many cells of each sweep are drawn with `seed` and computed again by whole passes.
  int64_t recheck = 0;
  uint64_t seed = 0;
  // Called after each pass of a sweep with the cells so far. Others are none.
  std::function<void(const std::vector<std::optional<AnswerCell>>& cells)> partial = {};
};

// The work of some sweeps, and the largest difference that the recheck found.
struct Audit {
  SweepPlan plan;  // summed over the sweeps; the peaks are maxima
  int64_t rechecked = 0;
  double largest_difference = 0;  // of p(answer)

  // Adds the work of other sweeps.
  void Add(const Audit& other);
};

// Returns the cell of answers[i] at the last token of cases[i]. others[i] is the other answer of
// its logit difference; without others there are no differences. Adds to `audit`. Throws Error
// when Sweep does, and for a probability that is not a number. REQUIRES: others is empty or has an
// element per case.
std::vector<AnswerCell> AnswerCells(const Model& model, const std::vector<SweepBase>& bases,
                                    const std::vector<SweepCase>& cases,
                                    const std::vector<int64_t>& answers, const CellOptions& options,
                                    Audit& audit, const std::vector<int64_t>& others = {});

}  // namespace mambascope
