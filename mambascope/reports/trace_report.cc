#include "mambascope/reports/trace_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/figures/page.h"
#include "mambascope/figures/terminal.h"
#include "mambascope/reports/fact_text.h"
#include "mambascope/reports/result_page.h"
#include "mambascope/reports/trace_figures.h"
#include "mambascope/reports/trace_panels.h"

namespace mambascope {
namespace {

// The heat map for a terminal: of the only fact, or of the average.
std::string MapText(const TraceResult& result) {
  std::string text;
  Grid grid;
  if (result.facts.size() == 1) {
    text = ValueName(result);
    grid = FactHeatMap(result, result.facts[0]);
    const TracedFact& fact = result.facts[0].fact;
    if (IsLogitDiff(result) && *fact.logit_diff_corrupt < *fact.logit_diff_clean)
      grid.domain = {{*fact.logit_diff_corrupt, *fact.logit_diff_clean}};
  } else if (!HasAverage(result)) {
    return NoneText(result.facts.size(), result.metric) + "\n";
  } else {
    const std::string guarded = GuardText(result.Shown().guarded, result.metric);
    text = (guarded.empty() ? "" : guarded + "\n") + "Average indirect effect";
    if (IsLogitDiff(result)) text += " on the logit difference";
    grid = AverageHeatMap(result);
    grid.domain = {{0.0, 1.0}};
  }
  const bool difference = result.facts.size() > 1 && result.summary.isolated.has_value();
  const std::string what =
      difference ? " of mixer_out, less those of ssm_out and gate (blank if negative)"
                 : fmt::format(" with the clean state restored, site {}", SiteName(result.site));
  return text + fmt::format("{}, window {}:\n{}\n", what, result.window, TerminalHeatMap(grid));
}

}  // namespace

Page TracePage(const TraceResult& result, size_t samples) {
  PageInfo info{
      .title = fmt::format(
          "Causal trace of {}{}: {} ({}{})", SiteText(result),
          result.window == 1 ? "" : fmt::format(" in windows of {} layers", result.window),
          TracedData(result), ModelName(result.options), TitleDetails(result)),
      .summary = {{"model", ModelName(result.options)}},
      .made_by = OptionLines(result.options)};
  std::vector<Figure> figures;
  if (result.facts.size() == 1) {
    for (auto& line : FactLines(result.facts[0].fact)) info.summary.push_back(std::move(line));
  } else {
    if (HasAverage(result)) figures = AverageFigures(result);
    else info.summary.push_back({"average", NoneText(result.facts.size(), result.metric)});
    info.summary.push_back({"corrupted by", Corruption(result)});
    if (!result.relations.empty())
      info.summary.push_back({"chosen facts", RelationsLine(result.relations)});
  }
  for (size_t i = 0; i < std::min(result.facts.size(), samples); ++i) {
    if (!ShownGrid(result, result.facts[i]).empty())
      figures.push_back(FactFigure(result, result.facts[i]));
  }
  if (result.facts.size() == 1 && result.summary.isolated && HasAverage(result))
    figures.insert(figures.begin(), AverageFigures(result).front());
  return {info, figures};
}

std::string TraceText(const TraceResult& result) {
  std::string text;
  if (result.facts.size() == 1) {
    text = FactText(result.facts[0].fact);
  } else {
    text = FactsText(result.facts.size(), result.relations) + "\n";
  }
  return text + MapText(result);
}

Page TracePage(const TraceResults& results, size_t samples) {
  if (results.size() == 1 && results[0].size() == 1) return TracePage(results[0][0], samples);
  return TracePanelsPage(results, samples);
}

std::string TraceText(const TraceResults& results) {
  if (results.size() == 1 && results[0].size() == 1) return TraceText(results[0][0]);
  const TraceResult& first = results.at(0).at(0);
  std::string text = FactsText(first.facts.size(), first.relations);
  for (const std::vector<TraceResult>& sites : results) {
    if (first.facts.size() == 1)
      text += fmt::format("{}{}: {}", text.empty() ? "" : "\n", ModelOf(sites[0]),
                          FactText(sites[0].facts[0].fact));
    for (const TraceResult& result : sites)
      text += fmt::format("\n{}: {}", TracePanelName(results, result), MapText(result));
  }
  return text;
}

}  // namespace mambascope
