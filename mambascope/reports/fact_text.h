// A terminal describes the facts of a result in these words.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/facts/traced_fact.h"

namespace mambascope {

// A fact, and how probable its answer is after the clean and the corrupted prompt.
std::string FactText(const TracedFact& fact);

// The number of facts, and how they were chosen. Empty for a fact that was given alone.
std::string FactsText(size_t facts, const std::vector<RelationCount>& relations);

}  // namespace mambascope
