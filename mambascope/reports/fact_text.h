// The facts of a result in words, for a terminal.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/facts/traced_fact.h"

namespace mambascope {

// One fact, and how probable its answer is in its prompts.
std::string FactText(const TracedFact& fact);

// How many facts there are, and how they were chosen; empty for a fact given alone.
std::string FactsText(size_t facts, const std::vector<RelationCount>& relations);

}  // namespace mambascope
