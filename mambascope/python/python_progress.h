// Reports progress to Python. Ctrl-C ends the work.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>

namespace mambascope {

// Tells a Python function of progress, a few times a second. The caller does not hold Python's
// lock, the GIL.
class PythonProgress {
 public:
  // `hears` is called with (what, done, total), or is None.
  explicit PythonProgress(pybind11::object hears) : hears_(std::move(hears)) {}

  // Throws Python's exception if the function raises one, and KeyboardInterrupt after Ctrl-C.
  void operator()(const std::string& what, double done, int64_t total);

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kBetween{50};

  const pybind11::object hears_;
  Clock::time_point told_ = Clock::now();
};

}  // namespace mambascope
