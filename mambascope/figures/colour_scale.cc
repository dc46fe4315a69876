#include "mambascope/figures/colour_scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/error.h"
#include "mambascope/figures/figure.h"
#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

// ColorBrewer's ramps of nine colours (colorbrewer2.org), as in matplotlib. They begin near white;
// Vega's ramps of the same names begin tinted.
constexpr Scheme kSchemes[] = {
    {"purples",
     {"#fcfbfd", "#efedf5", "#dadaeb", "#bcbddc", "#9e9ac8", "#807dba", "#6a51a3", "#54278f",
      "#3f007d"}},
    {"reds",
     {"#fff5f0", "#fee0d2", "#fcbba1", "#fc9272", "#fb6a4a", "#ef3b2c", "#cb181d", "#a50f15",
      "#67000d"}},
    {"greens",
     {"#f7fcf5", "#e5f5e0", "#c7e9c0", "#a1d99b", "#74c476", "#41ab5d", "#238b45", "#006d2c",
      "#00441b"}},
    {"blues",
     {"#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c",
      "#08306b"}},
    {"oranges",
     {"#fff5eb", "#fee6ce", "#fdd0a2", "#fdae6b", "#fd8d3c", "#f16913", "#d94801", "#a63603",
      "#7f2704"}},
    {"greys",
     {"#ffffff", "#f0f0f0", "#d9d9d9", "#bdbdbd", "#969696", "#737373", "#525252", "#252525",
      "#000000"}},
    {"redblue",
     {"#b2182b", "#d6604d", "#f4a582", "#fddbc7", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3",
      "#2166ac"},
     true},
};

// All finite values of the grid, and its references.
std::vector<double> Numbers(const Grid& grid) {
  std::vector<double> numbers;
  for (const auto& row : grid.values)
    for (const auto& value : row)
      if (HasValue(value)) numbers.push_back(*value);
  for (const Reference& reference : grid.references) numbers.push_back(reference.value);
  return numbers;
}

}  // namespace

Ramp Scheme::on_black() const {
  constexpr std::string_view kBlack = "#1c1c20";
  const auto& r = ramp;
  if (is_signed) return {r[3], r[2], r[1], r[0], kBlack, r[8], r[7], r[6], r[5]};
  return {kBlack, r[7], r[6], r[5], r[4], r[3], r[2], r[1], r[0]};
}

const Scheme& ColourScheme(const Grid& grid) {
  const auto scheme = std::find_if(std::begin(kSchemes), std::end(kSchemes),
                                   [&](const Scheme& s) { return s.name == grid.scheme; });
  if (scheme != std::end(kSchemes)) return *scheme;
  std::string names;
  for (const Scheme& known : kSchemes)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
  throw Error(fmt::format("grid {}: there is no colour scheme \"{}\"", grid.name, grid.scheme),
              "known schemes: " + names);
}

std::pair<double, double> ColourDomain(const Grid& grid) {
  if (grid.domain) return *grid.domain;
  std::vector<double> numbers = Numbers(grid);
  if (ColourScheme(grid).is_signed)
    for (size_t i = numbers.size(); i-- > 0;)
      numbers.push_back(-numbers[i]);  // so that zero is in the middle
  return FindRange(numbers);
}

std::vector<double> ColourTicks(const Grid& grid, double gap) {
  const auto [low, high] = ColourDomain(grid);
  std::vector<double> ticks;
  auto add = [&, low = low, high = high](double tick) {
    const bool crowded = std::any_of(ticks.begin(), ticks.end(),
                                     [&](double other) { return std::abs(tick - other) < gap; });
    if (tick >= low && tick <= high && !crowded) ticks.push_back(tick);
  };
  for (const Reference& reference : grid.references) add(reference.value);
  const double step = RoundStep(high - low);
  const double first = std::ceil(low / step);
  for (int i = 0; i < 10; ++i) add((first + i) * step);
  return ticks;
}

Json ColourRange(const Scheme& scheme) {
  Json colours = Json::array();
  const Ramp on_black = scheme.on_black();
  for (size_t i = 0; i < on_black.size(); ++i)
    colours.push_back({{"expr", ByMode(scheme.ramp[i], on_black[i])}});
  return colours;
}

std::vector<double> ColourSteps(double low, double high) {
  std::vector<double> steps;
  const int last = std::tuple_size_v<Ramp> - 1;
  for (int i = 0; i <= last; ++i)
    steps.push_back(std::lerp(low, high, static_cast<double>(i) / last));
  return steps;
}

}  // namespace mambascope
