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

// `facts` with each that repeats there once, where it comes first.
std::vector<Fact> Distinct(const std::vector<Fact>& facts);

// The distinct facts of relations, asked with their first template, as published results do.
std::vector<Fact> ToFacts(const std::vector<Relation>& relations);

// The distinct facts of CounterFact as the world has them (target_true).
std::vector<Fact> ToFacts(const std::vector<CounterFactRecord>& records);

}  // namespace mambascope
