// mambascope: where an Error of a command is caught. (A server catches those of its requests.) Exit
// 0; 1 for an error; 2 for a wrong command line.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/interrupt.h"
#include "mambascope/cli/parser.h"
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

}  // namespace

int main(int argc, char** argv) {
  if (RunsLong(argc, argv)) mambascope::StartTuned(argv);
  mambascope::WatchForInterrupt();
  try {
    const int status = mambascope::RunCommandLine(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      throw mambascope::Error("standard output cannot be written");
    return status;
  } catch (const mambascope::Error& e) {
    fmt::print(
        stderr, "error: {}\n",
        mambascope::VisibleText(e.what()));  // one line, whatever a prompt or a file name holds
  } catch (const std::exception& e) {
    const std::string_view what = e.what();
    fmt::print(stderr, "error: unexpected: {}\n",
               mambascope::VisibleText(what.substr(0, what.find('\n'))));
  }
  return 1;
}
