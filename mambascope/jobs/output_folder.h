// The folder that a run writes its results to. While the run goes on, no other run may write there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mambascope {

class OutputFolder {
 public:
  // Makes the folder and locks it. The system takes the lock away when the process ends, however it
  // ends. Throws Error when the folder is another run's at the moment, and when one of `files`,
  // which the run is to write, cannot be written.
  OutputFolder(const std::filesystem::path& folder, const std::vector<std::string>& files);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  std::filesystem::path operator/(const std::string& file) const { return folder_ / file; }
  const std::filesystem::path& path() const { return folder_; }

 private:
  // Tells whether `path` is locked now. If not, errno says why.
  bool Lock(const std::filesystem::path& path, int flags);

  std::filesystem::path folder_;
  int lock_ = -1;  // an open file descriptor of what is locked
};

}  // namespace mambascope
