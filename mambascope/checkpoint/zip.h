// Reading and writing zip archives with libzip. PyTorch's .bin and NumPy's .npz are zip archives.
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
  // Which entries are read. Those that are stored as they are take no more bytes than the file.
  enum class Entries { kStored, kStoredOrDeflated };

  // Throws Error, with `hint`, when the file is not a zip.
  ZipReader(const std::filesystem::path& path, const std::string& hint,
            Entries entries = Entries::kStoredOrDeflated);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  std::vector<std::string> Names() const;
  // Returns the uncompressed size of an entry, in bytes. Throws Error when the entry is missing or
  // claims more bytes than the file can hold, or is deflated where only stored ones are read.
  uint64_t Size(const std::string& entry) const;
  // Returns the first `most` bytes of an entry, or all if it has fewer. Compares no checksum.
  std::string Begin(const std::string& entry, uint64_t most) const;
  // Reads an entry into `to`. Throws Error when the bytes do not match the archive's checksum.
  // REQUIRES: `to` has room for Size(entry) bytes.
  void Read(const std::string& entry, void* to) const;

 private:
  std::filesystem::path path_;
  zip* zip_;
  const Entries entries_;
  uint64_t file_size_ = 0;
};

// Replaces the file `path` by a zip of these entries, uncompressed. The parts of an entry are
// concatenated. Equal entries give equal bytes.
void WriteZip(const std::filesystem::path& path,
              const std::map<std::string, std::vector<std::string_view>>& entries);

}  // namespace mambascope
