#include "mambascope/cli/interrupt.h"

#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <string>
#include <thread>

#include "mambascope/checkpoint/file.h"

namespace mambascope {
namespace {

constexpr int kInterrupted = 130;  // as a shell has it: 128 + SIGINT

std::atomic<const char*> line = "stopped; nothing was written\n";
sem_t interrupted;  // posted by the handler, which may do little else

std::mutex stop_mutex;
std::function<void()> stop_instead;

void WaitForInterrupt() {
  while (sem_wait(&interrupted) != 0 && errno == EINTR) {
  }
  {
    const std::lock_guard lock(stop_mutex);
    if (stop_instead) return stop_instead();
  }
  [[maybe_unused]] const auto whole = HoldFiles();
  std::string text = line.load();
  if (isatty(STDERR_FILENO) != 0) text = "\r\033[K" + text;  // where a progress line may be
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) _exit(kInterrupted);  // nobody reads it
  _exit(kInterrupted);
}

// Does nothing where the signal is ignored.
void Catch(int signal) {
  struct sigaction before = {};
  if (sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = [](int) { sem_post(&interrupted); };
  action.sa_flags = SA_RESTART | SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

void WatchForInterrupt() {
  if (sem_init(&interrupted, /*pshared=*/0, 0) != 0) return;
  std::thread(WaitForInterrupt).detach();
  Catch(SIGINT);
}

void StopInstead(std::function<void()> stop) {
  {
    const std::lock_guard lock(stop_mutex);
    stop_instead = std::move(stop);
  }
  Catch(SIGTERM);
}

void SayWhenStopped(WhenStopped what) {
  switch (what) {
    case WhenStopped::kGoesOn: line = "stopped; run the same command again to continue\n"; break;
    case WhenStopped::kWritten: line = "stopped; the results are written\n"; break;
    case WhenStopped::kIncomplete: line = "stopped; the output is not complete\n"; break;
  }
}

}  // namespace mambascope
