// The folder that a run writes its results to. It is locked so that no other run writes there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mambascope {

class OutputFolder {
 public:
  // Makes the folder and locks it. The system releases the lock when the process ends for any
  // reason. Throws Error when another run holds the lock, and when one of `files`, which the run
  // will write, cannot be written.
  OutputFolder(const std::filesystem::path& folder, const std::vector<std::string>& files);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  std::filesystem::path operator/(const std::string& file) const { return folder_ / file; }
  const std::filesystem::path& path() const { return folder_; }
  // Whether the run writes this file, one of those that the constructor was given.
  bool Writes(const std::string& file) const;

 private:
  // Returns whether `path` could be locked. If not, errno has the reason.
  bool Lock(const std::filesystem::path& path, int flags);

  std::filesystem::path folder_;
  std::vector<std::string> files_;
  int lock_ = -1;  // an open file descriptor of the locked path
};

}  // namespace mambascope
