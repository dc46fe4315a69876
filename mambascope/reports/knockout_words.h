// What charts, pages and the terminal say of knockouts alike, and the colours of token sets.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/knockout/knockout_result.h"

namespace mambascope {

// "subject", "subject -> last", "subject -> last (heads 0-3)": as much as tells the curves of the
// result apart.
std::string FlowName(const KnockoutResult& result, const Flow& flow);

// " (fast)"; empty where everything is cut.
std::string GroupText(const KnockoutResult& result, size_t group);

// "one fact", "12 facts"
std::string CountText(size_t facts);

// "windows of 2 layers"
std::string WindowText(const KnockoutResult& result);

// The tones of curves of token sets: the field's colours: first blue, last orange, subject green,
// context red, relation purple; other sets take those that are left.
std::vector<size_t> ChooseTones(const std::vector<std::string>& sets);

}  // namespace mambascope
