#include "mambascope/figures/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "mambascope/figures/data_table.h"
#include "mambascope/figures/figure.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/line_parts.h"
#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

constexpr int kWidth = 600, kHeight = 300;  // pixels
constexpr int kLineHeight = 15;             // pixels of a label

// The references that lie on the y axis, from the highest to the lowest.
std::vector<Reference> ReferencesWithin(std::pair<double, double> domain,
                                        std::vector<Reference> references) {
  std::erase_if(references, [&](const Reference& r) {
    return !(r.value >= domain.first && r.value <= domain.second);
  });
  std::stable_sort(references.begin(), references.end(),
                   [](const Reference& a, const Reference& b) { return a.value > b.value; });
  return references;
}

// The labels of references stand on the right. Labels that would overlap become the lines of one
// label, which stands in the middle of their values.
struct ReferenceTicks {
  std::vector<double> values;  // the height of each label's first line
  std::vector<std::vector<std::string>> labels;
};

// `line` is the height of a line of text, as a difference of values.
ReferenceTicks PlaceReferences(const std::vector<Reference>& references, double line) {
  ReferenceTicks ticks;
  // The last label begins with the value `highest`. The first line that fits below it has its
  // middle at `bottom`.
  double highest = 0, bottom = INFINITY;
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

}  // namespace

Json LineChartSpec(const LineChart& chart) {
  CheckChart(chart);
  const PlaceAxis axis = MakePlaceAxis(chart, kWidth);
  const std::vector<std::string> curve_labels = CurveLabels(chart);
  const auto domain = ValueRange(chart);
  const std::vector<Reference> references = ReferencesWithin(domain, chart.references);
  const ReferenceTicks ticks =
      PlaceReferences(references, (domain.second - domain.first) * kLineHeight / kHeight);
  DataTable table{.keys = {chart.x_title, "curve"}, .value = chart.y_title};
  AppendRows(chart, {}, table);
  return WithTable(
      FigureSpec({.name = chart.name,
                  .title = chart.title,
                  .subtitle = SubtitleWithBands(chart.subtitle, chart),
                  .description = fmt::format("Line chart: {} by {}", chart.y_title, chart.x_title),
                  .width = kWidth},
                 web::LineChart(),
                 {{"x_labels", VisibleTexts(chart.x)},
                  {"tick_values", axis.ticks},
                  {"tick_labels", axis.tick_labels},
                  {"curve_labels", curve_labels},
                  {"legend_labels", LegendLabels(curve_labels)},
                  {"has_few", HasRoomForPoints(chart, kWidth)},
                  {"references", ReferencesJson(references)},
                  {"reference_ticks", ticks.values},
                  {"reference_labels", ticks.labels},
                  {"points", CurvePoints(chart, axis)},
                  {"width", kWidth},
                  {"height", kHeight},
                  {"x", axis.encoding},
                  {"x_title", chart.x_title},
                  {"y_title", WrapText(VisibleText(chart.y_title), kHeight / 7)},
                  {"domain", {domain.first, domain.second}},
                  {"nice", !chart.domain},
                  {"curves", Numbers(chart.curves.size())},
                  {"colours", CurveColours(chart)},
                  {"tooltip", CurveTooltip(chart.x_title, curve_labels)}}),
      table);
}

}  // namespace mambascope
