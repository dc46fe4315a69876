// Results as they come: one JSON document per line, each on disk before the next fact is begun, so that an interrupted run goes on where it
// stopped.
#pragma once

#include <filesystem>
#include <fstream>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

class ResultLines {
 public:
  // Opens `file`, or makes it. `made_by` is all that the numbers depend on; each line carries a digest of it. An unfinished last line,
  // which an interruption leaves, is dropped. Throws Error when the file cannot be written, or has lines that something else made.
  ResultLines(const std::filesystem::path& file, const Json& made_by);

  // The lines that were there already.
  const std::vector<Json>& earlier() const { return earlier_; }
  // Writes one line, an object.
  void Append(Json line);

 private:
  std::filesystem::path file_;
  std::string digest_;
  std::vector<Json> earlier_;
  std::ofstream stream_;
};

}  // namespace mambascope
