// Says on stderr what a long run is doing: how much is done, the rate, the time left. On a terminal
// it is one line that is renewed, from half a second on. Elsewhere it is a plain line, "progress:
// ..", after two seconds and then every five.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace mambascope {

// How far some work is.
struct ProgressState {
  std::string what;        // names the work
  std::string unit = {};   // of the rate; empty: no rate
  std::string stage = {};  // what is being done at present; empty: nothing to add
  double begun_with = 0;   // items that earlier runs had done
  double done = 0;
  int64_t total = 0;  // items; 0: not known
  int64_t units = 0;  // work that this run has done
};

// The share of the work that is done, from 0 to 1. None where the total is not known.
std::optional<double> ProgressShare(const ProgressState& state);

// Who hears of progress: the terminal, unless `quiet`, or a listener instead. The listener hears of
// each change, on the thread that works. An exception that it throws ends the work.
struct ProgressTo {
  bool quiet = false;
  std::function<void(const ProgressState&)> listener = {};
};

// One line about the work, without its end. `elapsed` are the seconds since it began, and `updated`
// those from the beginning to the last change of the state.
std::string ProgressText(const ProgressState& state, double elapsed, double updated);

// What to say, once, of work that takes over a minute in all: how much it is, how long it takes,
// and what makes it shorter. None before five seconds, and for less work. The estimate is the time
// so far divided by the share that is done.
std::optional<std::string> LongWorkNote(const ProgressState& state, double elapsed,
                                        const std::string& shorter);

// Prints `line`, which ends with a newline, on stderr. Control characters are shown as text. A
// progress line on the terminal gives way. A
// stderr that cannot be written is passed over.
void PrintLine(const std::string& line);

// While it exists, a thread of its own shows the state, so that the line goes on while a step takes
// long. Of several, only the newest is shown.
class Progress {
 public:
  Progress(ProgressState begin, ProgressTo to);
  ~Progress();  // clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of `total` items, and the units for the rate. Never goes backwards, or past the total.
  void operator()(double done, int64_t total, int64_t units = 0);
  void Stage(const std::string& stage);

 private:
  using Clock = std::chrono::steady_clock;
  void Show();
  void Tell(const ProgressState& state) const {
    if (to_.listener) to_.listener(state);
  }
  double Seconds(Clock::time_point until) const {
    return std::chrono::duration<double>(until - start_).count();
  }

  const ProgressTo to_;
  ProgressState state_;  // guarded by mutex_, as are the next three
  Clock::time_point start_ = Clock::now(), updated_ = start_;
  bool shown_ = false, over_ = false;
  const bool terminal_;
  std::mutex mutex_;
  std::condition_variable ends_;
  std::thread shower_;  // none when quiet, or when a listener hears of it
};

}  // namespace mambascope
