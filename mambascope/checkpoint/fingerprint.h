// Short hashes that identify a checkpoint, a text or a tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace mambascope {

struct FingerprintOptions {
  // A file that remembers the hashes of large files by path, size, inode and times. Empty: every
  // file is read. A cache that cannot be read or written is passed over: it only saves time.
  std::filesystem::path cache = {};
  // Called with the bytes that are read so far, and those of all files that must be read.
  std::function<void(uint64_t done, uint64_t total)> progress = {};
};

// Returns the fingerprint of a checkpoint: 16 hexadecimal digits. It covers all bytes of
// config.json and of every weight file in the folder, by the 128-bit XXH3 hash of each file. Throws
// Error when a file cannot be read.
std::string Fingerprint(const std::filesystem::path& folder,
                        const FingerprintOptions& options = {});

// 64-bit FNV-1a hash of everything added, in order.
class Digest {
 public:
  void Add(std::string_view bytes);
  // Adds the bytes of the elements, in row-major order.
  void Add(const at::Tensor& tensor);
  // The hash as 16 hexadecimal digits.
  std::string Text() const;

 private:
  uint64_t hash_ = 0xcbf29ce484222325ULL;
};

// The Digest of one text or of one tensor, as 16 hexadecimal digits.
std::string FingerprintText(std::string_view text);
std::string FingerprintTensor(const at::Tensor& tensor);

}  // namespace mambascope
