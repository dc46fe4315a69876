// The program's standard streams. All that it prints on stdout goes through this file, and all that
// it prints on stderr through PrintLine (progress.h).
#pragma once

#include <optional>
#include <string>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// Call it first. A closed standard stream is opened, as one that cannot be written: otherwise the
// next file would get its number, and be written by what is meant for the terminal. SIGPIPE is
// ignored, so that a reader that goes away does not end the work.
void OpenStandardStreams();

// Print on stdout. Control characters are shown as text. A stdout that cannot be written is passed
// over here, because the results may go to files: OutputFault tells it at the end.
void PrintText(const std::string& text);
void PrintJson(const Json& document);

// Flushes stdout. Returns the reason why not all could be written, if so.
std::optional<std::string> OutputFault();

}  // namespace mambascope
