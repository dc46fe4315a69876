// Parses the command line. No other file depends on how options are parsed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mambascope/cli/command.h"

namespace mambascope {

class Host;

// Parses the command line and runs the named command. Returns the exit code: 0, or 2 for a wrong
// command line. Exceptions of the command are not caught.
int RunCommandLine(int argc, char** argv);

// Runs a command for a host (host.h). `words` are the command's name and its options. Throws Error
// for a wrong command line. Exceptions of the command and of the host are not caught.
void RunHosted(std::vector<std::string> words, Host& host);

// Returns a command that was not run. `words` are its name and its options. Throws Error for a
// wrong command line.
std::unique_ptr<Command> ReadCommand(std::vector<std::string> words);

}  // namespace mambascope
