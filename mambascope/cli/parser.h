// Parses the command line. No other file depends on how options are parsed.
#pragma once

namespace mambascope {

// Parses the command line and runs the named command. Returns the exit code: 0, or 2 for a wrong
// command line. Exceptions of the command are not caught.
int RunCommandLine(int argc, char** argv);

}  // namespace mambascope
