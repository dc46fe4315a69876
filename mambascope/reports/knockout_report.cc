#include "mambascope/reports/knockout_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "mambascope/figures/label.h"
#include "mambascope/figures/palette.h"
#include "mambascope/reports/knockout_words.h"

namespace mambascope {
namespace {

constexpr size_t kRelations = kCurveColours.size();

std::vector<std::string> PlaceLabels(const KnockoutResult& result) {
  std::vector<std::string> labels;
  for (int x : result.x) labels.push_back(std::to_string(x));
  return labels;
}

std::string PlaceTitle(const KnockoutResult& result) {
  return result.windows == KnockoutResult::Windows::kAround ? "layer the window lies around"
                                                            : "first layer of the window";
}

std::string WhatIsDone(const KnockoutResult& result, const Flow& flow) {
  if (flow.to.empty()) return "mean ablation of conv_in";
  return fmt::format("knockout to {}{}", flow.to, GroupText(result, flow.group));
}

std::string Capital(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// An empty chart of one measure.
LineChart EmptyChart(KnockoutMeasure measure, const std::string& what, const std::string& name) {
  const bool change = measure == KnockoutMeasure::kChange;
  return {.name = fmt::format("knockout_{}_{}", change ? "change" : "accuracy", name),
          .title = Capital(what) + (change ? "" : ": accuracy"),
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

// Curves that are shown together: sources that are severed alike, or where there are several groups
// of channels, the groups.
struct Panel {
  std::string title, name;
  std::vector<size_t> flows = {};
  std::vector<std::string> labels = {};
};

std::vector<Panel> MakePanels(const KnockoutResult& result) {
  const bool by_group = result.channels.size() > 1;
  std::vector<Panel> panels;
  for (size_t f = 0; f < result.flows.size(); ++f) {
    const Flow& flow = result.flows[f];
    Panel panel{WhatIsDone(result, flow), FlowKey(result, flow)};
    if (by_group)
      panel = {fmt::format("knockout from {} to {}, by channels", flow.from, flow.to),
               flow.from + "_" + flow.to};
    auto found = std::find_if(panels.begin(), panels.end(),
                              [&](const Panel& other) { return other.name == panel.name; });
    if (found == panels.end()) found = panels.insert(panels.end(), panel);
    found->flows.push_back(f);
    found->labels.push_back(by_group ? result.channels[flow.group] : flow.from);
  }
  return panels;
}

constexpr size_t kDepths = 101;  // 0 to 100 %

// The curve's values at their windows' depths, and none between them.
Curve AtDepths(const Curve& curve) {
  Curve spread{.name = curve.name,
               .values = std::vector<std::optional<double>>(kDepths),
               .band = std::vector<std::optional<std::pair<double, double>>>(
                   curve.band.empty() ? 0 : kDepths)};
  const size_t last = std::max<size_t>(1, curve.values.size() - 1);
  for (size_t w = 0; w < curve.values.size(); ++w) {
    const size_t depth = ((kDepths - 1) * w + last / 2) / last;
    spread.values[depth] = curve.values[w];
    if (!curve.band.empty()) spread.band[depth] = curve.band[w];
  }
  return spread;
}

}  // namespace

std::vector<LineChart> KnockoutCharts(const KnockoutResult& result, KnockoutMeasure measure) {
  std::vector<LineChart> charts;
  for (const Panel& panel : MakePanels(result)) {
    LineChart chart = EmptyChart(measure, panel.title, panel.name);
    chart.subtitle =
        fmt::format("{}, {}, {}", result.name, CountText(result.facts.size()), WindowText(result));
    if (measure == KnockoutMeasure::kChange && result.facts.size() > 1)
      chart.subtitle += "; bands: 95% confidence intervals";
    chart.x_title = PlaceTitle(result);
    chart.x = PlaceLabels(result);
    const std::vector<size_t> tones = ChooseTones(panel.labels);
    for (size_t i = 0; i < panel.flows.size(); ++i) {
      chart.curves.push_back(
          MakeCurve(measure, result.summary.all.flows[panel.flows[i]], panel.labels[i]));
      if (result.channels.size() <= 1) chart.curves.back().tone = tones[i];
    }
    charts.push_back(std::move(chart));
  }
  return charts;
}

std::vector<LineChart> DepthCharts(const std::vector<KnockoutResult>& results,
                                   KnockoutMeasure measure) {
  std::vector<LineChart> charts;
  for (size_t f = 0; f < results.at(0).flows.size(); ++f) {
    const Flow& flow = results[0].flows[f];
    LineChart chart =
        EmptyChart(measure, fmt::format("{} from {}", WhatIsDone(results[0], flow), flow.from),
                   fmt::format("{}_{}", flow.from, FlowKey(results[0], flow)));
    chart.subtitle = fmt::format("{}, the same for all models", CountText(results[0].facts.size()));
    chart.x_title = "depth of the window (%), from the first to the last";
    chart.missing = LineChart::Missing::kBridge;
    for (size_t depth = 0; depth < kDepths; ++depth) chart.x.push_back(std::to_string(depth));
    for (const KnockoutResult& result : results)
      chart.curves.push_back(
          AtDepths(MakeCurve(measure, result.summary.all.flows[f],
                             fmt::format("{} (w = {})", result.name, result.window))));
    charts.push_back(std::move(chart));
  }
  return charts;
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
  chart.subtitle = fmt::format("{}; in brackets: facts", result.name);
  chart.x_title = PlaceTitle(result);
  chart.x = PlaceLabels(result);
  for (const auto& [name, facts, curves] : relations) {
    const std::string label = fmt::format("{} ({})", name.empty() ? "(no name)" : name, facts);
    chart.curves.push_back(MakeCurve(KnockoutMeasure::kChange, curves.flows[0], label));
    chart.curves.back().band.clear();  // of a few facts each
  }
  return chart;
}

Grid KnockoutHeatMap(const KnockoutResult& result, const KnockedFact& fact, double scale) {
  Grid grid{
      .name = "knockout_tokens",
      .title = fmt::format("{}{}: '{}'",
                           result.mode == "mean" ? "Mean ablation" : "Knockout to the last token",
                           GroupText(result, 0), VisibleText(fact.answer)),
      .subtitle = fmt::format("{}, p(answer) = {:.3g} in the base run", result.name, fact.base.p),
      .row_title = "token",
      .column_title = PlaceTitle(result),
      .value_title = "p(answer) - p_base",
      .rows = fact.prompt.tokens,
      .columns = PlaceLabels(result),
      .values = {},
      .scheme = "redblue",
      .domain = {{-scale, scale}}};
  double largest = 0;  // the row that holds it is picked out
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
