// The page of the command `knockout`: its charts, with how to read them.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/knockout/knockout_result.h"

namespace mambascope {

// REQUIRES: results have facts, and the same flows.
std::string KnockoutPage(const std::vector<KnockoutResult>& results);

}  // namespace mambascope
