// The options of `lre`, and what they mean for a model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/cli/output.h"
#include "mambascope/data/relation.h"
#include "mambascope/experiments/lre/lre.h"
#include "mambascope/jobs/run_description.h"

namespace mambascope {

struct LreArguments {
  std::vector<std::string> relations;  // files and folders
  std::string layers = "all";
  int64_t samples = LreOptions().train, trials = LreOptions().trials;
  std::optional<int64_t> limit;
  std::vector<double> betas;
  std::vector<int64_t> ranks;
  std::optional<std::string> prefix;
  std::string compat = "none";
  std::vector<std::string> save;  // relations' names, or all
  std::optional<uint64_t> memory;
  OutputArguments output;
  // Or one operator that was saved, applied to one prompt.
  std::optional<std::string> apply, prompt, subject;
  int64_t top = 5;
};
void VisitLreOptions(LreArguments& arguments, OptionVisitor& option);

// Throws UsageError for options that do not fit each other.
void CheckLreOptions(const CommonArguments& common, const LreArguments& arguments);

// Throws Error for layers that the model does not have.
LreOptions MakeLreOptions(const CommonArguments& common, const LreArguments& arguments,
                          const Model& model);

// The relations in the files. Throws Error where two have names that would be one file's, and for a
// name in --save that none has.
std::vector<Relation> TakeRelations(const CommonArguments& common, const LreArguments& arguments);

// lre/NAME.safetensors, of OUT; what is no letter, digit, _ or - in the name becomes _.
std::string OperatorFile(const std::string& relation);

}  // namespace mambascope
