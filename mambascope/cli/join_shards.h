// Joins the results of the shards of one run.
#pragma once

#include <string>
#include <vector>

#include "mambascope/cli/command_result.h"
#include "mambascope/reports/result_files.h"

namespace mambascope {

// What `merge` reads of one shard.
struct ShardResult {
  ResultFile file;
  std::vector<Json> lines;  // of lre.jsonl, whose order lre.json does not tell
};

// Returns what the run without --shard would give. shards[i] is shard i + 1. Throws Error when they
// cannot be the shards of one run, and for commands whose results have no shards.
CommandResult JoinShards(const std::vector<ShardResult>& shards);

}  // namespace mambascope
