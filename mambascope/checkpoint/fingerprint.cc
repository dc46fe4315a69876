#include "mambascope/checkpoint/fingerprint.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <memory>
#include <optional>
#include <vector>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// The hash of all bytes of the file. `read` is called with the size of each part.
std::string HashFile(const fs::path& file, const std::function<void(uint64_t)>& read) {
  constexpr size_t kPart = 4 << 20;
  RequireFile(file);
  std::ifstream in(file, std::ios::binary);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::vector<char> part(kPart);
  while (in.read(part.data(), kPart), in.gcount() > 0) {
    XXH3_128bits_update(state.get(), part.data(), static_cast<size_t>(in.gcount()));
    read(static_cast<uint64_t>(in.gcount()));
  }
  if (!in.eof()) throw Error(fmt::format("{}: cannot be read", file.string()));
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

// The hashes of large files that were read earlier.
class HashCache {
 public:
  explicit HashCache(const fs::path& file) : file_(file) {
    std::error_code error;
    if (file.empty() || !fs::is_regular_file(file, error)) return;
    try {
      entries_ = ReadJson(file);
    } catch (const Error&) {  // it is made again
    }
    if (!entries_.is_object()) entries_ = Json::object();
  }

  // None where the file is not known, or has changed.
  std::optional<std::string> Find(const fs::path& file) const {
    const Json known = entries_.value(Key(file), Json());
    if (!known.is_object() || known.value("of", Json()) != Identity(file)) return std::nullopt;
    const Json hash = known.value("hash", Json());
    return hash.is_string() ? std::optional(hash.get<std::string>()) : std::nullopt;
  }
  // Remembers the hash of a file that was `before` when its reading began.
  void Add(const fs::path& file, const Json& before, const std::string& hash) {
    if (before != Identity(file) || IsYoung(file)) return;
    entries_[Key(file)] = {{"of", before}, {"hash", hash}};
    is_changed_ = true;
  }
  void Save() const {
    if (file_.empty() || !is_changed_) return;
    Json kept = Json::object();
    std::error_code error;
    for (const auto& [path, entry] : entries_.items()) {
      if (fs::exists(path, error)) kept[path] = entry;
    }
    try {
      PrepareFile(file_);
      WriteFile(file_, DumpJson(kept, 1) + "\n");
    } catch (const Error&) {  // the files are read again next time
    }
  }
  // Size, inode and times. The time of the last change of the inode cannot be set back.
  static Json Identity(const fs::path& file) {
    struct stat info {};
    if (stat(file.c_str(), &info) != 0) return {};
    return {info.st_dev,          info.st_ino,         info.st_size,        info.st_mtim.tv_sec,
            info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
  }

 private:
  static std::string Key(const fs::path& file) { return fs::canonical(file).string(); }
  // Whether it changed so lately that another change may leave its times as they are.
  static bool IsYoung(const fs::path& file) {
    struct stat info {};
    return stat(file.c_str(), &info) != 0 || info.st_ctim.tv_sec + 2 > std::time(nullptr);
  }

  const fs::path file_;
  Json entries_ = Json::object();
  bool is_changed_ = false;
};

std::vector<fs::path> WeightFiles(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if ((extension == ".safetensors" || extension == ".bin") && entry.is_regular_file())
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The hashes of the files, in order.
std::vector<std::string> HashFiles(const std::vector<fs::path>& files,
                                   const FingerprintOptions& options) {
  constexpr uint64_t kLarge = 16 << 20;  // smaller files are read in milliseconds
  HashCache cache(options.cache);
  std::vector<std::string> hashes;
  uint64_t total = 0, done = 0;
  for (const fs::path& file : files) {
    hashes.push_back(fs::file_size(file) < kLarge ? "" : cache.Find(file).value_or(""));
    if (hashes.back().empty()) total += fs::file_size(file);
  }
  for (size_t i = 0; i < files.size(); ++i) {
    if (!hashes[i].empty()) continue;
    const Json before = HashCache::Identity(files[i]);
    hashes[i] = HashFile(files[i], [&](uint64_t bytes) {
      done += bytes;
      if (options.progress) options.progress(done, total);
    });
    if (fs::file_size(files[i]) >= kLarge) cache.Add(files[i], before, hashes[i]);
  }
  cache.Save();
  return hashes;
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

std::string Fingerprint(const fs::path& folder, const FingerprintOptions& options) try {
  const std::vector<fs::path> files = WeightFiles(folder);
  const std::vector<std::string> hashes = HashFiles(files, options);
  Digest digest;
  digest.Add(ReadFile(folder / "config.json"));
  for (size_t i = 0; i < files.size(); ++i)
    digest.Add(fmt::format("{} {}\n", files[i].filename().string(), hashes[i]));
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
