// Writes the script that runs a command on a Slurm cluster: a task for each shard, and a job that
// merges them when all tasks have succeeded.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/parser.h"
#include "mambascope/cli/terminal.h"
#include "mambascope/error.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

bool HasControl(const std::string& word) {
  return std::any_of(word.begin(), word.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// $'..', with every byte as \xHH: it passes any terminal and file.
std::string EscapedWord(const std::string& word) {
  std::string text = "$'";
  for (const char c : word) text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return text + "'";
}

// A word as a shell reads it.
std::string ShellWord(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,%@";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return word;
  if (HasControl(word) || ReplaceInvalidUtf8(word) != word) return EscapedWord(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::string ShellLine(const Words& words) {
  Words quoted;
  for (const std::string& word : words) quoted.push_back(ShellWord(word));
  return fmt::format("{}", fmt::join(quoted, " "));
}

// The value of a command's --out.
class FindOut : public OptionVisitor {
 public:
  void operator()(OptionValue value, const OptionInfo& info) override {
    if (info.names != "--out") return;
    if (auto* const* folder = std::get_if<std::optional<std::string>*>(&value)) out = **folder;
  }
  std::optional<std::string> out;
};

// A call of sbatch for a job that runs `words`. It prints the job's number.
std::string Submit(const std::string& sbatch, const Words& options, const Words& words) {
  Words lines = {sbatch};
  for (const std::string& option : options) lines.push_back(ShellWord(option));
  return fmt::format("{} <<'END'\n#!/bin/bash\nexec {}\nEND\n", fmt::join(lines, " \\\n  "),
                     ShellLine(words));
}

// Runs the script in a shell. Throws Error when it fails.
void RunScript(const std::string& script) {
  FILE* const shell = popen("bash -s", "w");
  if (shell == nullptr) throw Error("--submit: the shell cannot be started");
  const bool written = std::fputs(script.c_str(), shell) >= 0;
  const int status = pclose(shell);
  if (!written || status < 0 || !WIFEXITED(status))
    throw Error("--submit: the shell was stopped before the script ended",
                "see with squeue what was submitted");
  if (status != 0)
    throw Error(fmt::format("--submit: the script failed with exit code {}", WEXITSTATUS(status)),
                "run this on a machine that has sbatch, or print the script without --submit");
}

class SlurmCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    option.Topic("Command");
    option(&words_, {.names = "COMMAND,--command",
                     .help = "The command to divide into shards, written after --. It needs --out",
                     .presence = OptionInfo::Presence::kRequired});
    option.Topic("Jobs");
    option(&array_, {.names = "--array",
                     .help = "Number of tasks; each computes one shard",
                     .bounds = Integers{1, 1'000'000}});
    option(&gpus_, {.names = "--gpus",
                    .help = "Number of GPUs of each task; the command needs --device cuda",
                    .otherwise = "none",
                    .bounds = Integers{1, 64}});
    option(&cpus_, {.names = "--cpus",
                    .help = "Number of cores of each task, and of threads of the command",
                    .otherwise = "as the cluster gives them",
                    .bounds = Integers{1, 4096}});
    option(&time_, {.names = "--time",
                    .help = "Time limit of each job, such as 2:00:00",
                    .otherwise = "the cluster's"});
    option(&sbatch_, {.names = "--sbatch",
                      .help = "More options of sbatch for both jobs, as "
                              "--sbatch=\"--account=lab --partition=gpu\"",
                      .otherwise = "none"});
    option(&submit_,
           {.names = "--submit", .help = "Submit the jobs instead of printing the script"});
  }
  void VisitModel(OptionVisitor& /*option*/) override {}
  void VisitCompat(OptionVisitor& /*option*/) override {}

  void Run() override {
    const std::string script = Script();
    if (submit_) RunScript(script);
    else PrintText(script);
  }

 private:
  std::string Script() const {
    if (std::any_of(words_.begin(), words_.end(),
                    [](const std::string& word) { return word.starts_with("--shard"); }))
      throw Error("slurm: --shard is set for each task", "leave it out");
    Words first = words_;  // of the tasks
    first.insert(first.end(), {"--shard", fmt::format("1/{}", array_)});
    const std::unique_ptr<Command> command = ReadCommand(first);
    FindOut find;
    command->VisitOptions(find);
    if (!find.out)
      throw Error(fmt::format("slurm: {} has no --out", words_[0]),
                  "add --out DIR to it: the shards write there, and merge reads there");
    if (gpus_ && command->common.device != "cuda")
      throw Error("slurm: --gpus asks for GPUs that the command does not use",
                  "add --device cuda to the command");
    const std::string program = fs::read_symlink("/proc/self/exe").string();
    std::string sbatch = "sbatch --parsable";
    if (time_) sbatch += " " + ShellWord("--time=" + *time_);
    if (sbatch_) sbatch += " " + *sbatch_;
    const std::string logs = fmt::format(
        "{}", fmt::join(SplitAt(*find.out, '%'), "%%"));  // to sbatch, %j is a job's number
    Words options = {"--job-name=mambascope-" + words_[0], fmt::format("--array=1-{}", array_),
                     "--requeue", "--open-mode=append",
                     fmt::format("--output={}/slurm-%A-%a.log", logs)};
    if (gpus_) options.push_back(fmt::format("--gpus={}", *gpus_));
    if (cpus_) options.push_back(fmt::format("--cpus-per-task={}", *cpus_));
    Words shard = {"srun"};
    if (cpus_) shard.push_back(fmt::format("--cpus-per-task={}", *cpus_));
    shard.push_back(program);
    shard.insert(shard.end(), words_.begin(), words_.end());
    shard.insert(shard.end(), {"--shard", "auto"});
    if (cpus_ && command->common.threads == 0)
      shard.insert(shard.end(), {"--threads", std::to_string(*cpus_)});
    const Words merge_options = {"--job-name=mambascope-merge", "--kill-on-invalid-dep=yes",
                                 fmt::format("--output={}/slurm-%j.log", logs)};
    return fmt::format(
        R"(#!/bin/bash
# Submits the shards of a run to Slurm, and a job that merges them when all have succeeded.
# After a failure, run this again: finished results are kept.
set -eu
{}
shards=$({})
merge=$({})
echo "submitted the shards as job ${{shards%%;*}}, and their merge as job ${{merge%%;*}}"
)",
        ShellLine({"mkdir", "-p", *find.out}), Submit(sbatch, options, shard),
        Submit(sbatch + " --dependency=afterok:${shards%%;*}", merge_options,
               {program, "merge", *find.out}));
  }

  Words words_;
  int64_t array_ = 4;
  std::optional<int64_t> gpus_, cpus_;
  std::optional<std::string> time_, sbatch_;
  bool submit_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeSlurm() { return std::make_unique<SlurmCommand>(); }

}  // namespace mambascope
