#include "mambascope/checkpoint/file.h"

#include <fmt/format.h>
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

// A temporary name in the folder of `path` that no other process uses.
fs::path Beside(const fs::path& path) { return path.string() + fmt::format(".{}.part", getpid()); }

[[noreturn]] void ThrowUnwritable(const fs::path& path, int error) {
  throw Error(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(error)),
              "choose another place for the output");
}

// Returns the file that a write to `path` replaces: links are followed, and only a regular file or
// a new one is accepted. Without this, the rename would replace a link or device by a file.
fs::path Target(const fs::path& path) {
  std::error_code error;
  fs::path target = fs::weakly_canonical(fs::absolute(path, error), error);
  if (error) ThrowUnwritable(path, error.value());
  const fs::file_status status = fs::status(target, error);
  if (fs::exists(status) && !fs::is_regular_file(status))
    throw Error(fmt::format("{}: not a regular file", path.string()),
                "choose another place for the output");
  return target;
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

std::string ReadFile(const fs::path& path) {
  std::error_code unreadable;  // an error shows when the file is opened below
  if (fs::is_directory(path, unreadable))
    throw Error(fmt::format("{}: is a folder; expected a file", path.string()));
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno)));
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void ReplaceFile(const fs::path& given, const std::function<void(const fs::path&)>& make) {
  const fs::path path = Target(given);
  const fs::path part = Beside(path);
  const auto whole = HoldFiles();
  try {
    make(part);
    fs::rename(part, path);
  } catch (const fs::filesystem_error& e) {
    std::error_code ignored;
    fs::remove(part, ignored);
    ThrowUnwritable(path, e.code().value());
  } catch (...) {
    std::error_code ignored;
    fs::remove(part, ignored);
    throw;
  }
}

void WriteFile(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  ReplaceFile(path, [&](const fs::path& part) {
    std::ofstream out(part, std::ios::binary);
    if (!out) ThrowUnwritable(path, errno);
    write(out);
    out.close();
    if (!out) ThrowUnwritable(path, errno);
  });
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
  const fs::path probe = Beside(folder / "probe");
  if (!std::ofstream(probe)) ThrowUnwritable(folder, errno);
  fs::remove(probe, error);
}

void PrepareFile(const fs::path& path) {
  std::error_code error;
  if (!path.has_filename() || fs::is_directory(path, error)) ThrowUnwritable(path, EISDIR);
  PrepareFolder(Target(path).parent_path());
}

}  // namespace mambascope
