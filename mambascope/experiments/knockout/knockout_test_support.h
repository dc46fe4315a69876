// Hand-made knockout results for tests that read and draw them.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/knockout/knockout_result.h"

namespace mambascope {

// Returns `result` with the summary of its facts as they are now.
inline KnockoutResult WithSummary(KnockoutResult result) {
  result.summary = SummarizeKnockouts(result);
  return result;
}

inline KnockedFact MakeKnockedFact(const std::string& relation, double base,
                                   const std::vector<std::vector<AnswerCell>>& cells) {
  return {.relation = relation,
          .prompt = {.text = "Rome is in",
                     .ids = {1, 2, 3},
                     .tokens = {"Rome", " is", " in"},
                     .subject = "Rome",
                     .subject_span = {0, 1}},
          .answer_id = 7,
          .answer = " Italy",
          .base = {base, true},
          .cells = cells,
          .sources = std::vector<int64_t>(cells.size(), 1)};
}

// Makes a result of 2 facts and `windows` windows. For the first source p falls from 0.5 to 0.25 in
// even steps. The second source changes nothing.
inline KnockoutResult MakeKnockouts(const std::string& name, int windows) {
  KnockoutResult result{.options = {{"model", name}, {"compat", "none"}},
                        .name = name,
                        .mode = "cut",
                        .lengths = {{3, {}}},
                        .flows = {{"subject", "last", 0}, {"all", "last", 0}},
                        .channels = {"all"},
                        .mixers = {"all"},
                        .facts = {},
                        .relations = {}};
  std::vector<std::vector<AnswerCell>> cells(2);
  for (int w = 0; w < windows; ++w) {
    result.lengths[0].x.push_back(w);
    cells[0].push_back({0.5 - 0.25 * w / (windows - 1), w % 2 == 0});
    cells[1].push_back({0.5, true});
  }
  result.facts = {MakeKnockedFact("", 0.5, cells), MakeKnockedFact("", 0.5, cells)};
  return result;
}

}  // namespace mambascope
