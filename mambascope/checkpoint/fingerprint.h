// Short hashes that identify a checkpoint, a text or a tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace mambascope {

// Returns the fingerprint of a checkpoint: 16 hexadecimal digits, a 64-bit FNV-1a hash. It covers
// config.json and every weight file in the folder. Of a file of more than 64 MiB it covers the
// first 64 bytes of every 4 KiB. So any change of a whole matrix or row changes the fingerprint,
// but a change of a few numbers may not. Throws Error when a file cannot be read.
std::string Fingerprint(const std::filesystem::path& folder);

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
