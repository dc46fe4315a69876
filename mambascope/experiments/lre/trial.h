// One trial of a relation: a random split, its prompts, its operators at all layers, and their
// scores.
#pragma once

#include "mambascope/data/random.h"
#include "mambascope/experiments/lre/result.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// The values that are measured. REQUIRES: no list is empty
struct LreGrid {
  std::vector<int> layers;
  std::vector<double> betas;
  std::vector<int64_t> ranks;
};

// `progress` is called with the share of the trial that is done.
LreTrial RunLreTrial(const Model& model, const Tokenizer& tokenizer, const Relation& relation,
                     const LreGrid& grid, const LreOptions& options, Random& random,
                     const std::function<void(double done)>& progress);

}  // namespace mambascope
