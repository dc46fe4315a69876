#include "mambascope/jobs/output_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "mambascope/checkpoint/file.h"
#include "mambascope/error.h"

namespace mambascope {

OutputFolder::OutputFolder(const std::filesystem::path& folder, const std::vector<std::string>& files) : folder_(folder) {
  PrepareFolder(folder);
  for (const std::string& file : files) PrepareFile(folder / file);
  lock_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // A file system without locks is no reason not to run.
  if (lock_ < 0 || flock(lock_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  close(lock_);
  throw Error(fmt::format("{}: another mambascope is writing its results there", folder.string()),
              "wait until it ends, or name another folder with --out");
}

OutputFolder::~OutputFolder() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace mambascope
