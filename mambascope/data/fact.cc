#include "mambascope/data/fact.h"

#include <set>

namespace mambascope {
namespace {

// Collects facts that are new.
class Distinct {
 public:
  void Add(Fact fact) {
    if (seen_.insert(fact).second) facts_.push_back(std::move(fact));
  }
  std::vector<Fact> Take() { return std::move(facts_); }

 private:
  std::set<Fact> seen_;
  std::vector<Fact> facts_;
};

}  // namespace

std::vector<Fact> FactsOf(const std::vector<Relation>& relations) {
  Distinct facts;
  for (const Relation& relation : relations) {
    for (const Sample& sample : relation.samples)
      facts.Add({relation.name, relation.prompt_templates.front(), sample.subject, sample.object});
  }
  return facts.Take();
}

std::vector<Fact> FactsOf(const std::vector<CounterFactRecord>& records) {
  Distinct facts;
  for (const CounterFactRecord& record : records) facts.Add({record.relation, record.pattern, record.subject, record.target_true});
  return facts.Take();
}

}  // namespace mambascope
