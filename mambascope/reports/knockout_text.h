// Knockouts become lines for a terminal.
#pragma once

#include <string>

#include "mambascope/experiments/knockout/knockout_result.h"

namespace mambascope {

// The lowest and the highest change of each curve, and the loss of p(answer) as a heat map.
std::string KnockoutText(const KnockoutResult& result);
// The facts, and a text for each model.
std::string KnockoutText(const std::vector<KnockoutResult>& results);

}  // namespace mambascope
