// mambascope: where an Error of a command is caught. (A server catches those of its requests.) Exit
// 0; 1 for an error; 2 for a wrong command line.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/interrupt.h"
#include "mambascope/cli/parser.h"
#include "mambascope/cli/progress.h"
#include "mambascope/cli/terminal.h"
#include "mambascope/cli/tuned_start.h"
#include "mambascope/error.h"
#include "mambascope/figures/label.h"

namespace {

bool RunsLong(int argc, char** argv) {
  const auto& commands = mambascope::Commands();
  return argc > 1 &&
         std::any_of(commands.begin(), commands.end(), [&](const mambascope::CommandEntry& entry) {
           return entry.runs == mambascope::CommandEntry::Runs::kLong && entry.name == argv[1];
         });
}

// On a GPU, the threads of the CPU have little work, and a second start takes 0.3 s.
bool NamesGpu(int argc, char** argv) {
  return std::any_of(argv, argv + argc, [](std::string_view word) {
    return word == "cuda" || word == "--device=cuda" || word.starts_with("--devices");
  });
}

// In one line, whatever a prompt or a file name holds.
void PrintError(std::string_view what) {
  mambascope::PrintLine(fmt::format("error: {}\n", mambascope::VisibleText(what)));
}

}  // namespace

int main(int argc, char** argv) {
  mambascope::OpenStandardStreams();
  if (RunsLong(argc, argv) && !NamesGpu(argc, argv)) mambascope::StartTuned(argv);
  mambascope::WatchForInterrupt();
  try {
    const int status = mambascope::RunCommandLine(argc, argv);
    if (const auto fault = mambascope::OutputFault())
      throw mambascope::Error("standard output cannot be written: " + *fault);
    return status;
  } catch (const mambascope::Error& e) {
    PrintError(e.what());
  } catch (const std::exception& e) {
    const std::string_view what = e.what();
    PrintError("unexpected: " + std::string(what.substr(0, what.find('\n'))));
  }
  return 1;
}
