// Result files of any command, read back for a report.
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/edit_sweep.h"
#include "mambascope/experiments/editing/mass_edit.h"
#include "mambascope/experiments/editing/moments_result.h"
#include "mambascope/experiments/editing/one_edit.h"
#include "mambascope/experiments/knockout/attention_result.h"
#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/experiments/lre/lre_summary.h"
#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/experiments/tracing/trace_result.h"

namespace mambascope {

using AnyResult =
    std::variant<TraceResults, PathsResults, std::vector<KnockoutResult>, AttentionResult,
                 EditSweepResult, MassEditResult, OneEditResult, LreResult, MomentsResult>;

struct ResultFile {
  std::filesystem::path file;
  AnyResult result;
  std::vector<Json> runs;                        // the options of each run in the file
  std::vector<std::filesystem::path> more = {};  // other files that were joined to it (MergeRuns)
};

// Returns the results in a file, or in all files below a folder that have the name of a command's
// result file, such as trace.json. Files are ordered by name. Throws Error, which names the file,
// for a file that is no result, and for a folder without results.
std::vector<ResultFile> ReadResults(const std::filesystem::path& place);
// The same of several places. A file in several of them is read once.
std::vector<ResultFile> ReadAllResults(const std::vector<std::string>& places);

}  // namespace mambascope
