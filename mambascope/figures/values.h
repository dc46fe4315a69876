// Numbers of which some may be missing: what counts as missing, how JSON holds them, and the range
// of the rest.
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

// The number, or null where there is none.
inline Json ValueJson(const std::optional<double>& value) {
  return HasValue(value) ? Json(*value) : Json();
}

// [low, high], or null where there is none.
inline Json ValueJson(const std::optional<std::pair<double, double>>& interval) {
  return interval ? Json({interval->first, interval->second}) : Json();
}

// The smallest and the largest of `numbers` that are finite, the first made less than the second; 0
// and 1 when there are none.
inline std::pair<double, double> FindRange(const std::vector<double>& numbers) {
  double low = INFINITY, high = -INFINITY;
  for (double number : numbers)
    if (std::isfinite(number))
      std::tie(low, high) = std::pair(std::min(low, number), std::max(high, number));
  if (low > high) return {0, 1};
  return {low, low < high ? high : low + 1};
}

}  // namespace mambascope
