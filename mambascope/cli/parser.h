// Parses the command line. No other file depends on how options are parsed.
#pragma once

#include <string>
#include <vector>

namespace mambascope {

class Host;

// Parses the command line and runs the named command. Returns the exit code: 0, or 2 for a wrong
// command line. Exceptions of the command are not caught.
int RunCommandLine(int argc, char** argv);

// Runs a command for a host (host.h). `words` are the command's name and its options. Throws Error
// for a wrong command line. Exceptions of the command and of the host are not caught.
void RunHosted(std::vector<std::string> words, Host& host);

}  // namespace mambascope
