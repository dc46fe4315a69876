#include "mambascope/jobs/output_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "mambascope/checkpoint/file.h"
#include "mambascope/error.h"

namespace mambascope {

OutputFolder::OutputFolder(const std::filesystem::path& folder,
                           const std::vector<std::string>& files)
    : folder_(folder), files_(files) {
  PrepareFolder(folder);
  for (const std::string& file : files) PrepareFile(folder / file);
  if (Lock(folder, O_RDONLY | O_DIRECTORY)) return;
  // NFS locks only what is open for writing, and a folder cannot be. A file system without locks is
  // no reason not to run.
  if (errno != EWOULDBLOCK && (Lock(folder / ".lock", O_RDWR | O_CREAT) || errno != EWOULDBLOCK))
    return;
  throw Error(fmt::format("{}: another mambascope is writing its results there", folder.string()),
              "wait until it ends, or name another folder with --out");
}

bool OutputFolder::Writes(const std::string& file) const {
  return std::find(files_.begin(), files_.end(), file) != files_.end();
}

bool OutputFolder::Lock(const std::filesystem::path& path, int flags) {
  lock_ = open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (lock_ < 0) return false;
  if (flock(lock_, LOCK_EX | LOCK_NB) == 0) return true;
  const int error = errno;
  close(lock_);
  lock_ = -1;
  errno = error;
  return false;
}

OutputFolder::~OutputFolder() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace mambascope
