// Charts, pages and the terminal describe knockouts in the same words, and give token sets the same
// colours.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/knockout/knockout_result.h"

namespace mambascope {

// "subject", "subject -> last" or "subject -> last (heads 0-3)": the parts that tell the result's
// curves apart.
std::string FlowName(const KnockoutResult& result, const Flow& flow);

// " (fast)"; empty if all channels are cut.
std::string GroupText(const KnockoutResult& result, size_t group);

// "windows of 2 layers"
std::string WindowText(const KnockoutResult& result);

// "12 facts of relations", or the prompt of the only fact.
std::string KnockoutData(const KnockoutResult& result);

// The tones of curves of token sets. Published figures draw first in blue, last in orange, subject
// in green, context in red and relation in purple. Other sets get the tones that are left.
std::vector<size_t> ChooseTones(const std::vector<std::string>& sets);

}  // namespace mambascope
