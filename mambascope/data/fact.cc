#include "mambascope/data/fact.h"

#include <set>

namespace mambascope {

std::vector<Fact> Distinct(const std::vector<Fact>& facts) {
  std::set<Fact> seen;
  std::vector<Fact> distinct;
  for (const Fact& fact : facts) {
    if (seen.insert(fact).second) distinct.push_back(fact);
  }
  return distinct;
}

std::vector<Fact> ToFacts(const std::vector<Relation>& relations) {
  std::vector<Fact> facts;
  for (const Relation& relation : relations) {
    for (const Sample& sample : relation.samples)
      facts.push_back(
          {relation.name, relation.prompt_templates.front(), sample.subject, sample.object});
  }
  return Distinct(facts);
}

std::vector<Fact> ToFacts(const std::vector<CounterFactRecord>& records) {
  std::vector<Fact> facts;
  for (const CounterFactRecord& record : records)
    facts.push_back({record.relation, record.pattern, record.subject, record.target_true});
  return Distinct(facts);
}

}  // namespace mambascope
