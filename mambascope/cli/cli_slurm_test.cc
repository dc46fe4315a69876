// The script that `slurm` prints and submits. tools/check_launchers gives it to a real Slurm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "mambascope/cli/cli_test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Words kTrace = {"trace", "--relations", DemoData("relations/river_continent.json"), "--limit",
                      "3"};

// A stand-in for sbatch: it runs the tasks of an array one after the other, and the job that
// depends on them if all succeed.
constexpr const char* kSbatch = R"(#!/bin/bash
set -eu
folder=$(dirname "$0")
echo "$@" >>"$folder/calls"
cat >"$folder/job"
count=0
for option in "$@"; do
  case "$option" in
    --array=1-*) count=${option#*-*-*-} ;;
    --dependency=afterok:7) [ ! -e "$folder/failed" ] ;;
  esac
done
if [ "$count" = 0 ]; then bash "$folder/job" >&2; fi
for ((i = 1; i <= count; ++i)); do
  SLURM_ARRAY_TASK_ID=$i SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=$count SLURM_PROCID=0 \
    bash "$folder/job" >&2 || touch "$folder/failed"
done
echo 7
)";

class SlurmCliTest : public testing::Test {
 protected:
  Outcome Submit(const Words& options, const Words& command) const {
    fs::create_directory(folder_ / "bin");
    WriteFile(folder_ / "bin/sbatch", kSbatch);
    WriteFile(folder_ / "bin/srun", "#!/bin/bash\nexec \"$@\"\n");
    for (const char* name : {"bin/sbatch", "bin/srun"})
      fs::permissions(folder_ / name, fs::perms::owner_all);
    return RunProgram(Words{"slurm", "--submit"} + options + Words{"--"} + command,
                      std::string(kQuickStart) + "PATH=" + (folder_ / "bin").string() + ":$PATH ");
  }
  std::string Out(const std::string& name) const { return (folder_ / name).string(); }

  TempFolder folder_;
};

TEST_F(SlurmCliTest, PrintsAnArrayAndItsJoin) {
  const Outcome outcome = RunProgram(Words{"slurm", "--array", "16", "--gpus", "1", "--time",
                                           "2:00:00", "--sbatch=--account=lab -p gpu", "--"} +
                                     kTrace + Words{"--device", "cuda", "--out", "my out"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(
      outcome.out,
      AllOf(HasSubstr("#!/bin/bash\n"), HasSubstr("--array=1-16 "), HasSubstr("--gpus=1 "),
            HasSubstr("--time=2:00:00 --account=lab -p gpu --dependency=afterok:${shards%%;*}"),
            HasSubstr("\nexec srun "), HasSubstr("--out 'my out' --shard auto\n"),
            HasSubstr(" merge 'my out'\n"), Not(HasSubstr("--threads"))));
}

TEST_F(SlurmCliTest, TasksUseTheirCores) {
  const Words slurm = {"slurm", "--cpus", "8", "--"}, out = {"--out", "o"};
  EXPECT_THAT(RunProgram(slurm + kTrace + out).out,
              AllOf(HasSubstr("exec srun --cpus-per-task=8 "), HasSubstr("--cpus-per-task=8 "),
                    HasSubstr("--threads 8\n")));
  EXPECT_THAT(RunProgram(slurm + kTrace + Words{"--threads", "2"} + out).out,
              Not(HasSubstr("--threads 8")));
}

TEST_F(SlurmCliTest, SubmittedJobsMakeTheWholeRun) {
  const std::string out = Out("it's here");
  const Outcome outcome = Submit({"--array", "3"}, kTrace + Words{"--out", out});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("submitted the shards as job 7, and their merge as job 7"));
  EXPECT_EQ(RunProgram(kTrace + Words{"--out", Out("whole")}).exit_code, 0);
  EXPECT_TRUE(ReadFile(folder_ / "it's here/trace.json") == ReadFile(folder_ / "whole/trace.json"));
}

TEST_F(SlurmCliTest, WordsPassTheShellAsTheyAre) {
  const Outcome outcome =
      RunProgram(Words{"slurm", "--"} + kTrace + Words{"--out", "50% of\nEND\nit"});
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("\\x25\\x25"), Not(HasSubstr("\nEND\nit"))));
}

TEST_F(SlurmCliTest, SaysThatSubmittingFailed) {
  // There are fewer facts than tasks.
  const Outcome outcome = Submit({"--array", "4"}, kTrace + Words{"--out", Out("parts")});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("--submit: the script failed with exit code 1"));
  EXPECT_FALSE(fs::exists(folder_ / "parts/trace.json"));
}

TEST_F(SlurmCliTest, ChecksTheCommandFirst) {
  const auto failure = [](const Words& words) {
    const Outcome outcome = RunProgram(Words{"slurm", "--submit"} + words);
    EXPECT_EQ(outcome.exit_code, 1);
    return outcome.err;
  };
  EXPECT_THAT(failure(Words{"--"} + kTrace), HasSubstr("trace has no --out; add --out DIR"));
  EXPECT_THAT(failure(Words{"--"} + kTrace + Words{"--out", "o", "--limt", "3"}),
              HasSubstr("there is no option --limt; did you mean --limit?"));
  EXPECT_THAT(failure({"--", "predict", "--prompt", "x"}), HasSubstr("no option --shard"));
  EXPECT_THAT(failure(Words{"--"} + kTrace + Words{"--out", "o", "--shard", "1/2"}),
              HasSubstr("--shard is set for each task"));
  EXPECT_THAT(failure({"--", "trase"}), HasSubstr("there is no command trase"));
  EXPECT_THAT(failure(Words{"--gpus", "1", "--"} + kTrace + Words{"--out", "o"}),
              HasSubstr("add --device cuda to the command"));
}

}  // namespace
}  // namespace mambascope
