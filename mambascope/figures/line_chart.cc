#include "mambascope/figures/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "mambascope/error.h"
#include "mambascope/figures/figure.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/palette.h"
#include "mambascope/figures/values.h"
#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

constexpr int kWidth = 600, kHeight = 300;  // pixels
constexpr int kLineHeight = 15;             // pixels of a label
constexpr int kPointsFrom =
    24;  // pixels between places from which every value has a point on its line

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
    fail(fmt::format("{} values, expected {}", curve.values.size(), chart.x.size()));
  if (!curve.band.empty() && curve.band.size() != chart.x.size())
    fail(fmt::format("a band of {} intervals, expected {} or none", curve.band.size(),
                     chart.x.size()));
  if (std::any_of(curve.band.begin(), curve.band.end(), IsBackward))
    fail("an interval of its band has its low end above its high end");
  if (!curve.colour.empty() && !IsColour(curve.colour))
    fail(fmt::format("the colour \"{}\", expected #rrggbb", curve.colour));
}

void CheckShape(const LineChart& chart) {
  auto fail = [&](const std::string& what) {
    throw Error(fmt::format("line chart {}: {}", chart.name, what));
  };
  if (chart.x.empty() || chart.curves.empty()) fail("it has no points");
  if (chart.domain && !(chart.domain->first < chart.domain->second))
    fail("the y axis's first end is not less than its second");
  std::set<std::string> names = {chart.x_title};  // the tooltip has a line for each
  for (const Curve& curve : chart.curves) {
    CheckCurve(chart, curve);
    if (!names.insert(curve.name).second)
      fail(fmt::format("\"{}\" names two curves, or a curve and the x axis", curve.name));
  }
}

// The interval at `x`, if there is one and it has a value to belong to.
std::optional<std::pair<double, double>> Interval(const Curve& curve, size_t x) {
  if (curve.band.empty() || !curve.band[x] || !HasValue(curve.values[x])) return std::nullopt;
  const auto [low, high] = *curve.band[x];
  return HasValue(low) && HasValue(high) ? curve.band[x] : std::nullopt;
}

Json Points(const LineChart& chart) {
  Json points = Json::array();
  for (size_t c = 0; c < chart.curves.size(); ++c)
    for (size_t x = 0; x < chart.x.size(); ++x) {
      if (chart.missing == LineChart::Missing::kBridge && !HasValue(chart.curves[c].values[x]))
        continue;
      Json point = {{"curve", c}, {"x", x}, {"value", ValueJson(chart.curves[c].values[x])}};
      if (const auto interval = Interval(chart.curves[c], x))
        point.update({{"low", interval->first}, {"high", interval->second}});
      points.push_back(std::move(point));
    }
  return points;
}

// Of the curve that has the most.
int MostValues(const LineChart& chart) {
  int64_t most = 1;
  for (const Curve& curve : chart.curves)
    most =
        std::max<int64_t>(most, std::count_if(curve.values.begin(), curve.values.end(), HasValue));
  return static_cast<int>(most);
}

// The ends of the y axis: the chart's domain, else the range of values, bands and references.
std::pair<double, double> ValueDomain(const LineChart& chart) {
  if (chart.domain) return *chart.domain;
  std::vector<double> numbers;
  for (const Curve& curve : chart.curves)
    for (size_t x = 0; x < chart.x.size(); ++x) {
      if (HasValue(curve.values[x])) numbers.push_back(*curve.values[x]);
      if (const auto interval = Interval(curve, x))
        numbers.insert(numbers.end(), {interval->first, interval->second});
    }
  for (const Reference& reference : chart.references) numbers.push_back(reference.value);
  return FindRange(numbers);
}

// Those on the y axis, from the highest to the lowest.
std::vector<Reference> ReferencesWithin(std::pair<double, double> domain,
                                        std::vector<Reference> references) {
  std::erase_if(references, [&](const Reference& r) {
    return !(r.value >= domain.first && r.value <= domain.second);
  });
  std::stable_sort(references.begin(), references.end(),
                   [](const Reference& a, const Reference& b) { return a.value > b.value; });
  return references;
}

// The labels of references, on the right. Those that would overlap are the lines of one label, in
// the middle of them.
struct ReferenceTicks {
  std::vector<double> values;  // where the first line is
  std::vector<std::vector<std::string>> labels;
};

// `line`: the height of a line of text, as a difference of values.
ReferenceTicks PlaceReferences(const std::vector<Reference>& references, double line) {
  ReferenceTicks ticks;
  double highest = 0, bottom = INFINITY;  // of the last label: the value it begins with, and the
                                          // middle of the first line that fits below
  for (const auto& [label, value] : references) {
    if (value <= bottom) {
      highest = value;
      ticks.values.emplace_back();
      ticks.labels.emplace_back();
    }
    ticks.labels.back().push_back(VisibleText(label));
    const double middle = std::midpoint(highest, value),
                 lines = static_cast<double>(ticks.labels.back().size());
    ticks.values.back() = middle + (lines - 1) / 2 * line;
    bottom = middle - (lines + 1) / 2 * line;
  }
  return ticks;
}

std::vector<std::string> CurveLabels(const LineChart& chart) {
  std::vector<std::string> labels;
  for (const Curve& curve : chart.curves) labels.push_back(VisibleText(curve.name));
  return labels;
}

Json Numbers(size_t count) {
  Json numbers = Json::array();
  for (size_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

Json Colours(const LineChart& chart) {
  Json colours = Json::array();
  for (size_t c = 0; c < chart.curves.size(); ++c) {
    const std::string& own = chart.curves[c].colour;
    const CurveColour& given =
        kCurveColours[chart.curves[c].tone.value_or(c) % kCurveColours.size()];
    colours.push_back(own.empty() ? Json{{"expr", ByMode(given.on_white, given.on_black)}}
                                  : Json(own));
  }
  return colours;
}

// The value of each curve, from the columns that the template's pivot makes: they are named by the
// curve's number.
Json Tooltip(const LineChart& chart, const std::vector<std::string>& curve_labels) {
  Json fields = {{{"field", "x_label"}, {"title", chart.x_title}}};
  for (size_t c = 0; c < curve_labels.size(); ++c)
    fields.push_back({{"field", std::to_string(c)}, {"title", curve_labels[c]}});
  return fields;
}

}  // namespace

Json LineChartSpec(const LineChart& chart) {
  CheckShape(chart);
  const int step_width = std::max(kWidth / static_cast<int>(chart.x.size()), 1);
  const std::vector<std::string> x_labels = VisibleTexts(chart.x),
                                 curve_labels = CurveLabels(chart);
  const auto domain = ValueDomain(chart);
  const std::vector<Reference> references = ReferencesWithin(domain, chart.references);
  const ReferenceTicks ticks =
      PlaceReferences(references, (domain.second - domain.first) * kLineHeight / kHeight);
  return FigureSpec(
      {.name = chart.name,
       .title = chart.title,
       .subtitle = chart.subtitle,
       .description = fmt::format("Line chart: {} by {}", chart.y_title, chart.x_title),
       .width = kWidth},
      web::LineChart(),
      {{"x_labels", x_labels},
       {"curve_labels", curve_labels},
       {"has_few", kWidth / MostValues(chart) >= kPointsFrom},
       {"references", ReferencesJson(references)},
       {"reference_ticks", ticks.values},
       {"reference_labels", ticks.labels},
       {"points", Points(chart)},
       {"width", kWidth},
       {"height", kHeight},
       {"x", PlacePosition("x", chart.x_title, x_labels, step_width)},
       {"y_title", WrapText(VisibleText(chart.y_title), kHeight / 7)},
       {"domain", {domain.first, domain.second}},
       {"nice", !chart.domain},
       {"curves", Numbers(chart.curves.size())},
       {"colours", Colours(chart)},
       {"tooltip", Tooltip(chart, curve_labels)}});
}

}  // namespace mambascope
