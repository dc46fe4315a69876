#include "mambascope/cli/interrupt.h"

#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>
#include <thread>

#include "mambascope/checkpoint/file.h"

namespace mambascope {
namespace {

constexpr int kInterrupted = 130;  // as a shell has it: 128 + SIGINT

std::atomic<const char*> line = "stopped; nothing was written\n";
sem_t interrupted;  // posted by the handler, which may do little else

void WaitForInterrupt() {
  while (sem_wait(&interrupted) != 0 && errno == EINTR) {
  }
  const auto whole = HoldFiles();
  std::string text = line.load();
  if (isatty(STDERR_FILENO) != 0) text = "\r\033[K" + text;  // where a progress line may be
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) _exit(kInterrupted);  // nobody reads it
  _exit(kInterrupted);
}

}  // namespace

void WatchForInterrupt() {
  struct sigaction before = {};
  if (sigaction(SIGINT, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) return;
  if (sem_init(&interrupted, /*pshared=*/0, 0) != 0) return;
  std::thread(WaitForInterrupt).detach();
  struct sigaction action = {};
  action.sa_handler = [](int) { sem_post(&interrupted); };
  action.sa_flags = SA_RESTART | SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

void SayWhenStopped(WhenStopped what) {
  switch (what) {
    case WhenStopped::kGoesOn: line = "stopped; the same command goes on where it stopped\n"; break;
    case WhenStopped::kWritten: line = "stopped; the results are written\n"; break;
    case WhenStopped::kIncomplete: line = "stopped; the output is not complete\n"; break;
    case WhenStopped::kServing: line = "the server stopped\n"; break;
  }
}

}  // namespace mambascope
