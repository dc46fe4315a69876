// Knockouts averaged over facts (Endy et al. 2025, section 3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/experiments/knockout/knockout.h"

namespace mambascope {

// Of one flow, over facts, in percent.
struct KnockoutAverage {
  std::vector<double> change;                                  // [window]
  std::vector<std::optional<std::pair<double, double>>> ci95;  // of change
  std::vector<double> accuracy;  // [window], facts whose answer stays the most probable token
  int64_t with_sources = 0;  // facts in which something is severed; the others count as no change
};
// REQUIRES: !facts.empty()
KnockoutAverage AverageKnockouts(const std::vector<KnockedFact>& facts, size_t flow);

// What the values of a token set add to the answer's logit at the last token, through each layer's
// mixer.
struct CarriedAverage {
  std::vector<double> logit;  // [layer], the mean over facts
  std::vector<std::optional<std::pair<double, double>>> ci95;
};
// REQUIRES: !facts.empty(), and each has parts
CarriedAverage AverageCarried(const std::vector<KnockedFact>& facts, const std::string& set);

}  // namespace mambascope
