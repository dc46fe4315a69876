// The part of a run that a launcher of many processes gave this process: Slurm, MPI or torchrun.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "mambascope/data/shard.h"

namespace mambascope {

// Returns the value of an environment variable; none when it is not set or empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;
// The environment of this process.
std::optional<std::string> ReadEnvironment(const char* name);

// Returns the shard of this process. The first of these that the environment has decides:
//   Slurm      SLURM_ARRAY_TASK_ID, _MIN, _STEP, _COUNT: a task of an array, and in it
//              SLURM_PROCID, SLURM_NTASKS: a process that srun started
//   Open MPI   OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE
//   PMI        PMI_RANK, PMI_SIZE (MPICH, Intel MPI)
//   torchrun   RANK, WORLD_SIZE
//
// Throws Error when it has none of them, or numbers that make no shard.
Shard ShardOfEnvironment(const Environment& environment);

// Returns the number of this process among those of its machine, from 0 on; none when no launcher
// says it.
std::optional<int64_t> RankOnMachine(const Environment& environment);

}  // namespace mambascope
