#include "mambascope/checkpoint/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// Whether `name` is that of a part of `file`: FILE.1.part.
bool IsPartOf(const std::string& file, std::string_view name) {
  constexpr std::string_view kPart = ".part";
  if (!name.starts_with(file + ".") || !name.ends_with(kPart)) return false;
  name.remove_prefix(file.size() + 1);
  if (name.size() <= kPart.size()) return false;
  name.remove_suffix(kPart.size());
  return name.find_first_not_of("0123456789") == name.npos;
}

// Removes the parts of `path` whose lock is free: the system releases it when a process ends.
void RemoveDeadParts(const fs::path& path) try {
  const fs::path folder = fs::absolute(path).parent_path();
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!IsPartOf(path.filename().string(), entry.path().filename().string())) continue;
    const int file = open(entry.path().c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) continue;
    if (flock(file, LOCK_EX | LOCK_NB) == 0) unlink(entry.path().c_str());
    close(file);
  }
} catch (const fs::filesystem_error&) {  // whoever writes there says why it cannot
}

// An empty file beside `path`, which becomes `path` when its bytes are written. No other process
// has the same one. Errors name `named`.
class Part {
 public:
  Part(const fs::path& path, const fs::path& named) : path_(path), named_(named) {
    RemoveDeadParts(path);
    for (int n = 1; !Make(n); ++n) {
    }
  }
  ~Part() {
    if (!is_whole_) unlink(name_.c_str());
    close(file_);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  const fs::path& name() const { return name_; }
  void Finish() {
    // A disk may say only now that it is full. Some file systems cannot be asked.
    if (fsync(file_) != 0 && errno != EINVAL && errno != ENOTSUP) ThrowUnwritable(named_, errno);
    if (rename(name_.c_str(), path_.c_str()) != 0) ThrowUnwritable(named_, errno);
    is_whole_ = true;
  }

 private:
  // Returns false where another process has the part of this number.
  bool Make(int n) {
    name_ = fmt::format("{}.{}.part", path_.string(), n);
    file_ = open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0 && errno == EEXIST) return false;
    if (file_ < 0) ThrowUnwritable(named_, errno);
    (void)flock(file_, LOCK_EX);  // without locks, no process removes the parts of others
    struct stat info = {};
    if (fstat(file_, &info) != 0 || info.st_nlink > 0) return true;
    close(file_);  // another process took it for a dead one's before it was locked
    return false;
  }

  const fs::path path_, named_;
  fs::path name_;
  int file_ = -1;
  bool is_whole_ = false;
};

// Throws Error unless `path` is a regular file, a link to one, or nothing. Without this, the rename
// would replace a device by a file.
void RequireReplaceable(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::none) ThrowUnwritable(path, error.value());
  if (fs::exists(status) && !fs::is_regular_file(status))
    throw Error(fmt::format("{}: not a regular file", path.string()),
                "choose another place for the output");
}

}  // namespace

std::vector<std::string> FileNames(const fs::path& folder) try {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.') && entry.is_regular_file()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
} catch (const fs::filesystem_error& e) {
  throw Error(fmt::format("{}: cannot be read: {}", e.path1().string(), e.code().message()));
}

void RequireFile(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status))
    throw Error(fmt::format("{}: cannot be read: {}", path.string(), error.message()));
  if (fs::is_directory(status))
    throw Error(fmt::format("{}: is a folder; expected a file", path.string()));
  if (!fs::is_regular_file(status))
    throw Error(fmt::format("{}: is a pipe, a device or a socket; expected a file", path.string()),
                "write its contents to a file first");
}

std::string ReadFile(const fs::path& path) {
  RequireFile(path);
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno)));
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void ThrowUnwritable(const fs::path& path, int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw Error(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(error)),
              is_full ? "make room, then give the same command again: complete results are kept"
                      : "choose another place for the output");
}

void WriteFile(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  RequireReplaceable(path);
  const auto whole = HoldFiles();
  Part part(path, path);
  std::ofstream out(part.name(), std::ios::binary);
  if (!out) ThrowUnwritable(path, errno);
  write(out);
  out.close();
  if (!out) ThrowUnwritable(path, errno);
  part.Finish();
}

void WriteFile(const fs::path& path, std::string_view bytes) {
  WriteFile(path, [&](std::ostream& out) { out << bytes; });
}

std::unique_lock<std::recursive_mutex> HoldFiles() {
  static std::recursive_mutex writing;
  return std::unique_lock(writing);
}

void PrepareFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) ThrowUnwritable(folder, error.value());
  const auto whole = HoldFiles();
  const Part probe(folder / "probe", folder);
}

void PrepareFile(const fs::path& path) {
  std::error_code error;
  if (!path.has_filename() || fs::is_directory(path, error)) ThrowUnwritable(path, EISDIR);
  RequireReplaceable(path);
  PrepareFolder(fs::absolute(path).parent_path());
  const auto whole = HoldFiles();
  const Part part(path, path);
}

}  // namespace mambascope
