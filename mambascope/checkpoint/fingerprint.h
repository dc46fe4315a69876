// Which checkpoint made a result, and other short names for long bytes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace mambascope {

// The name of a checkpoint, 16 hexadecimal digits. They are 64 bits of FNV-1a over config.json and
// parts of every weight file in the folder: its size, the first and last 64 KiB, and 64 KiB every
// 16 MiB in between. The name tells checkpoints apart in a moment; it does not prove them equal.
// Throws Error for what cannot be read.
std::string Fingerprint(const std::filesystem::path& folder);

// The same hash of what is added to it, in order.
class Digest {
 public:
  void Add(std::string_view bytes);
  // The bytes of the elements, row by row.
  void Add(const at::Tensor& tensor);
  // 16 hexadecimal digits.
  std::string Text() const;

 private:
  uint64_t hash_ = 0xcbf29ce484222325ULL;
};

// Of a text alone, and of a tensor alone.
std::string FingerprintText(std::string_view text);
std::string FingerprintTensor(const at::Tensor& tensor);

}  // namespace mambascope
