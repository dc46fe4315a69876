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

void AddSamples(const fs::path& file, Digest& digest) {
  constexpr uintmax_t kSample = 64 << 10, kStride = 16 << 20;
  const uintmax_t size = fs::file_size(file);
  digest.Add(fmt::format("{} {}\n", file.filename().string(), size));
  std::ifstream stream(file, std::ios::binary);
  std::string bytes(kSample, '\0');
  const auto add = [&](uintmax_t at) {
    stream.seekg(static_cast<std::streamoff>(at));
    stream.read(bytes.data(), static_cast<std::streamsize>(std::min(kSample, size - at)));
    if (!stream) throw Error(fmt::format("{}: cannot be read", file.string()));
    digest.Add(std::string_view(bytes).substr(0, static_cast<size_t>(stream.gcount())));
  };
  for (uintmax_t at = 0; at < size; at += kStride) add(at);
  if (size > kSample) add(size - kSample);
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
  for (const fs::path& file : files) AddSamples(file, digest);
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
