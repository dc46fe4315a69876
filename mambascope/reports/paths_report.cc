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
  LineChart chart{
      .name = fmt::format("paths_{}", result.at),
      .title = fmt::format("Path-specific effects at {}", TokenName(result.at)),
      .subtitle = fmt::format("{} facts; bands: 95% confidence intervals", average.facts),
      .x_title = "layer",
      .y_title = "IE"};
  for (size_t l = 0; l < average.ie.at(0).size(); ++l) chart.x.push_back(std::to_string(l));
  for (size_t c = 0; c < result.conditions.size(); ++c)
    chart.curves.push_back({.name = CurveName(result.conditions[c]),
                            .values = average.ie[c],
                            .band = average.ci95[c]});
  return chart;
}

std::string PathsPage(const PathsResult& result) {
  PageInfo info{.title = fmt::format("Path-specific effects at {}", TokenName(result.at)),
                .summary = {{"model", result.options.value("model", "")}}};
  if (result.facts.size() == 1)
    info.summary.push_back({"clean prompt", result.facts[0].fact.clean.text});
  if (!result.relations.empty())
    info.summary.push_back({"relations", RelationsLine(result.relations)});
  info.summary.push_back({"options", OptionsLine(result.options)});
  const std::string caption = fmt::format(
      "The clean run's residual is restored at {} after one layer (x). Recovery: nothing else is "
      "done. Severed: there, that part of every "
      "layer's mixer is held at its value in the corrupted run. What a severed curve lacks flowed "
      "through that part. {} facts are left out "
      "since the clean prompt hardly makes the answer more probable (by less than {}).",
      TokenName(result.at), result.average.guarded, kGuard);
  return HtmlPage(info, {{.heading = "Effect by layer",
                          .caption = caption,
                          .spec = LineChartSpec(PathsChart(result))}});
}

std::string PathsText(const PathsResult& result) {
  std::string facts = FactsText(result.facts.size(), result.relations);
  if (result.facts.size() == 1) facts = FactText(result.facts[0].fact);
  const std::string left_out = fmt::format("{} of them left out (p_clean - p_corrupt below {})\n",
                                           result.average.guarded, kGuard);
  return fmt::format("{}{}IE by layer, {}:\n{}\n", facts, result.facts.size() > 1 ? left_out : "",
                     result.at, TerminalHeatMap(CurveGrid(PathsChart(result))));
}

}  // namespace mambascope
