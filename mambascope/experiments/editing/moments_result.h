// What the command `moments` finds, as moments.json holds it (docs/cli.md).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/moments_run.h"

namespace mambascope {

struct MomentsResult {
  Json options;                                           // what made it
  std::map<Place, std::vector<std::string>> projections;  // the weights that read a state
  std::vector<MomentResult> moments;
};

// Without the tensors of the convergence.
void to_json(Json& json, const MomentsResult& result);
void from_json(const Json& json, MomentsResult& result);

}  // namespace mambascope
