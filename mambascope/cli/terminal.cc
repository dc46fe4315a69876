#include "mambascope/cli/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "mambascope/figures/label.h"

namespace mambascope {
namespace {

int output_error = 0;  // the first errno of a write to stdout

void WriteOut(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written && output_error == 0) output_error = errno;
}

}  // namespace

void OpenStandardStreams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    (void)open("/dev/null", O_RDONLY);  // takes the lowest number that is free
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows beyond `ulimit -f` is an Error
}

void PrintText(const std::string& text) { WriteOut(TerminalText(text)); }

void PrintJson(const Json& document) { WriteOut(TerminalJson(DumpJson(document)) + "\n"); }

std::optional<std::string> OutputFault() {
  if (std::fflush(stdout) != 0 && output_error == 0) output_error = errno;
  if (output_error == 0 && std::ferror(stdout) != 0) output_error = EIO;
  if (output_error == 0) return std::nullopt;
  return std::strerror(output_error);
}

}  // namespace mambascope
