// What the pages of all experiments say alike: which facts, and what made them.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/facts/fact_pair.h"

namespace mambascope {

// "river_continent 12 of 130 facts, ..": relations and their facts chosen.
std::string RelationsLine(const std::vector<RelationCount>& relations);

// "command=trace, model=demo, ..".
std::string OptionsLine(const Json& options);

}  // namespace mambascope
