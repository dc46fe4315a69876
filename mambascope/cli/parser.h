// The command line: the only room that knows how options are spelled and parsed.
#pragma once

namespace mambascope {

// Parses, runs the command that is named, and returns the exit code: 0, or 2 for a wrong command
// line. What the command throws goes through.
int RunCommandLine(int argc, char** argv);

}  // namespace mambascope
