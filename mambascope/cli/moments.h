// Second moments as edits use them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/jobs/earlier_result.h"

namespace mambascope {

// Collects the moments at `places` of `texts` (none: the bundled ones) that `folder` lacks, as the
// command `moments` does. With kReplace, files there that another run made are made anew.
void CollectForEdits(const CommonArguments& common, const Model& model, const Tokenizer& tokenizer,
                     const std::vector<std::string>& texts, const std::vector<Place>& places,
                     const std::filesystem::path& folder, OtherRuns other);

}  // namespace mambascope
