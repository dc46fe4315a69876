#include "mambascope/reports/paths_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "mambascope/figures/line_panels.h"
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

// Whether averages have a fact.
bool HasPaths(const PathsResult& result) { return result.Shown().facts > 0; }

// Why there is no average.
std::string NoPathsText(const PathsResult& result) {
  return result.facts.size() == 1 ? "The fact is left out: there is no effect to restore."
                                  : NoneText(result.facts.size(), result.metric);
}

// The heat map for a terminal.
std::string PathsMap(const PathsResult& result) {
  if (!HasPaths(result)) return NoPathsText(result) + "\n";
  const std::string guarded = GuardText(result.Shown().guarded, result.metric);
  return fmt::format("{}Indirect effect{} by layer at {}:\n{}\n",
                     guarded.empty() ? "" : guarded + "\n",
                     result.metric == Metric::kProbability ? "" : " on the logit difference",
                     TokenName(result.at), TerminalHeatMap(CurveGrid(PathsChart(result))));
}

std::string PathsCaption(const PathsResult& result, const std::string& token) {
  return fmt::format(
      "In the corrupted run, the clean run's residual stream is restored at {} after one layer "
      "(x). The curve \"recovery\" does nothing else. The other curves also sever a part of every "
      "layer's mixer at that token: they hold it at its value in the corrupted run. The effect "
      "that a severed curve lacks flows through that part. The indirect effect is {}.",
      token, EffectText(result.metric));
}

// "demo, the subject's last token": what tells the results apart.
std::string PathsPanelName(const PathsResults& results, const PathsResult& result) {
  if (results.size() == 1) return TokenName(result.at);
  return results[0].size() == 1 ? ModelOf(result) : ModelOf(result) + ", " + TokenName(result.at);
}

// The curves of all results that have an average. Models of different depths are drawn by depth.
LinePanels PathsPanels(const PathsResults& results) {
  const PathsResult& first = results[0][0];
  LinePanels figure{.name = "paths_panels",
                    .title = "Path-specific effects",
                    .subtitle = PathsData(first),
                    .panels = {}};
  std::set<size_t> depths;
  std::set<std::string> conditions;
  for (const std::vector<PathsResult>& tokens : results) {
    depths.insert(tokens[0].Shown().ie.at(0).size());
    conditions.insert(tokens[0].conditions.begin(), tokens[0].conditions.end());
  }
  for (const std::vector<PathsResult>& tokens : results) {
    for (const PathsResult& result : tokens) {
      if (!HasPaths(result)) continue;
      const LineChart own = PathsChart(result);
      LineChart panel = own;
      panel.title = PathsPanelName(results, result);
      panel.curves.clear();
      for (const char* condition : kPathConditions) {
        if (!conditions.contains(condition)) continue;
        const auto found =
            std::find_if(own.curves.begin(), own.curves.end(),
                         [&](const Curve& curve) { return curve.name == CurveName(condition); });
        Curve curve{.name = CurveName(condition),
                    .values = std::vector<std::optional<double>>(own.x.size())};
        if (found != own.curves.end()) curve = *found;
        panel.curves.push_back(depths.size() == 1 ? curve : AtDepths(curve));
      }
      if (depths.size() > 1) {
        panel.x.clear();
        panel.at.clear();
        SetDepths(panel, "depth of the layer (%)");
      }
      figure.panels.push_back(std::move(panel));
    }
  }
  return figure;
}

// The page of several models or tokens.
Page PathPanelsPage(const PathsResults& results) {
  const PathsResult& first = results[0][0];
  std::vector<std::string> models, tokens;
  for (const std::vector<PathsResult>& of_model : results) models.push_back(ModelOf(of_model[0]));
  for (const PathsResult& result : results[0]) tokens.push_back(TokenName(result.at));
  const std::string at = fmt::format("{}", fmt::join(tokens, " and "));
  std::vector<const Json*> runs;
  for (const std::vector<PathsResult>& of_model : results) {
    for (const PathsResult& result : of_model) runs.push_back(&result.options);
  }
  PageInfo info{.title = fmt::format("Path-specific effects at {}: {} ({}{})", at, PathsData(first),
                                     JoinTexts(models), TitleDetails(first)),
                .summary = {{models.size() == 1 ? "model" : "models", JoinTexts(models)}},
                .made_by = SharedOptionLines(runs)};
  if (first.facts.size() == 1)
    info.summary.push_back({"clean prompt", first.facts[0].fact.clean.text});
  if (!first.relations.empty())
    info.summary.push_back({"chosen facts", RelationsLine(first.relations)});
  for (const std::vector<PathsResult>& of_model : results) {
    for (const PathsResult& result : of_model) {
      const std::string left_out =
          HasPaths(result) ? GuardText(result.Shown().guarded, result.metric) : NoPathsText(result);
      if (!left_out.empty()) info.summary.push_back({PathsPanelName(results, result), left_out});
    }
  }
  const LinePanels panels = PathsPanels(results);
  if (panels.panels.empty()) return {info};
  return {info,
          {{.heading = "Indirect effect by layer",
            .caption = PathsCaption(first, tokens.size() == 1 ? at : "one token") +
                       " All panels have one scale.",
            .spec = LinePanelsSpec(panels)}}};
}

}  // namespace

LineChart PathsChart(const PathsResult& result) {
  const PathAverage& average = result.Shown();
  LineChart chart{.name = fmt::format("paths_{}", result.at),
                  .title = fmt::format("Path-specific effects at {}", TokenName(result.at)),
                  .subtitle = fmt::format("{}; {}", ModelName(result.options), PathsData(result)),
                  .band_name = "95% confidence intervals over facts",
                  .y_title = result.metric == Metric::kProbability
                                 ? "indirect effect"
                                 : "indirect effect on the logit difference"};
  SetLayers(chart, average.ie.at(0).size());
  for (size_t c = 0; c < result.conditions.size(); ++c)
    chart.curves.push_back({.name = CurveName(result.conditions[c]),
                            .values = average.ie[c],
                            .band = average.ci95[c]});
  std::vector<LineChart> charts = {chart};
  ShareValueRange(charts, {0, 1});
  return charts[0];
}

Page PathsPage(const PathsResult& result) {
  PageInfo info{
      .title = fmt::format("Path-specific effects at {}: {} ({}{})", TokenName(result.at),
                           PathsData(result), ModelName(result.options), TitleDetails(result)),
      .summary = {{"model", ModelName(result.options)}},
      .made_by = OptionLines(result.options)};
  if (result.facts.size() == 1)
    info.summary.push_back({"clean prompt", result.facts[0].fact.clean.text});
  if (!result.relations.empty())
    info.summary.push_back({"chosen facts", RelationsLine(result.relations)});
  if (!HasPaths(result)) {
    info.summary.push_back({"average", NoPathsText(result)});
    return {info};
  }
  return {info,
          {{.heading = "Indirect effect by layer",
            .caption = PathsCaption(result, TokenName(result.at)) + " " +
                       GuardText(result.Shown().guarded, result.metric),
            .spec = LineChartSpec(PathsChart(result))}}};
}

Page PathsPage(const PathsResults& results) {
  if (results.size() == 1 && results[0].size() == 1) return PathsPage(results[0][0]);
  return PathPanelsPage(results);
}

std::string PathsText(const PathsResult& result) {
  std::string facts = FactsText(result.facts.size(), result.relations);
  if (result.facts.size() == 1) facts = FactText(result.facts[0].fact);
  return facts + PathsMap(result);
}

std::string PathsText(const PathsResults& results) {
  if (results.size() == 1 && results[0].size() == 1) return PathsText(results[0][0]);
  const PathsResult& first = results.at(0).at(0);
  std::string text = FactsText(first.facts.size(), first.relations);
  for (const std::vector<PathsResult>& tokens : results) {
    if (first.facts.size() == 1)
      text += fmt::format("{}{}: {}", text.empty() ? "" : "\n", ModelOf(tokens[0]),
                          FactText(tokens[0].facts[0].fact));
    for (const PathsResult& result : tokens)
      text += fmt::format("\n{}: {}", ModelOf(result), PathsMap(result));
  }
  return text;
}

}  // namespace mambascope
