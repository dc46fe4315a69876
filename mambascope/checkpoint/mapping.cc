#include "mambascope/checkpoint/mapping.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mambascope/checkpoint/file.h"
#include "mambascope/error.h"

namespace mambascope {

Mapping::Mapping(const std::filesystem::path& path) {
  RequireFile(path);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (fd < 0 || fstat(fd, &info) != 0) {
    const int error = errno;
    if (fd >= 0) close(fd);
    throw Error(fmt::format("{}: cannot be read: {}", path.string(), std::strerror(error)));
  }
  size_ = static_cast<size_t>(info.st_size);
  data_ = size_ == 0 ? nullptr : mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  close(fd);
  if (data_ == MAP_FAILED)
    throw Error(fmt::format("{}: cannot be mapped: {}", path.string(), std::strerror(errno)));
}

Mapping::~Mapping() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace mambascope
