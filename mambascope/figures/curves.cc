#include "mambascope/figures/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "mambascope/error.h"
#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

bool IsColour(const std::string& text) {
  return text.size() == 7 && text[0] == '#' &&
         text.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string::npos;
}

bool IsBackward(const std::optional<std::pair<double, double>>& interval) {
  return interval && interval->first > interval->second;
}

void CheckCurve(const LineChart& chart, const Curve& curve) {
  auto fail = [&](const std::string& what) {
    throw Error(fmt::format("line chart {}, curve \"{}\": {}", chart.name, curve.name, what));
  };
  if (curve.values.size() != chart.x.size())
    fail(fmt::format("the number of values is {}; expected {}", curve.values.size(),
                     chart.x.size()));
  if (!curve.band.empty() && curve.band.size() != chart.x.size())
    fail(fmt::format("the number of intervals in its band is {}; expected {} or 0",
                     curve.band.size(), chart.x.size()));
  if (std::any_of(curve.band.begin(), curve.band.end(), IsBackward))
    fail("an interval of its band has a low end above its high end");
  if (!curve.colour.empty() && !IsColour(curve.colour))
    fail(fmt::format("its colour is \"{}\"; expected #rrggbb", curve.colour));
}

void CheckPositions(const LineChart& chart) {
  auto fail = [&](const std::string& what) {
    throw Error(fmt::format("line chart {}: {}", chart.name, what));
  };
  if (!chart.at.empty() && chart.at.size() != chart.x.size())
    fail(fmt::format("the number of positions is {}; expected {} or 0", chart.at.size(),
                     chart.x.size()));
  const auto no_step = [](double a, double b) { return !(a < b); };
  if (std::adjacent_find(chart.at.begin(), chart.at.end(), no_step) != chart.at.end())
    fail("its positions do not ascend");
  if (chart.x_scale == LineChart::XScale::kLog && (chart.at.empty() || !(chart.at[0] > 0)))
    fail("a logarithmic axis needs positive positions");
}

// The finite numbers of values, bands and references.
std::vector<double> FiniteNumbers(const LineChart& chart) {
  std::vector<double> numbers;
  for (const Curve& curve : chart.curves)
    for (size_t x = 0; x < chart.x.size(); ++x) {
      if (HasValue(curve.values[x])) numbers.push_back(*curve.values[x]);
      if (const auto interval = IntervalAt(curve, x))
        numbers.insert(numbers.end(), {interval->first, interval->second});
    }
  for (const Reference& reference : chart.references)
    if (HasValue(reference.value)) numbers.push_back(reference.value);
  return numbers;
}

}  // namespace

std::optional<std::pair<double, double>> IntervalAt(const Curve& curve, size_t x) {
  if (curve.band.empty() || !curve.band[x] || !HasValue(curve.values[x])) return std::nullopt;
  const auto [low, high] = *curve.band[x];
  return HasValue(low) && HasValue(high) ? curve.band[x] : std::nullopt;
}

void CheckChart(const LineChart& chart) {
  auto fail = [&](const std::string& what) {
    throw Error(fmt::format("line chart {}: {}", chart.name, what));
  };
  if (chart.x.empty() || chart.curves.empty()) fail("it has no points");
  if (chart.domain && !(chart.domain->first < chart.domain->second))
    fail("the y axis's first end is not less than its second");
  CheckPositions(chart);
  std::set<std::string> names = {chart.x_title};  // the tooltip has a line for each
  for (const Curve& curve : chart.curves) {
    CheckCurve(chart, curve);
    if (!names.insert(curve.name).second)
      fail(fmt::format("\"{}\" is the name of two curves, or of a curve and the x axis",
                       curve.name));
  }
}

bool HasBands(const LineChart& chart) {
  for (const Curve& curve : chart.curves)
    for (size_t x = 0; x < curve.band.size(); ++x)
      if (IntervalAt(curve, x)) return true;
  return false;
}

std::pair<double, double> ValueRange(const LineChart& chart) {
  return chart.domain ? *chart.domain : FindRange(FiniteNumbers(chart));
}

void ShareValueRange(std::vector<LineChart>& charts, std::pair<double, double> least) {
  auto [low, high] = least;
  for (const LineChart& chart : charts) {
    std::vector<double> numbers = FiniteNumbers(chart);
    if (chart.domain) numbers = {chart.domain->first, chart.domain->second};
    for (const double number : numbers) {
      low = std::min(low, number);
      high = std::max(high, number);
    }
  }
  const double step = RoundStep(high - low);
  const auto round = [&](double end, double (*outwards)(double)) {
    const double steps = end / step;  // an end that is round already stays
    return std::abs(steps - std::round(steps)) < 1e-9 ? end : outwards(steps) * step;
  };
  const std::pair<double, double> range = {round(low, std::floor), round(high, std::ceil)};
  for (LineChart& chart : charts) chart.domain = range;
}

}  // namespace mambascope
