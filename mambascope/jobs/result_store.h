// Stores results on disk as they are made, one JSON document per line, so that an interrupted run
// can continue where it stopped.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "mambascope/checkpoint/json.h"
#include "mambascope/jobs/earlier_result.h"

namespace mambascope {

class ResultStore {
 public:
  // Opens or makes `file`. `identity` holds everything that the numbers depend on (RunDescription),
  // and each line carries its digest. Drops an unfinished last line, which an interruption can
  // leave. Throws Error when the file cannot be written, and when it has lines of a run with
  // another identity; with kReplace it drops all lines then. `has_lines` is called whenever the
  // store has lines: an interrupted run can continue from now on.
  ResultStore(const std::filesystem::path& file, const Json& identity,
              OtherRuns other = OtherRuns::kRefuse, std::function<void()> has_lines = {});

  // Number of lines in the store.
  size_t size() const { return lines_.size(); }
  // The result of the item with this key; null if there is none.
  const Json* Find(const std::string& key) const;
  // Reads the result of the item with this key. Throws Error when its line lacks a field of
  // `Result`.
  template <typename Result>
  std::optional<Result> Read(const std::string& key) const {
    const Json* line = Find(key);
    if (line == nullptr) return std::nullopt;
    try {
      return line->get<Result>();
    } catch (const Json::exception& e) {
      RefuseLine(key, e.what());
    }
  }
  // Writes a result, which must be a JSON object.
  void Append(const std::string& key, Json line);

 private:
  void ReadLines();
  [[noreturn]] void RefuseLine(const std::string& key, const std::string& why) const;

  std::filesystem::path file_;
  std::string digest_;
  std::map<std::string, Json> lines_;  // by key
  std::ofstream stream_;
  std::function<void()> has_lines_;
};

}  // namespace mambascope
