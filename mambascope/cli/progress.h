// A progress line on stderr, for work of more than half a second: done, rate, time left. Nothing
// where stderr is no terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mambascope {

class Progress {
 public:
  // `what` names the work, `unit` what the rate counts, none without it; `begun_with` is done
  // already. Silent when `quiet`.
  Progress(std::string what, std::string unit, bool quiet, double begun_with = 0);
  ~Progress();  // clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of `total` facts, or other things that the user counts in; `units` for the rate, since
  // this was made.
  void operator()(double done, int64_t total, int64_t units = 0);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_, unit_;
  bool silent_;
  bool shown_ = false;
  double begun_with_;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

}  // namespace mambascope
