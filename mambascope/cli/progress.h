// A progress line on stderr, for work of more than half a second: done, rate, time left. Nothing where stderr is no terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mambascope {

class Progress {
 public:
  // `what` names the work, `unit` what is counted. Silent when `quiet`.
  Progress(std::string what, std::string unit, bool quiet);
  ~Progress();  // clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void operator()(int64_t done, int64_t total);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_, unit_;
  bool silent_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

}  // namespace mambascope
