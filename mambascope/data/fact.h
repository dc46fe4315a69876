// Facts as prompts ask for them: subject, relation, object.
#pragma once

#include <string>
#include <vector>

#include "mambascope/data/counterfact.h"
#include "mambascope/data/relation.h"

namespace mambascope {

struct Fact {
  std::string relation;  // empty where the file has none
  std::string pattern;   // the prompt, with {} for the subject
  std::string subject;
  std::string object;
  auto operator<=>(const Fact&) const = default;
};

// The facts of relations, asked with their first template, as published results do; a fact that repeats is there once.
std::vector<Fact> FactsOf(const std::vector<Relation>& relations);

// The facts of CounterFact as the world has them (target_true); once each.
std::vector<Fact> FactsOf(const std::vector<CounterFactRecord>& records);

}  // namespace mambascope
