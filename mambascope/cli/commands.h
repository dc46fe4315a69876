// The commands of the program. Each is implemented in its own file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mambascope/cli/command.h"

namespace mambascope {

std::unique_ptr<Command> MakeInfo();
std::unique_ptr<Command> MakePredict();
std::unique_ptr<Command> MakeGenerate();
std::unique_ptr<Command> MakeStates();
std::unique_ptr<Command> MakeTrace();
std::unique_ptr<Command> MakePaths();
std::unique_ptr<Command> MakeAttention();
std::unique_ptr<Command> MakeKnockout();
std::unique_ptr<Command> MakeMoments();
std::unique_ptr<Command> MakeEdit();
std::unique_ptr<Command> MakeApply();
std::unique_ptr<Command> MakeLre();
std::unique_ptr<Command> MakeMerge();
std::unique_ptr<Command> MakeSlurm();
std::unique_ptr<Command> MakeReport();
std::unique_ptr<Command> MakeDemo();
std::unique_ptr<Command> MakeServe();
std::unique_ptr<Command> MakeOptions();

struct CommandEntry {
  std::string name, does, example;
  std::unique_ptr<Command> (*make)();
  enum class Runs { kShort, kLong } runs = Runs::kShort;  // long runs begin with StartTuned
  bool has_page = true;                                   // whether docs/cli/NAME.md exists
};

// Returns all commands, in the order of --help.
const std::vector<CommandEntry>& Commands();

}  // namespace mambascope
