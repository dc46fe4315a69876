// p(answer) of many variants, and what it took: what every experiment that reads off answers
// shares.
#pragma once

#include <vector>

#include "mambascope/intervene/sweep.h"

namespace mambascope {

struct CellOptions {
  SweepOptions sweep = {};
  int64_t recheck =
      0;  // so many cells of each sweep, drawn with `seed`, are computed once more by whole passes
  uint64_t seed = 0;
};

// What sweeps computed, and how far the cells that were computed twice differ.
struct Audit {
  SweepPlan plan;  // sums; the peaks are the largest
  int64_t rechecked = 0;
  double largest_difference = 0;  // of p(answer)
};

// What is read of a variant's last token.
struct AnswerCell {
  double p = 0;         // p(answer)
  bool is_top = false;  // whether no token is more probable
};

// Of answers[i] at the last token of cases[i]. Adds to `audit`. Throws Error for what Sweep
// refuses, and for a probability that is not a number.
std::vector<AnswerCell> AnswerCells(const Model& model, const std::vector<SweepBase>& bases,
                                    const std::vector<SweepCase>& cases,
                                    const std::vector<int64_t>& answers, const CellOptions& options,
                                    Audit& audit);

// The probabilities alone.
std::vector<double> CellProbabilities(const Model& model, const std::vector<SweepBase>& bases,
                                      const std::vector<SweepCase>& cases,
                                      const std::vector<int64_t>& answers,
                                      const CellOptions& options, Audit& audit);

}  // namespace mambascope
