#include "mambascope/experiments/knockout/knockout_average.h"

#include "mambascope/experiments/facts/token_sets.h"
#include "mambascope/experiments/statistics.h"

namespace mambascope {

KnockoutAverage AverageKnockouts(const std::vector<KnockedFact>& facts, size_t flow) {
  KnockoutAverage average;
  for (const KnockedFact& fact : facts) average.with_sources += fact.sources[flow] > 0 ? 1 : 0;
  for (size_t w = 0; w < facts.at(0).cells[flow].size(); ++w) {
    std::vector<double> change, is_top;
    for (const KnockedFact& fact : facts) {
      const AnswerCell& cell = fact.cells[flow][w];
      change.push_back(100 * (cell.p - fact.base.p) / fact.base.p);
      is_top.push_back(cell.is_top ? 100 : 0);
    }
    average.change.push_back(Mean(change));
    average.ci95.push_back(Interval95(change));
    average.accuracy.push_back(Mean(is_top));
  }
  return average;
}

CarriedAverage AverageCarried(const std::vector<KnockedFact>& facts, const std::string& set) {
  std::vector<std::vector<double>> carried(facts.at(0).parts->by_token.size());  // [layer][fact]
  for (const KnockedFact& fact : facts) {
    const std::vector<int64_t> tokens = ResolveTokens(set, fact.prompt);
    for (size_t l = 0; l < carried.size(); ++l) {
      carried[l].push_back(0);
      for (int64_t token : tokens)
        carried[l].back() += fact.parts->by_token[l][static_cast<size_t>(token)];
    }
  }
  CarriedAverage average;
  for (const std::vector<double>& of_facts : carried) {
    average.logit.push_back(Mean(of_facts));
    average.ci95.push_back(Interval95(of_facts));
  }
  return average;
}

}  // namespace mambascope
