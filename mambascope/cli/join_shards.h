// Joins the results of the shards of one run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/cli/command_result.h"
#include "mambascope/reports/result_files.h"

namespace mambascope {

// Returns what the run without --shard gives. shards[i] is shard i + 1. Writes second moments
// to OUT/moments. Throws Error when they cannot be the shards of one run, and for commands whose
// results have no shards.
CommandResult JoinShards(const std::vector<ResultFile>& shards, const std::filesystem::path& out);

// The options of the whole run that a shard is of: without those that only shards have.
Json WholeRun(Json options);

}  // namespace mambascope
