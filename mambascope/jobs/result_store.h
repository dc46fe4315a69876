// Stores results on disk as they are made, one JSON document per line, so that an interrupted run
// can continue where it stopped.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "mambascope/checkpoint/json.h"
#include "mambascope/jobs/earlier_result.h"

namespace mambascope {

// What a store tells.
struct StoreListener {
  // The store has lines: an interrupted run can continue from now on.
  std::function<void()> has_lines = {};
  // A sentence about a damaged line, which was dropped.
  std::function<void(const std::string&)> dropped = {};
};

class ResultStore {
 public:
  // Opens or makes `file`. `identity` holds everything that the numbers depend on (RunDescription),
  // and each line has its digest and a checksum of its own. Drops damaged lines of this run, and
  // a last line that was not finished. Throws Error when the file cannot be written, and when it
  // has lines of a run with another identity; with kReplace it drops all lines then.
  ResultStore(const std::filesystem::path& file, const Json& identity,
              OtherRuns other = OtherRuns::kRefuse, StoreListener listener = {});

  // Number of lines in the store.
  size_t size() const { return lines_.size(); }
  // The result of the item with this key; null if there is none.
  const Json* Find(const std::string& key) const;
  // Reads the result of the item with this key. Drops its line when it lacks a field of `Result`.
  template <typename Result>
  std::optional<Result> Read(const std::string& key) {
    const Json* line = Find(key);
    if (line == nullptr) return std::nullopt;
    try {
      return line->get<Result>();
    } catch (const Json::exception& e) {
      DropResult(key, e.what());
      return std::nullopt;
    }
  }
  // Writes a result, which must be a JSON object.
  void Append(const std::string& key, Json line);

 private:
  struct Line {
    Json result;
    size_t number = 0;  // in the file, from 1
  };
  void ReadLines();
  // Reads line last_. Returns what is damaged, or "". Throws Error for a line of another run.
  std::string ReadLine(std::string_view text);
  void DropResult(const std::string& key, const std::string& why);
  // Writes the file without the lines of these numbers.
  void RemoveLines(const std::set<size_t>& numbers);
  void SayDropped(size_t number, const std::string& why) const;
  void OpenStream();

  std::filesystem::path file_;
  std::string digest_;
  std::map<std::string, Line> lines_;  // by key
  size_t last_ = 0;                    // number of the file's last line
  std::ofstream stream_;
  StoreListener listener_;
};

// Returns the lines of a store's file by the keys of their items, without their ends. `keys`
// receives the keys in the order of the lines. Of several lines of an item, it takes the first. A
// last line that was not finished is left out. Throws Error, which names the line, for damage.
std::map<std::string, std::string> ReadResultLines(const std::filesystem::path& file,
                                                   std::vector<std::string>& keys);

}  // namespace mambascope
