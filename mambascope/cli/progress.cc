#include "mambascope/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "mambascope/figures/label.h"

namespace mambascope {
namespace {

// All that exist, the newest last; the mutex guards the list and what is printed.
struct Shown {
  std::mutex mutex;
  std::vector<const Progress*> all;
};

Shown& Lines() {
  static Shown shown;
  return shown;
}

constexpr const char* kClear = "\r\033[K";  // the line on the terminal

std::string TimeText(double seconds) {
  return seconds < 120 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.0f} min", seconds / 60);
}

}  // namespace

void PrintLine(const std::string& line) {
  const std::lock_guard lock(Lines().mutex);
  const bool clears = !Lines().all.empty() && isatty(STDERR_FILENO) != 0;
  std::fputs(((clears ? kClear : "") + TerminalText(line)).c_str(), stderr);
}

std::optional<double> ProgressShare(const ProgressState& s) {
  return s.total > 0 ? std::optional(s.done / static_cast<double>(s.total)) : std::nullopt;
}

std::string ProgressText(const ProgressState& s, double elapsed, double updated) {
  std::string text = s.what;
  if (s.total > 1) text += fmt::format(" {:.0f}/{}", std::floor(s.done + 1e-9), s.total);
  if (!s.stage.empty()) text += fmt::format(" ({})", s.stage);
  if (s.total > 0 && s.done != std::floor(s.done))
    text += fmt::format(", {:.0f} %", std::floor(100 * s.done / static_cast<double>(s.total)));
  if (!s.unit.empty() && s.units > 0 && updated > 1)
    text += fmt::format(", {:.1f} {} per second", static_cast<double>(s.units) / updated, s.unit);
  const double made = s.done - s.begun_with;
  const double left =
      made > 0 ? (static_cast<double>(s.total) - s.done) * updated / made - (elapsed - updated) : 0;
  // Towards the end, and where a step takes longer than those before, how long is left is not
  // known.
  if (left >= 0.5) return fmt::format("{}, {} left", text, TimeText(left));
  return fmt::format("{}, {} so far", text, TimeText(elapsed));
}

std::optional<std::string> LongWorkNote(const ProgressState& s, double elapsed,
                                        const std::string& shorter) {
  constexpr double kSure = 5, kLong = 60;  // seconds
  const double share = (s.done - s.begun_with) / (static_cast<double>(s.total) - s.begun_with);
  if (elapsed < kSure || s.total == 0 || !(share > 0) || elapsed / share < kLong)
    return std::nullopt;
  std::string text = fmt::format("this takes about {}", TimeText(elapsed / share));
  if (s.units > 0)
    text += fmt::format(", for about {:.0f} {}", static_cast<double>(s.units) / share, s.unit);
  return shorter.empty() ? text : fmt::format("{}; {}", text, shorter);
}

Progress::Progress(ProgressState begin, ProgressTo to)
    : to_(std::move(to)), state_(std::move(begin)), terminal_(isatty(STDERR_FILENO) != 0) {
  state_.done = state_.begun_with;
  Tell(state_);
  if (to_.quiet || to_.listener) return;
  {
    const std::lock_guard lock(Lines().mutex);
    Lines().all.push_back(this);
  }
  shower_ = std::thread([this] { Show(); });
}

Progress::~Progress() {
  if (!shower_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ends_.notify_one();
  shower_.join();
  const std::lock_guard lock(Lines().mutex);
  std::erase(Lines().all, this);
  if (shown_ && terminal_) std::fputs(kClear, stderr);
}

void Progress::operator()(double done, int64_t total, int64_t units) {
  const std::lock_guard lock(mutex_);
  state_.total = total;
  state_.done = std::min(std::max(state_.done, done), static_cast<double>(total));
  state_.units = std::max(state_.units, units);
  updated_ = Clock::now();
  Tell(state_);
}

void Progress::Stage(const std::string& stage) {
  const std::lock_guard lock(mutex_);
  state_.stage = stage;
  Tell(state_);
}

void Progress::Show() {
  using std::chrono::milliseconds;
  std::unique_lock lock(mutex_);
  milliseconds wait = terminal_ ? milliseconds(500) : milliseconds(2000);
  while (!ends_.wait_for(lock, wait, [this] { return over_; })) {
    wait = terminal_ ? milliseconds(200) : milliseconds(5000);
    const std::string text =
        TerminalText(ProgressText(state_, Seconds(Clock::now()), Seconds(updated_)));
    const std::lock_guard printing(Lines().mutex);
    if (Lines().all.back() != this) continue;
    shown_ = true;
    std::fputs((terminal_ ? kClear + text : "progress: " + text + "\n").c_str(), stderr);
    std::fflush(stderr);
  }
}

}  // namespace mambascope
