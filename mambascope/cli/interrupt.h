// What Ctrl-C does: the run ends with exit code 130 and one line that says what becomes of its
// work.
#pragma once

#include <functional>

namespace mambascope {

// From now on SIGINT ends the program once the file that is being written is whole. A second SIGINT
// ends it at once. Does nothing where SIGINT is ignored, as for jobs in the background.
void WatchForInterrupt();

// From now on SIGINT and SIGTERM call `stop`, once, on a thread of its own. A second signal ends
// the program at once.
void StopInstead(std::function<void()> stop);

// What the line says of the run's work at present. Before the first call: nothing was written.
enum class WhenStopped {
  kGoesOn,      // the same command goes on where it stopped
  kWritten,     // the results are written
  kIncomplete,  // the output is not complete
};
void SayWhenStopped(WhenStopped what);
// The same with kGoesOn, for a run that has stored results.
inline void SayThatItGoesOn() { SayWhenStopped(WhenStopped::kGoesOn); }

}  // namespace mambascope
