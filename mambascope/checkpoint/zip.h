// Zip archives, by libzip: PyTorch's .bin and NumPy's .npz are such.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

struct zip;

namespace mambascope {

class ZipReader {
 public:
  // Throws Error, with `hint`, for what is no zip.
  ZipReader(const std::filesystem::path& path, const std::string& hint);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  std::vector<std::string> Names() const;
  // Bytes of an entry, uncompressed. Throws Error for one that is not there, and for one that
  // claims more than the file can hold.
  uint64_t Size(const std::string& entry) const;
  // Throws Error when the bytes are not those that the archive has the checksum of. REQUIRES: `to`
  // has room for Size(entry) bytes.
  void Read(const std::string& entry, void* to) const;

 private:
  std::filesystem::path path_;
  zip* zip_;
  uint64_t file_size_ = 0;
};

// Replaces the file `path` by a zip of these entries, uncompressed, each given in parts that follow
// one another. The same entries give the same bytes.
void WriteZip(const std::filesystem::path& path,
              const std::map<std::string, std::vector<std::string_view>>& entries);

}  // namespace mambascope
