// Some numbers may be missing. These functions say which ones are, write numbers to JSON, and find
// the range of the others.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

inline bool HasValue(const std::optional<double>& value) { return value && std::isfinite(*value); }

// The number, or null for a missing one.
inline Json ValueJson(const std::optional<double>& value) {
  return HasValue(value) ? Json(*value) : Json();
}

// [low, high], or null for a missing interval.
inline Json ValueJson(const std::optional<std::pair<double, double>>& interval) {
  return interval ? Json({interval->first, interval->second}) : Json();
}

// The smallest and the largest finite number, or 0 and 1 if there are none. The first is always
// less than the second.
inline std::pair<double, double> FindRange(const std::vector<double>& numbers) {
  double low = INFINITY, high = -INFINITY;
  for (double number : numbers)
    if (std::isfinite(number))
      std::tie(low, high) = std::pair(std::min(low, number), std::max(high, number));
  if (low > high) return {0, 1};
  return {low, low < high ? high : low + 1};
}

// The distance of round numbers of which about four fit into `range`: 1, 2 or 5 times a power of
// ten. REQUIRES: range > 0.
inline double RoundStep(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 4)));
  const double ratio = range / 4 / power;  // in [1, 10)
  return power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
}

}  // namespace mambascope
