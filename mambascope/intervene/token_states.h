// TokenStates reads states at one token of each of many prompts, such as the keys and values of
// editing.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <set>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

// A token of a prompt.
struct PromptToken {
  std::vector<int64_t> ids;
  int64_t token;
};

// Returns the states at each of `places`, [prompt, width], at the prompts' tokens. Later tokens and
// layers above the highest place are not computed. A prefix that all prompts share, such as the
// same examples, is computed once. REQUIRES: the model has the places; 0 <= token < ids.size().
std::map<Place, at::Tensor> TokenStates(const Model& model, const std::vector<PromptToken>& prompts,
                                        const std::set<Place>& places);

}  // namespace mambascope
