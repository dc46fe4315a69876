#include "mambascope/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace mambascope {

Progress::Progress(std::string what, std::string unit, bool quiet, double begun_with)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      silent_(quiet || isatty(STDERR_FILENO) == 0),
      begun_with_(begun_with) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\033[K");
}

void Progress::operator()(double done, int64_t total, int64_t units) {
  const Clock::time_point now = Clock::now();
  const double elapsed = std::chrono::duration<double>(now - start_).count(),
               since = std::chrono::duration<double>(now - last_).count();
  if (silent_ || elapsed < 0.5 || since < 0.1 || done <= begun_with_) return;
  last_ = now;
  shown_ = true;
  const double left = (static_cast<double>(total) - done) * elapsed / (done - begun_with_);
  const std::string rate = unit_.empty() ? ""
                                         : fmt::format(", {:.0f} {} per second",
                                                       static_cast<double>(units) / elapsed, unit_);
  fmt::print(stderr, "\r\033[K{} {:.0f}/{}{}, {:.0f} s left", what_, done, total, rate, left);
  std::fflush(stderr);
}

}  // namespace mambascope
