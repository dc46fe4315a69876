#include "mambascope/reports/knockout_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/figures/heat_map.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/page.h"
#include "mambascope/plural.h"
#include "mambascope/reports/decompose_report.h"
#include "mambascope/reports/knockout_report.h"
#include "mambascope/reports/knockout_words.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

constexpr size_t kSampleFacts = 4;  // facts whose heat maps a page shows

// "context in 3 of 5 facts, ..", for the flows that some facts lack.
std::string LackingLine(const KnockoutResult& result) {
  std::string line;
  for (size_t f = 0; f < result.flows.size(); ++f) {
    const int64_t with = result.summary.all.flows[f].with_sources;
    if (with == static_cast<int64_t>(result.facts.size())) continue;
    line +=
        fmt::format("{}{} in {} of {}", line.empty() ? "" : ", ", FlowName(result, result.flows[f]),
                    with, Count(result.facts.size(), "fact"));
  }
  return line;
}

// What a knockout does in a window, and how to read the curves.
std::string Caption(const KnockoutResult& result, bool several) {
  const int window = result.lengths.at(0).window;
  const bool by_length = result.lengths.size() > 1;
  std::string where = fmt::format("In {}", by_length     ? "a window of layers"
                                           : window == 1 ? "one layer (x)"
                                                         : fmt::format("{} layers", window));
  if (window > 1 || by_length)
    where += result.windows == KnockoutResult::Windows::kAround ? " around x" : " from x on";
  if (several)
    where = by_length ? "In a window of layers"
                      : "In a window of layers, whose length depends on the model";
  const std::string through = result.mode == "cut-conv" ? "the mixer, its convolution included"
                                                        : "the recurrence or the attention";
  const std::string kinds = IsByMixers(result) ? " (of one kind of mixer alone, or of all)" : "";
  const std::string done =
      result.mode == "mean"
          ? "the sources' states before the convolution (conv_in) are set to the layer's mean"
          : fmt::format("the targets read nothing from the sources through {}{}", through, kinds);
  const std::string curve =
      "100 (p - p_base) / p_base, where p is the probability of the base "
      "run's answer at the last token";
  std::string caption = fmt::format(
      "{}, {}. A curve is {}{}. Values below 0 mean that the severed flow carried the answer.",
      where, done, result.facts.size() == 1 ? "" : "the mean over facts of ", curve);
  const auto& flows = result.flows;
  if (std::any_of(flows.begin(), flows.end(), [](const Flow& flow) {
        return flow.from == "relation" || flow.to == "relation";
      }))
    caption +=
        " The set \"relation\" is all tokens but the subject's, and includes the last token.";
  if (by_length && !several) caption += " There is a curve for each length of the windows.";
  if (several) caption += " The x axis goes from the first window to the last.";
  const std::string lacking = LackingLine(result);
  if (lacking.empty()) return caption;
  return fmt::format(
      "{} A fact with nothing to sever counts as no change. There is something to sever from {}.",
      caption, lacking);
}

double LargestDifference(const KnockedFact& fact) {
  double largest = 0;
  for (const auto& row : fact.heatmap) {
    for (const AnswerCell& cell : row) largest = std::max(largest, std::abs(cell.p - fact.base.p));
  }
  return largest;
}

// Heat maps of the first facts, with one colour scale.
void AppendHeatMaps(const KnockoutResult& result, bool several, std::vector<Figure>& figures) {
  const size_t count = std::min(result.facts.size(), kSampleFacts);
  double scale = 0;
  for (size_t i = 0; i < count; ++i) scale = std::max(scale, LargestDifference(result.facts[i]));
  scale = std::max(0.1, std::ceil(scale * 10) / 10);
  const std::string done = result.mode == "mean" ? "the conv_in of one token is ablated"
                                                 : "the last token does not read one token";
  for (size_t i = 0; i < count && !result.facts[i].heatmap.empty(); ++i) {
    const KnockedFact& fact = result.facts[i];
    figures.push_back(
        {.heading = fmt::format("Token by token{}: {}", several ? " in " + result.name : "",
                                fact.prompt.text),
         .caption = fmt::format(
             "Each cell is p(answer) - p_base if {}{} (row) in the window (column). Red cells "
             "make the answer less probable.{}",
             done, GroupText(result, 0),
             count > 1 ? " The model's facts on this page share one colour scale." : ""),
         .spec = HeatMap(KnockoutHeatMap(result, fact, scale))});
  }
}

PageLines KnockoutLines(const KnockoutResult& result) {
  PageLines summary = {{"model", result.name}};
  if (result.facts.size() == 1) {
    const KnockedFact& fact = result.facts[0];
    summary.insert(
        summary.end(),
        {{"prompt", fact.prompt.text},
         {"answer", fmt::format("{} (token {})", VisibleText(fact.answer), fact.answer_id)},
         {"p(answer)", fmt::format("{:.4g} in the base run", fact.base.p)}});
  }
  if (!result.relations.empty())
    summary.push_back({"chosen facts", RelationsLine(result.relations)});
  return summary;
}

std::vector<std::string> ModelNames(const std::vector<KnockoutResult>& results) {
  std::vector<std::string> names;
  for (const KnockoutResult& result : results) names.push_back(result.name);
  return names;
}

// The title, the models, and the options. Several models share all options but a few.
PageInfo KnockoutHead(const std::vector<KnockoutResult>& results) {
  const KnockoutResult& first = results[0];
  const std::string models = JoinTexts(ModelNames(results));
  const std::string what =
      first.mode == "mean" ? "Mean ablation" : fmt::format("Knockout ({})", first.mode);
  PageInfo info{.title = fmt::format("{}: {} ({})", what, KnockoutData(first), models),
                .summary = KnockoutLines(first),
                .made_by = OptionLines(first.options)};
  if (results.size() == 1) {
    info.title =
        fmt::format("{}, {}: {} ({})", what, WindowText(first), KnockoutData(first), models);
    return info;
  }
  std::vector<std::string> windows;
  for (const KnockoutResult& result : results)
    windows.push_back(fmt::format("{} ({})", result.name, WindowText(result)));
  info.summary[0] = {"models", JoinTexts(windows)};
  std::vector<const Json*> runs;
  for (const KnockoutResult& result : results) runs.push_back(&result.options);
  info.made_by = SharedOptionLines(runs);
  return info;
}

// Several lengths of windows, and several charts: each measure is one figure of panels.
std::vector<Figure> WindowFigures(const KnockoutResult& result) {
  const LinePanels changes = WindowPanels(result, KnockoutMeasure::kChange);
  std::vector<Figure> figures = {{.heading = changes.title,
                                  .caption = Caption(result, false),
                                  .spec = LinePanelsSpec(changes)}};
  if (result.facts.size() == 1) return figures;
  const LinePanels accuracies = WindowPanels(result, KnockoutMeasure::kAccuracy);
  figures.push_back({.heading = accuracies.title,
                     .caption = "The share of facts whose answer stays the most probable token.",
                     .spec = LinePanelsSpec(accuracies)});
  return figures;
}

// The charts of both measures, and of relations if there are several. One fact has no accuracy to
// draw: it would be 0 or 100 everywhere.
std::vector<Figure> FlowFigures(const std::vector<KnockoutResult>& results) {
  const bool several = results.size() > 1;
  const auto charts = [&](KnockoutMeasure measure) {
    return several ? DepthCharts(results, measure) : KnockoutCharts(results[0], measure);
  };
  std::vector<LineChart> changes = charts(KnockoutMeasure::kChange);
  if (!several && results[0].lengths.size() > 1 && changes.size() > 1)
    return WindowFigures(results[0]);
  const std::vector<LineChart> accuracies = charts(KnockoutMeasure::kAccuracy);
  const auto by_relation = several ? std::nullopt : RelationChart(results[0]);
  if (by_relation) changes.push_back(*by_relation);
  ShareValueRange(changes, ValueRange(changes[0]));
  std::vector<Figure> figures;
  for (size_t i = 0; i < accuracies.size(); ++i) {
    figures.push_back({.heading = changes[i].title,
                       .caption = i == 0 ? Caption(results[0], several)
                                         : "The curves and the y axis are as in the first figure.",
                       .spec = LineChartSpec(changes[i])});
    if (results[0].facts.size() > 1)
      figures.push_back(
          {.heading = accuracies[i].title,
           .caption = "The share of facts whose answer stays the most probable token.",
           .spec = LineChartSpec(accuracies[i])});
  }
  if (by_relation)
    figures.push_back({.heading = by_relation->title,
                       .caption = fmt::format("The {} relations with the most facts. Changes and "
                                              "the y axis are as in the first figure.",
                                              by_relation->curves.size()),
                       .spec = LineChartSpec(changes.back())});
  return figures;
}

}  // namespace

Page KnockoutPage(const std::vector<KnockoutResult>& results) {
  std::vector<Figure> figures = FlowFigures(results);
  for (const KnockoutResult& result : results) {
    if (result.facts[0].parts) figures.push_back(CarriedFigure(result));
    AppendHeatMaps(result, results.size() > 1, figures);
  }
  return {KnockoutHead(results), figures};
}

}  // namespace mambascope
