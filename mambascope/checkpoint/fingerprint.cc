#include "mambascope/checkpoint/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "mambascope/checkpoint/file.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

class Hash {
 public:
  void Add(std::string_view bytes) {
    for (const char c : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  std::string Text() const { return fmt::format("{:016x}", hash_); }

 private:
  uint64_t hash_ = 0xcbf29ce484222325ULL;
};

void AddSamples(const fs::path& file, Hash& hash) {
  constexpr uintmax_t kSample = 64 << 10, kStride = 16 << 20;
  const uintmax_t size = fs::file_size(file);
  hash.Add(fmt::format("{} {}\n", file.filename().string(), size));
  std::ifstream stream(file, std::ios::binary);
  std::string bytes(kSample, '\0');
  const auto add = [&](uintmax_t at) {
    stream.seekg(static_cast<std::streamoff>(at));
    stream.read(bytes.data(), static_cast<std::streamsize>(std::min(kSample, size - at)));
    if (!stream) throw Error(fmt::format("{}: cannot be read", file.string()));
    hash.Add(std::string_view(bytes).substr(0, static_cast<size_t>(stream.gcount())));
  };
  for (uintmax_t at = 0; at < size; at += kStride) add(at);
  if (size > kSample) add(size - kSample);
}

}  // namespace

std::string Fingerprint(const fs::path& folder) try {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if ((extension == ".safetensors" || extension == ".bin") && entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Hash hash;
  hash.Add(ReadFile(folder / "config.json"));
  for (const fs::path& file : files) AddSamples(file, hash);
  return hash.Text();
} catch (const fs::filesystem_error& e) {
  throw Error(fmt::format("{}: cannot be read: {}", e.path1().string(), e.code().message()));
}

std::string FingerprintOf(std::string_view text) {
  Hash hash;
  hash.Add(text);
  return hash.Text();
}

}  // namespace mambascope
