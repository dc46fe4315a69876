#include "mambascope/reports/knockout_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/figures/heat_map.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/page.h"
#include "mambascope/reports/decompose_report.h"
#include "mambascope/reports/knockout_report.h"
#include "mambascope/reports/knockout_words.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

constexpr size_t kSampleFacts = 4;  // whose heat maps a page shows

// "context in 3 of 5 facts, ..": of flows that some facts lack.
std::string LackingLine(const KnockoutResult& result) {
  std::string line;
  for (size_t f = 0; f < result.flows.size(); ++f) {
    const int64_t with = result.summary.all.flows[f].with_sources;
    if (with == static_cast<int64_t>(result.facts.size())) continue;
    line += fmt::format("{}{} in {} of {} facts", line.empty() ? "" : ", ",
                        FlowName(result, result.flows[f]), with, result.facts.size());
  }
  return line;
}

// What is done in a window, and what a curve shows of it.
std::string Caption(const KnockoutResult& result, bool several) {
  std::string where = fmt::format(
      "In {}", result.window == 1 ? "one layer (x)" : fmt::format("{} layers", result.window));
  if (result.window > 1)
    where += result.windows == KnockoutResult::Windows::kAround ? " around x" : " from x on";
  if (several) where = "In a window of layers, of each model's own length";
  const std::string through = result.mode == "cut-conv" ? "the mixer, its convolution included"
                                                        : "the recurrence or the attention";
  const std::string done =
      result.mode == "mean"
          ? "the sources' states before the convolution (conv_in) are the layer's mean"
          : fmt::format("the targets read nothing of the sources through {}", through);
  std::string caption = fmt::format(
      "{}, {}. A curve is the mean over facts of 100 (p - p_base) / p_base, with p of the base "
      "run's answer at the last token; bands "
      "are 95% confidence intervals. Below 0: what was severed carried the answer.",
      where, done);
  const auto& flows = result.flows;
  if (std::any_of(flows.begin(), flows.end(), [](const Flow& flow) {
        return flow.from == "relation" || flow.to == "relation";
      }))
    caption += " relation is all but the subject, the last token included.";
  if (several) caption += " x goes from the first window to the last.";
  const std::string lacking = LackingLine(result);
  return lacking.empty()
             ? caption
             : fmt::format(
                   "{} Facts with nothing to sever count as no change; there is something of {}.",
                   caption, lacking);
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
        {.heading = fmt::format("Token by token{}: {}", several ? " in " + result.name : "",
                                fact.prompt.text),
         .caption = fmt::format("p(answer) - p_base with {}{} (row) in the window (column). Red: "
                                "less probable. One scale for the model's "
                                "facts on this page. Stars mark the subject's tokens.",
                                result.mode == "mean" ? "one token's conv_in ablated"
                                                      : "the last token cut off from one token",
                                GroupText(result, 0)),
         .spec = HeatMap(KnockoutHeatMap(result, fact, scale))});
  }
}

std::vector<std::pair<std::string, std::string>> MakeSummary(const KnockoutResult& result) {
  std::vector<std::pair<std::string, std::string>> summary = {
      {"model", result.options.value("model", "")}};
  if (result.facts.size() == 1) {
    const KnockedFact& fact = result.facts[0];
    summary.insert(
        summary.end(),
        {{"prompt", fact.prompt.text},
         {"answer", fmt::format("{} (token {})", VisibleText(fact.answer), fact.answer_id)},
         {"p(answer)", fmt::format("{:.4g} in the base run", fact.base.p)}});
  }
  if (!result.relations.empty()) summary.push_back({"relations", RelationsLine(result.relations)});
  summary.push_back({"options", OptionsLine(result.options)});
  return summary;
}

// Of several models: what they share, once.
std::vector<std::pair<std::string, std::string>> MakeSummary(
    const std::vector<KnockoutResult>& results) {
  if (results.size() == 1) return MakeSummary(results[0]);
  std::string models;
  for (const KnockoutResult& result : results)
    models += fmt::format("{}{} ({})", models.empty() ? "" : ", ",
                          result.options.value("model", ""), WindowText(result));
  std::vector<std::pair<std::string, std::string>> summary = MakeSummary(results[0]);
  summary[0] = {"models", models};
  Json shared = results[0].options;
  for (const char* own : {"model", "fingerprint", "tokenizer_fingerprint", "window"})
    shared.erase(own);
  summary.back().second = OptionsLine(shared);
  return summary;
}

}  // namespace

std::string KnockoutPage(const std::vector<KnockoutResult>& results) {
  PageInfo info{
      .title = results[0].mode == "mean" ? "Mean ablation by layer" : "Information-flow knockout",
      .summary = MakeSummary(results)};
  std::vector<Figure> figures;
  const bool several = results.size() > 1;
  const auto charts = [&](KnockoutMeasure measure) {
    return several ? DepthCharts(results, measure) : KnockoutCharts(results[0], measure);
  };
  const std::vector<LineChart> changes = charts(KnockoutMeasure::kChange),
                               accuracies = charts(KnockoutMeasure::kAccuracy);
  for (size_t i = 0; i < changes.size(); ++i) {
    const std::string caption = i == 0 ? Caption(results[0], several) : "As above.";
    figures.push_back(
        {.heading = changes[i].title, .caption = caption, .spec = LineChartSpec(changes[i])});
    figures.push_back({.heading = accuracies[i].title,
                       .caption = "Facts whose answer stays the most probable token.",
                       .spec = LineChartSpec(accuracies[i])});
  }
  for (const KnockoutResult& result : results) {
    if (const auto chart = several ? std::nullopt : RelationChart(result))
      figures.push_back({.heading = chart->title,
                         .caption = fmt::format(
                             "The {} relations with the most facts; each fact's change as above.",
                             chart->curves.size()),
                         .spec = LineChartSpec(*chart)});
    if (result.facts[0].parts) figures.push_back(CarriedFigure(result));
    AppendHeatMaps(result, several, figures);
  }
  return HtmlPage(info, figures);
}

}  // namespace mambascope
