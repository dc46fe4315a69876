// Knockouts as lines for a terminal.
#pragma once

#include <string>

#include "mambascope/experiments/knockout/knockout_result.h"

namespace mambascope {

// What each curve does at most, and the loss of p(answer) as rows of a heat map.
std::string KnockoutText(const KnockoutResult& result);

}  // namespace mambascope
