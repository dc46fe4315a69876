// Second moments as edits use them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/experiments/moments.h"

namespace mambascope {

// The width of the states at `place`. REQUIRES: the model has it.
int64_t KeyWidth(const Model& model, const Place& place);

// The moments at `places` of `texts` (none: the bundled ones), from `folder`, where those that it lacks are collected first, as the command
// `moments` does. `echo` gets what they were made by.
std::vector<Moments> CollectedMoments(const CommonOptions& common, const Model& model, const Tokenizer& tokenizer,
                                      const std::vector<std::string>& texts, const std::vector<Place>& places,
                                      const std::filesystem::path& folder, Json& echo);

}  // namespace mambascope
