// Averages knockouts over facts (Endy et al. 2025, section 3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/experiments/knockout/knockout.h"

namespace mambascope {

// Averages of one flow over facts, in percent.
struct KnockoutAverage {
  std::vector<double> change;                                  // [window]
  std::vector<std::optional<std::pair<double, double>>> ci95;  // 95 % intervals of change
  std::vector<double> accuracy;  // [window], facts whose answer stays the most probable token
  // Number of facts in which something is severed. The others count as no change.
  int64_t with_sources = 0;
};
// REQUIRES: !facts.empty()
KnockoutAverage AverageKnockouts(const std::vector<KnockedFact>& facts, size_t flow);

// The logit that the values of a token set add to the answer at the last token, through each
// layer's mixer.
struct CarriedAverage {
  std::vector<double> logit;  // [layer], the mean over facts
  std::vector<std::optional<std::pair<double, double>>> ci95;
};
// REQUIRES: !facts.empty(), and every fact has parts
CarriedAverage AverageCarried(const std::vector<KnockedFact>& facts, const std::string& set);

}  // namespace mambascope
