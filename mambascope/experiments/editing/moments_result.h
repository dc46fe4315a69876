// Result of the command `moments`, as stored in moments.json (docs/cli/moments.md).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/moments_run.h"

namespace mambascope {

struct MomentsResult {
  Json options;                                           // the run's options (RunDescription)
  std::map<Place, std::vector<std::string>> projections;  // the weights that read a state
  std::vector<MomentResult> moments;
};

// Writes all but the convergence's tensors.
void to_json(Json& json, const MomentsResult& result);
void from_json(const Json& json, MomentsResult& result);

}  // namespace mambascope
