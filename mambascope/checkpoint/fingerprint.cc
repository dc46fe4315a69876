#include "mambascope/checkpoint/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/mapping.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// All bytes of a small file, or the first bytes of every page of a large one.
void AddFile(const fs::path& file, Digest& digest) {
  constexpr size_t kSmall = 64 << 20, kPage = 4096, kSample = 64;
  const Mapping bytes(file);
  digest.Add(fmt::format("{} {}\n", file.filename().string(), bytes.size()));
  const std::string_view all(bytes.data(), bytes.size());
  if (all.size() <= kSmall) return digest.Add(all);
  for (size_t at = 0; at < all.size(); at += kPage) digest.Add(all.substr(at, kSample));
}

}  // namespace

void Digest::Add(std::string_view bytes) {
  for (const char c : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
}

void Digest::Add(const at::Tensor& tensor) {
  const at::Tensor rows = tensor.cpu().contiguous();
  Add({static_cast<const char*>(rows.data_ptr()), rows.nbytes()});
}

std::string Digest::Text() const { return fmt::format("{:016x}", hash_); }

std::string Fingerprint(const fs::path& folder) try {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if ((extension == ".safetensors" || extension == ".bin") && entry.is_regular_file())
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Digest digest;
  digest.Add(ReadFile(folder / "config.json"));
  for (const fs::path& file : files) AddFile(file, digest);
  return digest.Text();
} catch (const fs::filesystem_error& e) {
  throw Error(fmt::format("{}: cannot be read: {}", e.path1().string(), e.code().message()));
}

std::string FingerprintText(std::string_view text) {
  Digest digest;
  digest.Add(text);
  return digest.Text();
}

std::string FingerprintTensor(const at::Tensor& tensor) {
  Digest digest;
  digest.Add(tensor);
  return digest.Text();
}

}  // namespace mambascope
