#include "mambascope/cli/launcher.h"

#include <gtest/gtest.h>

#include <map>

namespace mambascope {
namespace {

using Variables = std::map<std::string, std::string>;

Environment Of(Variables variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

std::string ShardOf(const Variables& variables) { return ShardOfEnvironment(Of(variables)).text(); }

const Variables kArrayTask = {{"SLURM_ARRAY_TASK_ID", "7"},
                              {"SLURM_ARRAY_TASK_MIN", "3"},
                              {"SLURM_ARRAY_TASK_STEP", "2"},
                              {"SLURM_ARRAY_TASK_COUNT", "5"}};

TEST(Launcher, TakesATaskOfASlurmArray) { EXPECT_EQ(ShardOf(kArrayTask), "3/5"); }

TEST(Launcher, TakesAProcessOfATaskOfASlurmArray) {
  Variables variables = kArrayTask;
  variables.insert({{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "4"}});
  EXPECT_EQ(ShardOf(variables), "10/20");
}

// As in a script that `sbatch --array` runs.
TEST(Launcher, AScriptIsOneProcessOfItsTask) {
  Variables variables = kArrayTask;
  variables["SLURM_PROCID"] = "0";
  EXPECT_EQ(ShardOf(variables), ShardOf(kArrayTask));
  variables.insert({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}});
  EXPECT_EQ(ShardOf(variables), "10/20");
}

TEST(Launcher, TakesAProcessOfSrunMpirunOrTorchrun) {
  EXPECT_EQ(ShardOf({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}}), "1/2");
  EXPECT_EQ(ShardOf({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}}), "4/4");
  EXPECT_EQ(ShardOf({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}), "2/2");
  EXPECT_EQ(ShardOf({{"RANK", "0"}, {"WORLD_SIZE", "8"}}), "1/8");
}

TEST(Launcher, SlurmGoesBeforeMpiAndMpiBeforeTorchrun) {
  EXPECT_EQ(ShardOf({{"SLURM_PROCID", "1"},
                     {"SLURM_NTASKS", "2"},
                     {"OMPI_COMM_WORLD_RANK", "5"},
                     {"OMPI_COMM_WORLD_SIZE", "9"}}),
            "2/2");
  EXPECT_EQ(ShardOf({{"RANK", "1"},
                     {"WORLD_SIZE", "2"},
                     {"OMPI_COMM_WORLD_RANK", "5"},
                     {"OMPI_COMM_WORLD_SIZE", "9"}}),
            "6/9");
}

TEST(Launcher, RefusesWhatMakesNoShard) {
  const std::vector<Variables> wrong = {{},
                                        {{"RANK", "1"}},
                                        {{"RANK", "x"}, {"WORLD_SIZE", "2"}},
                                        {{"RANK", "2"}, {"WORLD_SIZE", "2"}},
                                        {{"SLURM_ARRAY_TASK_ID", "6"},
                                         {"SLURM_ARRAY_TASK_MIN", "1"},
                                         {"SLURM_ARRAY_TASK_COUNT", "3"}}};
  for (const Variables& variables : wrong)
    EXPECT_THROW(ShardOfEnvironment(Of(variables)), Error) << variables.size();
}

TEST(Launcher, KnowsTheRankOnTheMachine) {
  EXPECT_EQ(RankOnMachine(Of({{"OMPI_COMM_WORLD_LOCAL_RANK", "3"}})), 3);
  EXPECT_EQ(RankOnMachine(Of({{"SLURM_LOCALID", "1"}, {"LOCAL_RANK", "2"}})), 1);
  EXPECT_EQ(RankOnMachine(Of({})), std::nullopt);
}

}  // namespace
}  // namespace mambascope
