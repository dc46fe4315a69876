#include "mambascope/report/knockout_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>

#include "mambascope/report/decompose_report.h"
#include "mambascope/report/heat_map.h"
#include "mambascope/report/label.h"
#include "mambascope/report/page.h"
#include "mambascope/report/palette.h"
#include "mambascope/report/result_page.h"

namespace mambascope {
namespace {

constexpr size_t kSampleFacts = 4;  // whose heat maps a page shows
constexpr size_t kRelations = kCurveColours.size();

std::vector<std::string> PlaceLabels(const KnockoutResult& result) {
  std::vector<std::string> labels;
  for (int x : result.x) labels.push_back(std::to_string(x));
  return labels;
}

bool IsAround(const KnockoutResult& result) { return result.options.value("compat", "") == "romba"; }

std::string PlaceTitle(const KnockoutResult& result) {
  return IsAround(result) ? "layer the window lies around" : "first layer of the window";
}

// " (fast)"; empty where everything is cut.
std::string GroupText(const KnockoutResult& result, size_t group) {
  const std::string& channels = result.channels.at(group);
  return channels == "all" ? "" : fmt::format(" ({})", channels);
}

std::string WhatIsDone(const KnockoutResult& result, const Flow& flow) {
  if (flow.to.empty()) return "mean ablation of conv_in";
  return fmt::format("knockout to {}{}", flow.to, GroupText(result, flow.group));
}

std::string Capital(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

enum class Measure { kChange, kAccuracy };

// An empty chart of one measure.
LineChart ChartOf(Measure measure, const std::string& what, const std::string& name) {
  const bool change = measure == Measure::kChange;
  return {.name = fmt::format("knockout_{}_{}", change ? "change" : "accuracy", name),
          .title = Capital(what) + (change ? "" : ": accuracy"),
          .y_title = change ? "change of p(answer) (%)" : "accuracy (%)",
          .references = {{change ? "base run" : "all facts", change ? 0.0 : 100.0}},
          .domain = change ? std::nullopt : std::optional(std::pair(0.0, 105.0))};
}

Curve CurveOf(Measure measure, const KnockoutAverage& average, const std::string& name) {
  const bool change = measure == Measure::kChange;
  const std::vector<double>& values = change ? average.change : average.accuracy;
  Curve curve{.name = name, .values = {values.begin(), values.end()}};
  if (change) curve.band = average.ci95;
  return curve;
}

std::string KeyOf(const KnockoutResult& result, const Flow& flow) {
  return flow.to.empty() ? "mean" : fmt::format("{}_{}", flow.to, result.channels.at(flow.group));
}

// Curves that are shown together: sources that are severed alike, or where there are several groups of channels, the groups.
struct Panel {
  std::string title, name;
  std::vector<size_t> flows = {};
  std::vector<std::string> labels = {};
};

std::vector<Panel> PanelsOf(const KnockoutResult& result) {
  const bool by_group = result.channels.size() > 1;
  std::vector<Panel> panels;
  for (size_t f = 0; f < result.flows.size(); ++f) {
    const Flow& flow = result.flows[f];
    Panel panel{WhatIsDone(result, flow), KeyOf(result, flow)};
    if (by_group) panel = {fmt::format("knockout from {} to {}, by channels", flow.from, flow.to), flow.from + "_" + flow.to};
    auto found = std::find_if(panels.begin(), panels.end(), [&](const Panel& other) { return other.name == panel.name; });
    if (found == panels.end()) found = panels.insert(panels.end(), panel);
    found->flows.push_back(f);
    found->labels.push_back(by_group ? result.channels[flow.group] : flow.from);
  }
  return panels;
}

double Between(const std::vector<double>& values, double place) {
  const auto below = static_cast<size_t>(place);
  if (below + 1 >= values.size()) return values.back();
  return std::lerp(values[below], values[below + 1], place - static_cast<double>(below));
}

// `average` at `count` places of the same depths.
KnockoutAverage Stretch(const KnockoutAverage& average, size_t count) {
  std::vector<double> low, high;
  for (const auto& interval : average.ci95) {
    if (!interval) continue;
    low.push_back(interval->first);
    high.push_back(interval->second);
  }
  KnockoutAverage stretched{.change = {}, .ci95 = {}, .accuracy = {}, .with_sources = average.with_sources};
  for (size_t i = 0; i < count; ++i) {
    const double share = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0;
    const double place = share * static_cast<double>(average.change.size() - 1);
    stretched.change.push_back(Between(average.change, place));
    stretched.accuracy.push_back(Between(average.accuracy, place));
    stretched.ci95.push_back(low.empty() ? std::nullopt : std::optional(std::pair(Between(low, place), Between(high, place))));
  }
  return stretched;
}

// "context in 3 of 5 facts, ..": of flows that some facts lack.
std::string LackingLine(const KnockoutResult& result) {
  std::string line;
  for (size_t f = 0; f < result.flows.size(); ++f) {
    const int64_t with = Average(result.facts, f).with_sources;
    if (with == static_cast<int64_t>(result.facts.size())) continue;
    line += fmt::format("{}{} in {} of {} facts", line.empty() ? "" : ", ", FlowName(result, result.flows[f]), with, result.facts.size());
  }
  return line;
}

// What is done in a window, and what a curve shows of it.
std::string Caption(const KnockoutResult& result, bool several) {
  std::string where = fmt::format("In {}", result.window == 1 ? "one layer (x)" : fmt::format("{} layers", result.window));
  if (result.window > 1) where += IsAround(result) ? " around x" : " from x on";
  if (several) where = "In a window of layers, of each model's own length";
  const std::string through = result.mode == "cut-conv" ? "the mixer, its convolution included" : "the recurrence or the attention";
  const std::string done = result.mode == "mean" ? "the sources' states before the convolution (conv_in) are the layer's mean"
                                                 : fmt::format("the targets read nothing of the sources through {}", through);
  std::string caption = fmt::format(
      "{}, {}. A curve is the mean over facts of 100 (p - p_base) / p_base, with p of the base run's answer at the last token; bands are "
      "95% "
      "confidence intervals. Below 0: what was severed carried the answer.",
      where, done);
  const auto& flows = result.flows;
  if (std::any_of(flows.begin(), flows.end(), [](const Flow& flow) { return flow.from == "relation" || flow.to == "relation"; }))
    caption += " relation is all but the subject, the last token included.";
  if (several) caption += " x goes from the first window to the last.";
  const std::string lacking = LackingLine(result);
  return lacking.empty() ? caption
                         : fmt::format("{} Facts with nothing to sever count as no change; there is something of {}.", caption, lacking);
}

double LargestDifference(const KnockedFact& fact) {
  double largest = 0;
  for (const auto& row : fact.heatmap) {
    for (const AnswerCell& cell : row) largest = std::max(largest, std::abs(cell.p - fact.base.p));
  }
  return largest;
}

// Heat maps of the first facts, on one scale.
void AppendHeatMaps(const KnockoutResult& result, bool several, std::vector<Figure>& figures) {
  const size_t count = std::min(result.facts.size(), kSampleFacts);
  double scale = 0;
  for (size_t i = 0; i < count; ++i) scale = std::max(scale, LargestDifference(result.facts[i]));
  scale = std::max(0.1, std::ceil(scale * 10) / 10);
  for (size_t i = 0; i < count && !result.facts[i].heatmap.empty(); ++i) {
    const KnockedFact& fact = result.facts[i];
    figures.push_back(
        {.heading = fmt::format("Token by token{}: {}", several ? " in " + result.name : "", fact.prompt.text),
         .caption = fmt::format("p(answer) - p_base with {}{} (row) in the window (column). Red: less probable. The scale is "
                                "that of all facts on this page. Stars mark the subject's tokens.",
                                result.mode == "mean" ? "one token's conv_in ablated" : "the last token cut off from one token",
                                GroupText(result, 0)),
         .spec = HeatMap(KnockoutHeatMap(result, fact, scale))});
  }
}

// The first curve of each relation, of the relations with the most facts.
std::optional<LineChart> RelationChart(const KnockoutResult& result) {
  auto relations = ByRelation(result);
  if (relations.size() < 2) return std::nullopt;
  std::stable_sort(relations.begin(), relations.end(), [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  if (relations.size() > kRelations) relations.resize(kRelations);
  const Flow& flow = result.flows[0];
  LineChart chart = ChartOf(Measure::kChange, fmt::format("{} from {}, by relation", WhatIsDone(result, flow), flow.from), "relations");
  chart.subtitle = fmt::format("{}; in brackets: facts", result.name);
  chart.x_title = PlaceTitle(result);
  chart.x = PlaceLabels(result);
  for (const auto& [name, facts] : relations) {
    const std::string label = fmt::format("{} ({})", name.empty() ? "(no name)" : name, facts.size());
    chart.curves.push_back(CurveOf(Measure::kChange, Average(facts, 0), label));
    chart.curves.back().band.clear();  // of a few facts each
  }
  return chart;
}

std::vector<std::pair<std::string, std::string>> SummaryOf(const KnockoutResult& result) {
  std::vector<std::pair<std::string, std::string>> summary = {{"model", result.options.value("model", "")}};
  if (result.facts.size() == 1) {
    const KnockedFact& fact = result.facts[0];
    summary.insert(summary.end(), {{"prompt", fact.prompt.text},
                                   {"answer", fmt::format("{} (token {})", VisibleText(fact.answer), fact.answer_id)},
                                   {"p(answer)", fmt::format("{:.4g} in the base run", fact.base.p)}});
  }
  if (!result.relations.empty()) summary.push_back({"relations", RelationsLine(result.relations)});
  summary.push_back({"options", OptionsLine(result.options)});
  return summary;
}

// Of several models: what they share, once.
std::vector<std::pair<std::string, std::string>> SummaryOf(const std::vector<KnockoutResult>& results) {
  if (results.size() == 1) return SummaryOf(results[0]);
  std::string models;
  for (const KnockoutResult& result : results)
    models += fmt::format("{}{} ({})", models.empty() ? "" : ", ", result.options.value("model", ""), WindowText(result));
  std::vector<std::pair<std::string, std::string>> summary = SummaryOf(results[0]);
  summary[0] = {"models", models};
  Json shared = results[0].options;
  for (const char* own : {"model", "fingerprint", "tokenizer_fingerprint", "window"}) shared.erase(own);
  summary.back().second = OptionsLine(shared);
  return summary;
}

}  // namespace

std::string CountText(size_t facts) { return facts == 1 ? "one fact" : fmt::format("{} facts", facts); }

std::vector<size_t> TonesOf(const std::vector<std::string>& sets) {
  static const std::map<std::string, size_t> kUsual = {{"first", 0}, {"last", 1}, {"subject", 2}, {"context", 3}, {"relation", 7}};
  std::set<size_t> taken;
  for (const std::string& set : sets) {
    if (kUsual.contains(set)) taken.insert(kUsual.at(set));
  }
  std::vector<size_t> tones;
  size_t next = 0;
  for (const std::string& set : sets) {
    if (kUsual.contains(set)) {
      tones.push_back(kUsual.at(set));
      continue;
    }
    while (next < kCurveColours.size() && taken.contains(next)) ++next;
    tones.push_back(next++);
  }
  return tones;
}

std::vector<LineChart> KnockoutCharts(const KnockoutResult& result) {
  std::vector<LineChart> charts;
  for (const Panel& panel : PanelsOf(result)) {
    for (const Measure measure : {Measure::kChange, Measure::kAccuracy}) {
      LineChart chart = ChartOf(measure, panel.title, panel.name);
      chart.subtitle = fmt::format("{}, {}, {}", result.name, CountText(result.facts.size()), WindowText(result));
      if (measure == Measure::kChange && result.facts.size() > 1) chart.subtitle += "; bands: 95% confidence intervals";
      chart.x_title = PlaceTitle(result);
      chart.x = PlaceLabels(result);
      for (size_t i = 0; i < panel.flows.size(); ++i) {
        chart.curves.push_back(CurveOf(measure, Average(result.facts, panel.flows[i]), panel.labels[i]));
        if (result.channels.size() <= 1) chart.curves.back().tone = TonesOf(panel.labels)[i];
      }
      charts.push_back(std::move(chart));
    }
  }
  return charts;
}

std::vector<LineChart> DepthCharts(const std::vector<KnockoutResult>& results) {
  size_t count = 0;
  for (const KnockoutResult& result : results) count = std::max(count, result.x.size());
  std::vector<LineChart> charts;
  for (size_t f = 0; f < results.at(0).flows.size(); ++f) {
    const Flow& flow = results[0].flows[f];
    for (const Measure measure : {Measure::kChange, Measure::kAccuracy}) {
      LineChart chart = ChartOf(measure, fmt::format("{} from {}", WhatIsDone(results[0], flow), flow.from),
                                fmt::format("{}_{}", flow.from, KeyOf(results[0], flow)));
      chart.subtitle = fmt::format("{}, the same for all models", CountText(results[0].facts.size()));
      chart.x_title = "depth of the window (%)";
      for (size_t i = 0; i < count; ++i)
        chart.x.push_back(fmt::format("{:.0f}", count > 1 ? 100.0 * static_cast<double>(i) / static_cast<double>(count - 1) : 0.0));
      for (const KnockoutResult& result : results)
        chart.curves.push_back(
            CurveOf(measure, Stretch(Average(result.facts, f), count), fmt::format("{} (w = {})", result.name, result.window)));
      charts.push_back(std::move(chart));
    }
  }
  return charts;
}

Grid KnockoutHeatMap(const KnockoutResult& result, const KnockedFact& fact, double scale) {
  Grid grid{.name = "knockout_tokens",
            .title = fmt::format("{}{}: '{}'", result.mode == "mean" ? "Mean ablation" : "Knockout to the last token", GroupText(result, 0),
                                 VisibleText(fact.answer)),
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
      if (std::abs(difference) > largest) grid.picked_row = static_cast<int>(grid.values.size()) - 1;
      largest = std::max(largest, std::abs(difference));
    }
  }
  for (int64_t t = fact.prompt.subject_span.begin; t < fact.prompt.subject_span.end; ++t) grid.marked_rows.push_back(static_cast<int>(t));
  return grid;
}

std::string FlowName(const KnockoutResult& result, const Flow& flow) {
  const auto& flows = result.flows;
  const bool one_target = std::all_of(flows.begin(), flows.end(), [&](const Flow& other) { return other.to == flow.to; });
  return fmt::format("{}{}{}", flow.from, one_target ? "" : " -> " + flow.to,
                     result.channels.size() > 1 ? fmt::format(" ({})", result.channels.at(flow.group)) : "");
}

std::string WindowText(const KnockoutResult& result) {
  return fmt::format("windows of {} {}", result.window, result.window == 1 ? "layer" : "layers");
}

std::string KnockoutPage(const std::vector<KnockoutResult>& results) {
  PageInfo info{.title = results[0].mode == "mean" ? "Mean ablation by layer" : "Information-flow knockout", .summary = SummaryOf(results)};
  std::vector<Figure> figures;
  const bool several = results.size() > 1;
  for (const LineChart& chart : several ? DepthCharts(results) : KnockoutCharts(results[0])) {
    const bool change = chart.references[0].value == 0;
    const std::string caption = figures.empty() ? Caption(results[0], several) : "As above.";
    figures.push_back({.heading = chart.title,
                       .caption = change ? caption : "Facts whose answer stays the most probable token.",
                       .spec = LineChartSpec(chart)});
  }
  for (const KnockoutResult& result : results) {
    if (const auto chart = several ? std::nullopt : RelationChart(result))
      figures.push_back({.heading = chart->title,
                         .caption = fmt::format("The {} relations with the most facts; each fact's change as above.", chart->curves.size()),
                         .spec = LineChartSpec(*chart)});
    if (result.facts[0].parts) figures.push_back(CarriedFigure(result));
    AppendHeatMaps(result, several, figures);
  }
  return HtmlPage(info, figures);
}

}  // namespace mambascope
