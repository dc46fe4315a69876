// Second moments as edits use them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/cli/common.h"

namespace mambascope {

// Collects the moments at `places` of `texts` (none: the bundled ones) that `folder` lacks, as the
// command `moments` does.
void CollectForEdits(const CommonArguments& common, const Model& model, const Tokenizer& tokenizer,
                     const std::vector<std::string>& texts, const std::vector<Place>& places,
                     const std::filesystem::path& folder);

}  // namespace mambascope
