// The result of a command: its JSON, its page, its text and its table.
#pragma once

#include <functional>
#include <string>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/page.h"
#include "mambascope/reports/table.h"

namespace mambascope {

struct CommandResult {
  Json json;
  Page page = {};
  std::string text = {};              // for the terminal
  std::function<Table()> table = {};  // valid while the command runs
};

}  // namespace mambascope
