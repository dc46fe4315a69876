#include "mambascope/jobs/result_store.h"

#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr const char *kDigest = "made_by", *kKey = "item";

}  // namespace

ResultStore::ResultStore(const fs::path& file, const Json& identity, OtherRuns other,
                         std::function<void()> has_lines)
    : file_(file), digest_(FingerprintText(DumpJson(identity))), has_lines_(std::move(has_lines)) {
  PrepareFile(file);
  try {
    if (fs::exists(file)) ReadLines();
  } catch (const Error&) {
    if (other == OtherRuns::kRefuse) throw;
    lines_.clear();
    WriteFile(file, "");
  }
  stream_.open(file, std::ios::app | std::ios::binary);
  if (!stream_) throw Error(fmt::format("{}: cannot be written", file.string()));
  if (has_lines_ && size() > 0) has_lines_();
}

void ResultStore::ReadLines() {
  const std::string text = ReadFile(file_);
  const size_t end = text.rfind('\n') + 1;  // npos + 1 is 0
  if (end < text.size() && text[end] != '{')
    throw Error(fmt::format("{}: holds no results", file_.string()), kOtherOutput);
  for (size_t begin = 0, number = 1; begin < end; begin = text.find('\n', begin) + 1, ++number) {
    Json line = ParseJson(std::string_view(text).substr(begin, text.find('\n', begin) - begin),
                          fmt::format("{}: line {}", file_.string(), number));
    const bool is_ours = line.is_object() && line.contains(kKey) && line[kKey].is_string();
    if (!is_ours || !line.contains(kDigest) || line[kDigest] != digest_) {
      throw Error(
          fmt::format("{}: line {} was made with other options, or another model or version",
                      file_.string(), number),
          kOtherOutput);
    }
    const std::string key = line[kKey];
    lines_[key] = std::move(line);
  }
  std::error_code error;
  if (end < text.size()) fs::resize_file(file_, end, error);
  if (error) throw Error(fmt::format("{}: cannot be written: {}", file_.string(), error.message()));
}

const Json* ResultStore::Find(const std::string& key) const {
  const auto found = lines_.find(key);
  return found == lines_.end() ? nullptr : &found->second;
}

void ResultStore::RefuseLine(const std::string& key, const std::string& why) const {
  throw Error(fmt::format("{}: the line of item {} is not a result: {}", file_.string(), key, why),
              kOtherOutput);
}

void ResultStore::Append(const std::string& key, Json line) {
  line[kKey] = key;
  line[kDigest] = digest_;
  const auto whole = HoldFiles();
  stream_ << DumpJson(line) + "\n" << std::flush;
  if (!stream_)
    throw Error(fmt::format("{}: cannot be written", file_.string()), "is the disk full?");
  lines_[key] = std::move(line);
  if (has_lines_) has_lines_();
}

}  // namespace mambascope
