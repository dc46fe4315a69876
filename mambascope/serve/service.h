// What the server answers requests with. The command line implements it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/serve/work_queue.h"

namespace mambascope {

class Service {
 public:
  virtual ~Service() = default;
  // What the page knows at its start: models, examples and limits.
  virtual Json Session() const = 0;
  // Returns the work of a command. `words` are the command and its options, one string each. The
  // work ends with an event "result". Throws Error for words that it refuses.
  virtual Work Prepare(const std::vector<std::string>& words) = 0;
  // The file edit.safetensors of an edit. Throws Error for an edit that the server no longer has.
  virtual std::string EditFile(const std::string& id) const = 0;
  // Writes the edit's results to a folder, and returns {folder, files}.
  virtual Json SaveEdit(const std::string& id) = 0;
  virtual void DiscardEdit(const std::string& id) = 0;
  // The report of the result folders. None: the server was given no folders.
  virtual std::optional<std::string> ReportPage() const = 0;
};

}  // namespace mambascope
