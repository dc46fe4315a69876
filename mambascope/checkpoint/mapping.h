// A file that is mapped into memory instead of being read as a whole.
#pragma once

#include <cstddef>
#include <filesystem>

namespace mambascope {

// The pages are private: a write changes them only in this process.
class Mapping {
 public:
  // Throws Error when the path is not a file, or cannot be read.
  explicit Mapping(const std::filesystem::path& path);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  char* data() const { return static_cast<char*>(data_); }
  size_t size() const { return size_; }

 private:
  void* data_;
  size_t size_;
};

}  // namespace mambascope
