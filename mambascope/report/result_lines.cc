#include "mambascope/report/result_lines.h"

#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDigest = "made_by";

// 64 bits of FNV-1a.
std::string DigestOf(const Json& json) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace))
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return fmt::format("{:016x}", hash);
}

}  // namespace

ResultLines::ResultLines(const fs::path& file, const Json& made_by) : file_(file), digest_(DigestOf(made_by)) {
  PrepareFile(file);
  if (fs::exists(file)) {
    const std::string text = ReadFile(file);
    const size_t end = text.rfind('\n') + 1;  // npos + 1 is 0
    for (size_t begin = 0, number = 1; begin < end; begin = text.find('\n', begin) + 1, ++number) {
      Json line = ParseJson(std::string_view(text).substr(begin, text.find('\n', begin) - begin),
                            fmt::format("{}: line {}", file.string(), number));
      if (!line.is_object() || line.value(kDigest, "") != digest_) {
        throw Error(fmt::format("{}: line {} was made with other options, or another model or version", file.string(), number),
                    "name another folder with --out, or delete that file");
      }
      earlier_.push_back(std::move(line));
    }
    fs::resize_file(file, end);
  }
  stream_.open(file, std::ios::app | std::ios::binary);
}

void ResultLines::Append(Json line) {
  line[kDigest] = digest_;
  stream_ << line.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n' << std::flush;
  if (!stream_) throw Error(fmt::format("{}: cannot be written", file_.string()), "is the disk full?");
}

}  // namespace mambascope
