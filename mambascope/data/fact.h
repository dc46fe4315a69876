// A fact consists of a subject, a relation and an object. Prompts ask for the object.
#pragma once

#include <string>
#include <vector>

#include "mambascope/data/counterfact.h"
#include "mambascope/data/relation.h"

namespace mambascope {

struct Fact {
  std::string relation;  // empty if the file names none
  std::string pattern;   // the prompt, with {} for the subject
  std::string subject;
  std::string object;
  auto operator<=>(const Fact&) const = default;
};

// Returns `facts` without repetitions, in order of first occurrence.
std::vector<Fact> Distinct(const std::vector<Fact>& facts);

// Returns the distinct facts of `relations`. The pattern is the relation's first template, as in
// published results.
std::vector<Fact> ToFacts(const std::vector<Relation>& relations);

// Returns the distinct facts of `records`. The object is the true one (target_true).
std::vector<Fact> ToFacts(const std::vector<CounterFactRecord>& records);

}  // namespace mambascope
