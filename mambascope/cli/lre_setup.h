// The options of the command `lre`, and the experiment that they define for a model.
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
  std::vector<std::string> save;  // names of relations, or "all"
  std::optional<uint64_t> memory;
  OutputArguments output;
  // For --apply: the file of a saved operator, and the prompt that it is applied to.
  std::optional<std::string> apply, prompt, subject;
  int64_t top = 5;
};
void VisitLreOptions(LreArguments& arguments, OptionVisitor& option);

// Throws UsageError for options that cannot be combined.
void CheckLreOptions(const LreArguments& arguments);

// Returns the options of the experiment. Throws Error for layers that the model lacks.
LreOptions MakeLreOptions(const CommonArguments& common, const LreArguments& arguments,
                          const Model& model);

// Reads the relations in the files. Throws Error when two relations would have the same
// OperatorFile, and when --save names a relation that is not among them.
std::vector<Relation> TakeRelations(const CommonArguments& common, const LreArguments& arguments);

// Returns the path lre/NAME.safetensors in the folder OUT. Characters of the name other than
// letters, digits, _ and - become _.
std::string OperatorFile(const std::string& relation);

}  // namespace mambascope
