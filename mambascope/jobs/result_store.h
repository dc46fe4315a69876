// Results as they come: one JSON document per line, each on disk before the next item is begun. An
// interrupted run goes on where it stopped.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

class ResultStore {
 public:
  // Opens `file`, or makes it. `identity` is all that the numbers depend on (RunDescription). Each
  // line carries a digest of it. An unfinished last line, which an interruption leaves, is dropped.
  // Throws Error when the file cannot be written, or has lines that another run made.
  ResultStore(const std::filesystem::path& file, const Json& identity);

  // Lines that are there.
  size_t size() const { return lines_.size(); }
  // The result of the item with this key; null where there is none.
  const Json* Find(const std::string& key) const;
  // The same as a `Result`, read by from_json. Throws Error when the line lacks what a result has.
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
  // Writes a result, an object.
  void Append(const std::string& key, Json line);

 private:
  [[noreturn]] void RefuseLine(const std::string& key, const std::string& why) const;

  std::filesystem::path file_;
  std::string digest_;
  std::map<std::string, Json> lines_;  // by key
  std::ofstream stream_;
};

}  // namespace mambascope
