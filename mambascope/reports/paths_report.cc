#include "mambascope/reports/paths_report.h"

#include <fmt/format.h>

#include "mambascope/figures/page.h"
#include "mambascope/figures/terminal.h"
#include "mambascope/reports/fact_text.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

std::string CurveName(const std::string& condition) {
  return condition == "recovery" ? "recovery" : condition + " severed";
}

std::string TokenName(const std::string& at) {
  return at == "subject_last" ? "the subject's last token" : "the prompt's last token";
}

// "12 facts of relations", or the prompt of the only fact.
std::string PathsData(const PathsResult& result) {
  if (result.facts.size() == 1) return result.facts[0].fact.clean.text;
  return DataText(result.options, result.facts.size(), "fact");
}

// The curves as rows of a heat map, for a terminal.
Grid CurveGrid(const LineChart& chart) {
  Grid grid{
      .row_title = "severed", .column_title = "layer", .columns = chart.x, .domain = {{0.0, 1.0}}};
  for (const Curve& curve : chart.curves) {
    grid.rows.push_back(curve.name);
    grid.values.push_back(curve.values);
  }
  return grid;
}

}  // namespace

LineChart PathsChart(const PathsResult& result) {
  const PathAverage& average = result.average;
  LineChart chart{.name = fmt::format("paths_{}", result.at),
                  .title = fmt::format("Path-specific effects at {}", TokenName(result.at)),
                  .subtitle = fmt::format("{}; {}", ModelName(result.options), PathsData(result)),
                  .band_name = "95% confidence intervals over facts",
                  .y_title = "indirect effect"};
  SetLayers(chart, average.ie.at(0).size());
  for (size_t c = 0; c < result.conditions.size(); ++c)
    chart.curves.push_back({.name = CurveName(result.conditions[c]),
                            .values = average.ie[c],
                            .band = average.ci95[c]});
  std::vector<LineChart> charts = {chart};
  ShareValueRange(charts, {0, 1});
  return charts[0];
}

std::string PathsPage(const PathsResult& result) {
  PageInfo info{.title = fmt::format("Path-specific effects at {}: {} ({})", TokenName(result.at),
                                     PathsData(result), ModelName(result.options)),
                .summary = {{"model", ModelName(result.options)}},
                .made_by = OptionLines(result.options)};
  if (result.facts.size() == 1)
    info.summary.push_back({"clean prompt", result.facts[0].fact.clean.text});
  if (!result.relations.empty())
    info.summary.push_back({"chosen facts", RelationsLine(result.relations)});
  const std::string caption = fmt::format(
      "In the corrupted run, the clean run's residual stream is restored at {} after one layer "
      "(x). The curve \"recovery\" does nothing else. The other curves also sever a part of every "
      "layer's mixer at that token: they hold it at its value in the corrupted run. The effect "
      "that a severed curve lacks flows through that part. The indirect effect is "
      "(p - p_corrupt) / (p_clean - p_corrupt), where p is the probability of the answer. {}",
      TokenName(result.at), GuardText(result.average.guarded));
  return HtmlPage(info, {{.heading = "Indirect effect by layer",
                          .caption = caption,
                          .spec = LineChartSpec(PathsChart(result))}});
}

std::string PathsText(const PathsResult& result) {
  std::string facts = FactsText(result.facts.size(), result.relations);
  if (result.facts.size() == 1) facts = FactText(result.facts[0].fact);
  const std::string guarded = GuardText(result.average.guarded);
  return fmt::format("{}{}Indirect effect by layer at {}:\n{}\n", facts,
                     result.facts.size() == 1 || guarded.empty() ? "" : guarded + "\n",
                     TokenName(result.at), TerminalHeatMap(CurveGrid(PathsChart(result))));
}

}  // namespace mambascope
