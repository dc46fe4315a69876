#include "mambascope/jobs/result_store.h"

#include <fmt/format.h>

#include <iterator>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr const char *kDigest = "made_by", *kKey = "item";

}  // namespace

ResultStore::ResultStore(const fs::path& file, const Json& identity, OtherRuns other,
                         StoreListener listener)
    : file_(file), digest_(FingerprintText(DumpJson(identity))), listener_(std::move(listener)) {
  PrepareFile(file);
  try {
    if (fs::exists(file)) ReadLines();
  } catch (const Error&) {
    if (other == OtherRuns::kRefuse) throw;
    lines_.clear();
    last_ = 0;
    WriteFile(file, "");
  }
  OpenStream();
  if (listener_.has_lines && size() > 0) listener_.has_lines();
}

void ResultStore::OpenStream() {
  stream_ = std::ofstream(file_, std::ios::app | std::ios::binary);
  if (!stream_) throw Error(fmt::format("{}: cannot be written", file_.string()));
}

void ResultStore::ReadLines() {
  const std::string text = ReadFile(file_);
  const size_t end = text.rfind('\n') + 1;  // npos + 1 is 0
  if (end < text.size() && text[end] != '{')
    throw Error(fmt::format("{}: holds no results", file_.string()), kOtherOutput);
  std::map<size_t, std::string> damaged;  // by line, the reason
  for (size_t begin = 0; begin < end; begin = text.find('\n', begin) + 1) {
    ++last_;
    const std::string name = fmt::format("{}: line {}", file_.string(), last_);
    Json line;
    try {
      line = ParseJson(std::string_view(text).substr(begin, text.find('\n', begin) - begin), name);
    } catch (const Error&) {
      damaged[last_] = "it is not JSON";
      continue;
    }
    const bool is_ours = line.is_object() && line.contains(kKey) && line[kKey].is_string();
    if (!is_ours || !line.contains(kDigest) || line[kDigest] != digest_)
      throw Error(name + " was made with other options, or another model or version", kOtherOutput);
    if (!AllFinite(line)) damaged[last_] = "it has a number that is not finite";
    else lines_[line[kKey]] = {line, last_};
  }
  if (lines_.empty() && !damaged.empty())
    throw Error(fmt::format("{}: holds no results: line {} is damaged: {}", file_.string(),
                            damaged.begin()->first, damaged.begin()->second),
                kOtherOutput);
  std::error_code error;
  if (end < text.size()) fs::resize_file(file_, end, error);
  if (error) throw Error(fmt::format("{}: cannot be written: {}", file_.string(), error.message()));
  std::set<size_t> numbers;
  for (const auto& [number, why] : damaged) {
    SayDropped(number, why);
    numbers.insert(number);
  }
  RemoveLines(numbers);
}

void ResultStore::SayDropped(size_t number, const std::string& why) const {
  if (listener_.dropped)
    listener_.dropped(fmt::format("{}: line {} is damaged: {}. Its result is computed again",
                                  file_.string(), number, why));
}

void ResultStore::RemoveLines(const std::set<size_t>& numbers) {
  if (numbers.empty()) return;
  const std::string text = ReadFile(file_);
  std::string kept;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin) + 1;
    if (!numbers.contains(++number)) kept += text.substr(begin, end - begin);
    begin = end;
  }
  WriteFile(file_, kept);
  for (auto& [key, line] : lines_)
    line.number -=
        static_cast<size_t>(std::distance(numbers.begin(), numbers.lower_bound(line.number)));
  last_ -= numbers.size();
}

const Json* ResultStore::Find(const std::string& key) const {
  const auto found = lines_.find(key);
  return found == lines_.end() ? nullptr : &found->second.result;
}

void ResultStore::DropResult(const std::string& key, const std::string& why) {
  const size_t number = lines_.at(key).number;
  SayDropped(number, why);
  lines_.erase(key);
  stream_.close();
  RemoveLines({number});
  OpenStream();
}

void ResultStore::Append(const std::string& key, Json line) {
  line[kKey] = key;
  line[kDigest] = digest_;
  const auto whole = HoldFiles();
  stream_ << DumpJson(line) + "\n" << std::flush;
  if (!stream_)
    throw Error(fmt::format("{}: cannot be written", file_.string()), "is the disk full?");
  lines_[key] = {std::move(line), ++last_};
  if (listener_.has_lines) listener_.has_lines();
}

}  // namespace mambascope
