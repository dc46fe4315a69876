// What a command has to tell.
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
  std::function<Table()> table = {};  // made where it is asked for
};

}  // namespace mambascope
