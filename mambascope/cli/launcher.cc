#include "mambascope/cli/launcher.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

namespace mambascope {
namespace {

std::optional<int64_t> ReadNumber(const Environment& environment, const char* name) {
  const std::optional<std::string> text = environment(name);
  if (!text) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 0)
    throw Error(fmt::format("--shard auto: {} is '{}', not a number", name, *text));
  return value;
}

int64_t NeededNumber(const Environment& environment, const char* name, const char* beside) {
  const std::optional<int64_t> value = ReadNumber(environment, name);
  if (!value) throw Error(fmt::format("--shard auto: {} is set, but {} is not", beside, name));
  return *value;
}

// The process `rank`, counted from 0, of `size` processes.
struct Process {
  int64_t rank = 0, size = 1;
};

std::optional<Process> ReadProcess(const Environment& environment, const char* rank,
                                   const char* size) {
  const std::optional<int64_t> found = ReadNumber(environment, rank);
  if (!found) return std::nullopt;
  return Process{*found, NeededNumber(environment, size, rank)};
}

// A script that sbatch runs has SLURM_PROCID without SLURM_NTASKS. It is not one of several
// processes.
std::optional<Process> ReadSlurmProcess(const Environment& environment) {
  if (!environment("SLURM_NTASKS")) return std::nullopt;
  return ReadProcess(environment, "SLURM_PROCID", "SLURM_NTASKS");
}

std::optional<Process> ReadArrayTask(const Environment& environment) {
  const char* const id_name = "SLURM_ARRAY_TASK_ID";
  const std::optional<int64_t> id = ReadNumber(environment, id_name);
  if (!id) return std::nullopt;
  const int64_t first = NeededNumber(environment, "SLURM_ARRAY_TASK_MIN", id_name),
                count = NeededNumber(environment, "SLURM_ARRAY_TASK_COUNT", id_name),
                step = ReadNumber(environment, "SLURM_ARRAY_TASK_STEP").value_or(1);
  const int64_t place = *id - first;
  if (step < 1 || place < 0 || place % step != 0 || place / step >= count)
    throw Error(fmt::format("--shard auto: the tasks of the Slurm array are not numbered evenly: "
                            "task {}, first task {}, step {}, {} tasks",
                            *id, first, step, count),
                "number them as --array=1-16 does");
  return Process{place / step, count};
}

}  // namespace

std::optional<std::string> ReadEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

Shard ShardOfEnvironment(const Environment& environment) {
  const std::optional<Process> task = ReadArrayTask(environment);
  std::optional<Process> process = ReadSlurmProcess(environment);
  constexpr const char* kOthers[][2] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                        {"PMI_RANK", "PMI_SIZE"},
                                        {"RANK", "WORLD_SIZE"}};
  for (const auto& [rank, size] : kOthers) {
    if (!process) process = ReadProcess(environment, rank, size);
  }
  if (task) {
    const Process own = process.value_or(Process());
    process = Process{task->rank * own.size + own.rank, task->size * own.size};
  }
  if (!process)
    throw Error(
        "--shard auto: no launcher gave this process a number (SLURM_ARRAY_TASK_ID, SLURM_PROCID, "
        "OMPI_COMM_WORLD_RANK, PMI_RANK or RANK)",
        "start it by Slurm, mpirun or torchrun, or name the shard, such as --shard 1/4");
  if (process->rank >= process->size)
    throw Error(
        fmt::format("--shard auto: the launcher's process number is {}, but the last of {} "
                    "processes is {}",
                    process->rank, process->size, process->size - 1));
  return {process->rank + 1, process->size};
}

std::optional<int64_t> RankOnMachine(const Environment& environment) {
  for (const char* name :
       {"SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "LOCAL_RANK"}) {
    if (const std::optional<int64_t> rank = ReadNumber(environment, name)) return rank;
  }
  return std::nullopt;
}

}  // namespace mambascope
