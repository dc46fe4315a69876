#include "mambascope/memory.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

// The number that a file holds. None if there is no such file, or no number in it ("max").
std::optional<int64_t> ReadNumber(const fs::path& file) {
  std::ifstream stream(file);
  int64_t number = 0;
  return stream >> number ? std::optional(number) : std::nullopt;
}

// The number after `key` in a file of keys and numbers, a pair a line.
std::optional<int64_t> ReadNumber(const fs::path& file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string word;
    int64_t number = 0;
    if (words >> word && word == key && words >> number) return number;
  }
  return std::nullopt;
}

constexpr int64_t kKilobyte = 1024;  // the unit of /proc/meminfo

int64_t Meminfo(const fs::path& root, const std::string& key) {
  const std::optional<int64_t> kilobytes = ReadNumber(root / "proc/meminfo", key + ":");
  return kilobytes ? *kilobytes * kKilobyte : kUnlimited;
}

// The memory limit of a control group, and what of it is left.
struct GroupMemory {
  int64_t limit = kUnlimited, left = kUnlimited;
};

// The least of a group and of those that it is in. Version 1 of control groups has the first names
// of files, version 2 the second ones.
GroupMemory MemoryOfGroups(const fs::path& root) {
  GroupMemory least;
  std::ifstream stream(root / "proc/self/cgroup");
  for (std::string line; std::getline(stream, line);) {  // ID:CONTROLLERS:PATH
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool is_old = !controllers.empty();
    if (is_old && controllers != "memory") continue;
    const fs::path top = root / (is_old ? "sys/fs/cgroup/memory" : "sys/fs/cgroup");
    for (fs::path group = line.substr(second + 1);; group = group.parent_path()) {
      const fs::path folder = top / group.relative_path();
      const auto limit = ReadNumber(folder / (is_old ? "memory.limit_in_bytes" : "memory.max")),
                 used = ReadNumber(folder / (is_old ? "memory.usage_in_bytes" : "memory.current"));
      if (limit && used) {
        const int64_t cached =  // of files; the system frees it when memory is needed
            ReadNumber(folder / "memory.stat", is_old ? "total_inactive_file" : "inactive_file")
                .value_or(0);
        least.limit = std::min(least.limit, *limit);
        least.left = std::min(least.left, std::max<int64_t>(0, *limit - *used + cached));
      }
      if (group.relative_path().empty()) break;
    }
  }
  return least;
}

// What the limit of this process's addresses leaves.
int64_t AddressesLeft(const fs::path& root) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  const int64_t pages = ReadNumber(root / "proc/self/statm").value_or(0);
  return std::max<int64_t>(
      0, static_cast<int64_t>(limit.rlim_cur) - pages * int64_t{sysconf(_SC_PAGESIZE)});
}

}  // namespace

int64_t AvailableMemory(const fs::path& root) {
  return std::min({Meminfo(root, "MemAvailable"), MemoryOfGroups(root).left, AddressesLeft(root)});
}

int64_t WholeMemory(const fs::path& root) {
  return std::min(Meminfo(root, "MemTotal"), MemoryOfGroups(root).limit);
}

std::string BytesText(int64_t bytes) {
  constexpr int64_t kMega = 1 << 20, kGiga = 1 << 30;
  return bytes < kGiga ? fmt::format("{} MB", (bytes + kMega - 1) / kMega)
                       : fmt::format("{:.1f} GB", static_cast<double>(bytes) / kGiga);
}

void RequireMemory(int64_t bytes, const std::string& what, const std::string& hint) {
  constexpr int64_t kNotWorthAsking = 64 << 20;
  if (bytes < kNotWorthAsking) return;
  const int64_t available = AvailableMemory();
  if (bytes > available)
    throw Error(fmt::format("{} would take about {} of memory; {} are available", what,
                            BytesText(bytes), BytesText(available)),
                hint);
}

}  // namespace mambascope
