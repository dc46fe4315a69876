#include "mambascope/figures/line_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "mambascope/figures/figure.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

constexpr int kPointsFrom = 24;       // pixels between values from which each is drawn as a point
constexpr int kLegendLineWidth = 28;  // characters of a legend's line

// The largest number of values that a curve has.
int MostValues(const LineChart& chart) {
  int64_t most = 1;
  for (const Curve& curve : chart.curves)
    most =
        std::max<int64_t>(most, std::count_if(curve.values.begin(), curve.values.end(), HasValue));
  return static_cast<int>(most);
}

// The positions, or their logarithms for a logarithmic axis.
std::vector<double> ScaledPositions(const LineChart& chart, std::vector<double> positions) {
  if (chart.x_scale == LineChart::XScale::kLog)
    for (double& position : positions) position = std::log(position);
  return positions;
}

// The ends of the axis, a little beyond the first and the last place: half a step, but at most 6 %
// of the range for a numeric axis.
std::pair<double, double> PaddedEnds(const std::vector<double>& places, bool is_numeric) {
  const double range = places.back() - places.front();
  if (range == 0) return {places[0] - 0.5, places[0] + 0.5};
  double step = range;
  for (size_t i = 1; i < places.size(); ++i) step = std::min(step, places[i] - places[i - 1]);
  const double pad = is_numeric ? std::clamp(step / 2, 0.02 * range, 0.06 * range) : step / 2;
  return {places.front() - pad, places.back() + pad};
}

std::string PositionText(double position) { return fmt::format("{:g}", position); }

struct Tick {
  double position;
  std::string label;
};

// Every place, if labels of `label_width` leave each other room; otherwise round numbers, and the
// first place if its label is no number ("embed").
std::vector<Tick> ChooseTicks(const LineChart& chart, const std::vector<double>& positions,
                              const std::vector<double>& scaled, double pixels_per_unit,
                              int label_width) {
  std::vector<Tick> ticks;
  double nearest = INFINITY;
  for (size_t i = 0; i < positions.size(); ++i) {
    if (i > 0) nearest = std::min(nearest, (scaled[i] - scaled[i - 1]) * pixels_per_unit);
    ticks.push_back({positions[i], chart.x[i]});
  }
  if (nearest >= label_width) return ticks;
  const std::vector<Tick> places = std::move(ticks);
  ticks.clear();
  if (chart.x_scale == LineChart::XScale::kLog) {
    double last = -INFINITY;
    for (size_t i = 0; i < places.size(); ++i) {
      if ((scaled[i] - last) * pixels_per_unit < label_width) continue;
      ticks.push_back(places[i]);
      last = scaled[i];
    }
    return ticks;
  }
  if (!chart.at.empty() && places[0].label != PositionText(places[0].position))
    ticks.push_back(places[0]);
  const int step = LabelStep(pixels_per_unit, label_width);
  for (double at = std::ceil(positions[0] / step) * step; at <= positions.back(); at += step) {
    if (!ticks.empty() && (at - ticks.back().position) * pixels_per_unit < label_width) continue;
    const auto place = std::lower_bound(positions.begin(), positions.end(), at);
    const bool is_place = place != positions.end() && *place == at;
    ticks.push_back({at, is_place ? chart.x[static_cast<size_t>(place - positions.begin())]
                                  : PositionText(at)});
  }
  return ticks;
}

std::vector<double> HalfwayEdges(const LineChart& chart, const std::vector<double>& scaled,
                                 std::pair<double, double> ends) {
  std::vector<double> edges = {ends.first};
  for (size_t i = 1; i < scaled.size(); ++i)
    edges.push_back(std::midpoint(scaled[i - 1], scaled[i]));
  edges.push_back(ends.second);
  if (chart.x_scale == LineChart::XScale::kLog)
    for (double& edge : edges) edge = std::exp(edge);
  return edges;
}

}  // namespace

PlaceAxis MakePlaceAxis(const LineChart& chart, int width) {
  PlaceAxis axis{.positions = chart.at};
  for (size_t i = 0; axis.positions.size() < chart.x.size(); ++i)
    axis.positions.push_back(static_cast<double>(i));
  const std::vector<double> scaled = ScaledPositions(chart, axis.positions);
  const auto ends = PaddedEnds(scaled, !chart.at.empty());
  axis.edges = HalfwayEdges(chart, scaled, ends);
  const bool tilted = IsTilted(chart.x);
  for (const auto& [position, label] :
       ChooseTicks(chart, axis.positions, scaled, width / (ends.second - ends.first),
                   LabelWidth(chart.x, tilted))) {
    axis.ticks.push_back(position);
    axis.tick_labels.push_back(VisibleText(label));
  }
  Json shape = LabelShape(tilted);
  shape.update(
      {{"labelExpr", "tick_labels[indexof(tick_values, datum.value)]"}, {"values", axis.ticks}});
  const bool is_log = chart.x_scale == LineChart::XScale::kLog;
  axis.encoding = {{"field", "at"},
                   {"type", "quantitative"},
                   {"title", chart.x_title},
                   {"scale",
                    {{"type", is_log ? "log" : "linear"},
                     {"domain", {axis.edges.front(), axis.edges.back()}},
                     {"nice", false},
                     {"zero", false}}},
                   {"axis", shape}};
  if (is_log) axis.encoding["scale"].erase("zero");
  return axis;
}

Json CurvePoints(const LineChart& chart, const PlaceAxis& axis) {
  Json points = Json::array();
  for (size_t c = 0; c < chart.curves.size(); ++c)
    for (size_t x = 0; x < chart.x.size(); ++x) {
      const std::optional<double>& value = chart.curves[c].values[x];
      if (chart.missing == LineChart::Missing::kBridge && !HasValue(value)) continue;
      Json point = {{"curve", c},
                    {"x", x},
                    {"at", axis.positions[x]},
                    {"left", axis.edges[x]},
                    {"right", axis.edges[x + 1]},
                    {"value", ValueJson(value)}};
      if (const auto interval = IntervalAt(chart.curves[c], x))
        point.update({{"low", interval->first}, {"high", interval->second}});
      points.push_back(std::move(point));
    }
  return points;
}

bool HasRoomForPoints(const LineChart& chart, int width) {
  return width / MostValues(chart) >= kPointsFrom;
}

Json CurveColours(const LineChart& chart) {
  Json colours = Json::array();
  for (size_t c = 0; c < chart.curves.size(); ++c) {
    const std::string& own = chart.curves[c].colour;
    colours.push_back(own.empty() ? SeriesColour(chart.curves[c].tone.value_or(c)) : Json(own));
  }
  return colours;
}

std::vector<std::string> CurveLabels(const LineChart& chart) {
  std::vector<std::string> labels;
  for (const Curve& curve : chart.curves) labels.push_back(VisibleText(curve.name));
  return labels;
}

Json LegendLabels(const std::vector<std::string>& labels) {
  Json lines = Json::array();
  for (const std::string& label : labels) lines.push_back(WrapText(label, kLegendLineWidth));
  return lines;
}

Json CurveTooltip(const std::string& x_title, const std::vector<std::string>& curve_labels) {
  Json fields = Json::array({TooltipField("x_label", x_title)});
  for (size_t c = 0; c < curve_labels.size(); ++c)
    fields.push_back(TooltipField(std::to_string(c), curve_labels[c]));
  return fields;
}

void AppendRows(const LineChart& chart, const std::vector<std::string>& keys, DataTable& table) {
  for (const Curve& curve : chart.curves) {
    for (size_t x = 0; x < chart.x.size(); ++x) {
      // Where lines bridge gaps, most places have no value of their own.
      if (chart.missing == LineChart::Missing::kBridge && !HasValue(curve.values[x])) continue;
      std::vector<std::string> all = keys;
      all.insert(all.end(), {VisibleText(chart.x[x]), VisibleText(curve.name)});
      table.rows.push_back(
          {.keys = std::move(all), .value = curve.values[x], .interval = IntervalAt(curve, x)});
    }
  }
}

std::string SubtitleWithBands(const std::string& subtitle, const LineChart& chart) {
  if (!HasBands(chart)) return subtitle;
  return fmt::format("{}{}bands: {}", subtitle, subtitle.empty() ? "" : "; ", chart.band_name);
}

Json Numbers(size_t count) {
  Json numbers = Json::array();
  for (size_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

}  // namespace mambascope
