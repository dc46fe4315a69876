// Joins the results of the shards of one run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/cli/command_result.h"
#include "mambascope/reports/result_files.h"

namespace mambascope {

// Returns what the run without --shard would give. shards[i] is shard i + 1. Writes second moments
// to OUT/moments. Throws Error when they cannot be the shards of one run, and for commands whose
// results have no shards.
CommandResult JoinShards(const std::vector<ResultFile>& shards, const std::filesystem::path& out);

// Returns the whole lines of a file, without their ends. A last line that was not finished is left
// out.
std::vector<std::string> ReadLines(const std::filesystem::path& file);

}  // namespace mambascope
