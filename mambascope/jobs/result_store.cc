#include "mambascope/jobs/result_store.h"

#include <fmt/format.h>

#include <cerrno>
#include <iterator>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr const char *kDigest = "made_by", *kCheck = "check", *kKey = "item";

// The beginning of each line of a run. It tells an unfinished line from other texts.
std::string Head(const std::string& digest) {
  return fmt::format(R"({{"{}":"{}","{}":")", kDigest, digest, kCheck);
}

// One line: the head, the digest of all else, and the result.
std::string LineText(Json line, const std::string& digest) {
  const std::string check = FingerprintText(DumpJson(line));
  line.erase(kDigest);
  return fmt::format("{}{}\",{}\n", Head(digest), check, DumpJson(line).substr(1));
}

// Whether it has the keys of a line.
bool IsLine(const Json& line) {
  const auto has = [&](const char* key) { return line.contains(key) && line[key].is_string(); };
  return line.is_object() && has(kKey) && has(kDigest) && has(kCheck);
}

// Removes the line's checksum. Returns whether it is that of the rest.
bool TakeCheck(Json& line) {
  const Json check = line[kCheck];
  line.erase(kCheck);
  return check == FingerprintText(DumpJson(line));
}

// Appending to a link, or to a file with several names, would change another folder's file.
void MakeOwnFile(const fs::path& file) {
  if (fs::is_symlink(file) || fs::hard_link_count(file) > 1) WriteFile(file, ReadFile(file));
}

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
  if (!stream_) ThrowUnwritable(file_, errno);
}

void ResultStore::ReadLines() {
  const std::string text = ReadFile(file_);
  const size_t end = text.rfind('\n') + 1;  // npos + 1 is 0
  const std::string head = Head(digest_), rest = text.substr(end, head.size());
  const bool is_own_rest = rest == head.substr(0, rest.size());
  std::map<size_t, std::string> damaged;  // by line, the reason
  for (size_t begin = 0; begin < end; begin = text.find('\n', begin) + 1) {
    ++last_;
    const size_t size = text.find('\n', begin) - begin;
    const std::string why = ReadLine(std::string_view(text).substr(begin, size));
    if (!why.empty()) damaged[last_] = why;
  }
  if (lines_.empty() && !damaged.empty())
    throw Error(fmt::format("{}: holds no results: line {} is damaged: {}", file_.string(),
                            damaged.begin()->first, damaged.begin()->second),
                kOtherOutput);
  if (lines_.empty() && !is_own_rest)
    throw Error(fmt::format("{}: holds no results", file_.string()), kOtherOutput);
  MakeOwnFile(file_);
  std::error_code error;
  if (end < text.size()) fs::resize_file(file_, end, error);
  if (error) ThrowUnwritable(file_, error.value());
  if (!is_own_rest) SayDropped(last_ + 1, "it is not JSON");
  std::set<size_t> numbers;
  for (const auto& [number, why] : damaged) {
    SayDropped(number, why);
    numbers.insert(number);
  }
  RemoveLines(numbers);
}

std::string ResultStore::ReadLine(std::string_view text) {
  const std::string name = fmt::format("{}: line {}", file_.string(), last_);
  Json line;
  try {
    line = ParseJson(text, name);
  } catch (const Error&) {
    return "it is not JSON";
  }
  const auto refuse = [&] {
    throw Error(name + " was made with other options, or another model or version", kOtherOutput);
  };
  if (!IsLine(line)) refuse();
  if (!TakeCheck(line)) return "its checksum does not match";
  if (line[kDigest] != digest_) refuse();
  lines_[line[kKey]] = {line, last_};
  return "";
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

std::map<std::string, std::string> ReadResultLines(const fs::path& file,
                                                   std::vector<std::string>& keys) {
  const std::string text = ReadFile(file);
  std::map<std::string, std::string> lines;
  size_t number = 0;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
    const std::string name = fmt::format("{}: line {}", file.string(), ++number);
    Json line;
    try {
      line = ParseJson(std::string_view(text).substr(begin, end - begin), name);
    } catch (const Error&) {  // stays null
    }
    if (!IsLine(line) || !TakeCheck(line))
      throw Error(name + " is damaged", "run the command that wrote it again");
    const std::string key = line[kKey];
    if (lines.emplace(key, text.substr(begin, end - begin)).second) keys.push_back(key);
  }
  return lines;
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
  stream_ << LineText(line, digest_) << std::flush;
  if (!stream_) ThrowUnwritable(file_, errno);
  lines_[key] = {std::move(line), ++last_};
  if (listener_.has_lines) listener_.has_lines();
}

}  // namespace mambascope
