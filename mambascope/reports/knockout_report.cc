#include "mambascope/reports/knockout_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "mambascope/figures/label.h"
#include "mambascope/figures/palette.h"
#include "mambascope/plural.h"
#include "mambascope/reports/knockout_words.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

constexpr size_t kRelations = kCurveColours.size();

// The places of the heat map's windows.
std::vector<std::string> PlaceLabels(const KnockoutResult& result) {
  std::vector<std::string> labels;
  for (int x : result.lengths.at(0).x) labels.push_back(std::to_string(x));
  return labels;
}

std::string PlaceTitle(const KnockoutResult& result) {
  return result.windows == KnockoutResult::Windows::kAround ? "layer in the middle of the window"
                                                            : "first layer of the window";
}

std::string WhatIsDone(const KnockoutResult& result, const Flow& flow) {
  if (flow.to.empty()) return "mean ablation of conv_in";
  return fmt::format("knockout to {}{}", flow.to, GroupText(result, flow.group));
}

// The lines under a chart's title.
std::string Subtitle(const KnockoutResult& result, const std::string& windows) {
  return fmt::format("{}; {}; mode {}; {}", result.name, KnockoutData(result), result.mode,
                     windows);
}

std::string Capital(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// An empty chart of one measure.
LineChart EmptyChart(KnockoutMeasure measure, const std::string& what, const std::string& name) {
  const bool change = measure == KnockoutMeasure::kChange;
  return {.name = fmt::format("knockout_{}_{}", change ? "change" : "accuracy", name),
          .title = Capital(what) + (change ? ": change of p(answer)" : ": accuracy"),
          .band_name = "95% confidence intervals over facts",
          .y_title = change ? "change of p(answer) (%)" : "accuracy (%)",
          .references = {{change ? "base run" : "all facts", change ? 0.0 : 100.0}},
          .domain = change ? std::nullopt : std::optional(std::pair(0.0, 105.0))};
}

Curve MakeCurve(KnockoutMeasure measure, const KnockoutAverage& average, const std::string& name) {
  const bool change = measure == KnockoutMeasure::kChange;
  const std::vector<double>& values = change ? average.change : average.accuracy;
  Curve curve{.name = name, .values = {values.begin(), values.end()}};
  if (change) curve.band = average.ci95;
  return curve;
}

std::string FlowKey(const KnockoutResult& result, const Flow& flow) {
  return flow.to.empty() ? "mean" : fmt::format("{}_{}", flow.to, result.channels.at(flow.group));
}

// A panel's curves are shown together. They are the sources of one target; with several groups of
// channels, the groups of one pair of source and target; with several lengths of windows, the
// lengths of one source, target and group.
struct Panel {
  std::string title, name;
  std::vector<size_t> flows = {};
  std::vector<std::string> labels = {};
};

std::vector<Panel> MakePanels(const KnockoutResult& result) {
  const bool by_length = result.lengths.size() > 1,
             by_group = result.channels.size() > 1 && !by_length;
  std::vector<Panel> panels;
  for (size_t f = 0; f < result.flows.size(); ++f) {
    const Flow& flow = result.flows[f];
    Panel panel{WhatIsDone(result, flow), FlowKey(result, flow)};
    if (by_group)
      panel = {fmt::format("knockout from {} to {}, by {}", flow.from, flow.to,
                           IsByMixers(result) ? "kind of mixer" : "channels"),
               flow.from + "_" + flow.to};
    if (by_length)
      panel = {
          fmt::format("{} from {}, by length of the windows", WhatIsDone(result, flow), flow.from),
          fmt::format("{}_{}", flow.from, FlowKey(result, flow))};
    auto found = std::find_if(panels.begin(), panels.end(),
                              [&](const Panel& other) { return other.name == panel.name; });
    if (found == panels.end()) found = panels.insert(panels.end(), panel);
    found->flows.push_back(f);
    const int window = result.lengths.at(flow.windows).window;
    found->labels.push_back(by_length  ? "windows of " + Count(window, "layer")
                            : by_group ? GroupName(result.channels[flow.group])
                                       : flow.from);
  }
  return panels;
}

// Gives the chart the places of the result's windows.
void SetPlaces(LineChart& chart, const KnockoutResult& result) {
  SetLayers(chart, AllPlaces(result));
  chart.x_title = PlaceTitle(result);
}

// The flow's curve at the places of all windows. There is no value where its own windows have no
// place.
Curve CurveAtPlaces(KnockoutMeasure measure, const KnockoutResult& result,
                    const KnockoutCurves& curves, size_t flow, const std::string& name) {
  Curve curve = MakeCurve(measure, curves.flows.at(flow), name);
  const std::vector<int> own = result.lengths.at(result.flows[flow].windows).x;
  curve.values = AtPlaces(result, own, curve.values);
  if (!curve.band.empty()) curve.band = AtPlaces(result, own, curve.band);
  return curve;
}

// Charts of one measure have one y axis. The axis of changes reaches 10 % at least, so that small
// changes look small.
std::vector<LineChart> WithOneScale(std::vector<LineChart> charts, KnockoutMeasure measure) {
  if (measure == KnockoutMeasure::kChange) ShareValueRange(charts, {-10, 5});
  return charts;
}

}  // namespace

std::vector<LineChart> KnockoutCharts(const KnockoutResult& result, KnockoutMeasure measure) {
  std::vector<LineChart> charts;
  for (const Panel& panel : MakePanels(result)) {
    LineChart chart = EmptyChart(measure, panel.title, panel.name);
    chart.subtitle = Subtitle(result, WindowText(result));
    SetPlaces(chart, result);
    const std::vector<size_t> tones = ChooseTones(panel.labels);
    const bool by_source = result.channels.size() <= 1 && result.lengths.size() <= 1;
    for (size_t i = 0; i < panel.flows.size(); ++i) {
      chart.curves.push_back(
          CurveAtPlaces(measure, result, result.summary.all, panel.flows[i], panel.labels[i]));
      if (by_source) chart.curves.back().tone = tones[i];
    }
    charts.push_back(std::move(chart));
  }
  return WithOneScale(std::move(charts), measure);
}

LinePanels WindowPanels(const KnockoutResult& result, KnockoutMeasure measure) {
  const std::string what = result.mode == "mean" ? "Mean ablation" : "Knockout";
  LinePanels figure{
      .name = EmptyChart(measure, what, "windows").name,
      .title = EmptyChart(measure, what + ", by length of the windows", "windows").title,
      .subtitle = Subtitle(result, WindowText(result)),
      .panels = KnockoutCharts(result, measure)};
  const std::vector<Panel> panels = MakePanels(result);
  for (size_t i = 0; i < panels.size(); ++i) {
    const Flow& flow = result.flows[panels[i].flows[0]];
    figure.panels[i].title =
        fmt::format("from {}{}{}", flow.from, flow.to.empty() ? "" : " to " + flow.to,
                    GroupText(result, flow.group));
  }
  return figure;
}

std::vector<LineChart> DepthCharts(const std::vector<KnockoutResult>& results,
                                   KnockoutMeasure measure) {
  std::vector<LineChart> charts;
  for (size_t f = 0; f < results.at(0).flows.size(); ++f) {
    const Flow& flow = results[0].flows[f];
    const int first_window = results[0].lengths.at(flow.windows).window;
    const bool by_length = results[0].lengths.size() > 1;
    LineChart chart =
        EmptyChart(measure,
                   fmt::format("{} from {}{}", WhatIsDone(results[0], flow), flow.from,
                               by_length ? ", windows of " + Count(first_window, "layer") : ""),
                   fmt::format("{}_{}{}", flow.from, FlowKey(results[0], flow),
                               by_length ? fmt::format("_w{}", first_window) : ""));
    chart.subtitle = fmt::format("{}, the same for all models; mode {}; w: layers of a window",
                                 KnockoutData(results[0]), results[0].mode);
    SetDepths(chart, "depth of the window (%), from the first to the last");
    for (const KnockoutResult& result : results)
      chart.curves.push_back(AtDepths(MakeCurve(
          measure, result.summary.all.flows[f],
          fmt::format("{} (w = {})", result.name, result.lengths.at(flow.windows).window))));
    charts.push_back(std::move(chart));
  }
  return WithOneScale(std::move(charts), measure);
}

std::optional<LineChart> RelationChart(const KnockoutResult& result) {
  std::vector<RelationKnockout> relations = result.summary.relations;
  if (relations.size() < 2) return std::nullopt;
  std::stable_sort(relations.begin(), relations.end(),
                   [](const auto& a, const auto& b) { return a.facts > b.facts; });
  if (relations.size() > kRelations) relations.resize(kRelations);
  const Flow& flow = result.flows[0];
  LineChart chart = EmptyChart(
      KnockoutMeasure::kChange,
      fmt::format("{} from {}, by relation", WhatIsDone(result, flow), flow.from), "relations");
  chart.subtitle = Subtitle(result, FirstWindowText(result)) + "; in brackets: number of facts";
  SetPlaces(chart, result);
  for (const auto& [name, facts, curves] : relations) {
    const std::string label = fmt::format("{} ({})", name.empty() ? "(no name)" : name, facts);
    chart.curves.push_back(CurveAtPlaces(KnockoutMeasure::kChange, result, curves, 0, label));
    chart.curves.back().band.clear();  // a relation has too few facts for an interval
  }
  return WithOneScale({std::move(chart)}, KnockoutMeasure::kChange).front();
}

Grid KnockoutHeatMap(const KnockoutResult& result, const KnockedFact& fact, double scale) {
  Grid grid{
      .name = "knockout_tokens",
      .title = fmt::format("{}{}: change of p({})",
                           result.mode == "mean" ? "Mean ablation" : "Knockout to the last token",
                           GroupText(result, 0), VisibleText(fact.answer)),
      .subtitle = fmt::format(
          "{}; {}; mode {}; {}; p(answer) is {:.3g} in the base run; * marks the subject's tokens",
          result.name, fact.prompt.text, result.mode, FirstWindowText(result), fact.base.p),
      .row_title = "token",
      .column_title = PlaceTitle(result),
      .value_title = "p(answer) - p_base",
      .rows = fact.prompt.tokens,
      .columns = PlaceLabels(result),
      .values = {},
      .scheme = "redblue",
      .domain = {{-scale, scale}}};
  double largest = 0;  // the row that holds it is selected first
  for (const auto& row : fact.heatmap) {
    grid.values.emplace_back();
    for (const AnswerCell& cell : row) {
      const double difference = cell.p - fact.base.p;
      grid.values.back().push_back(difference);
      if (std::abs(difference) > largest)
        grid.picked_row = static_cast<int>(grid.values.size()) - 1;
      largest = std::max(largest, std::abs(difference));
    }
  }
  for (int64_t t = fact.prompt.subject_span.begin; t < fact.prompt.subject_span.end; ++t)
    grid.marked_rows.push_back(static_cast<int>(t));
  return grid;
}

}  // namespace mambascope
