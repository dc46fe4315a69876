// The page of the command `knockout` has its charts, with how to read them.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/knockout/knockout_result.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// REQUIRES: the results have facts, and the same flows.
Page KnockoutPage(const std::vector<KnockoutResult>& results);

}  // namespace mambascope
