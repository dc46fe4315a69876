#include "mambascope/reports/trace_panels.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "mambascope/figures/heat_panels.h"
#include "mambascope/figures/line_panels.h"
#include "mambascope/figures/page.h"
#include "mambascope/plural.h"
#include "mambascope/reports/fact_text.h"
#include "mambascope/reports/result_page.h"
#include "mambascope/reports/trace_figures.h"

namespace mambascope {
namespace {

// "model", "site" or "model and site": what panels differ in.
std::string PanelKind(const TraceResults& results) {
  if (results.size() == 1) return "site";
  return results[0].size() == 1 ? "model" : "model and site";
}

std::vector<const TraceResult*> Flatten(const TraceResults& results) {
  std::vector<const TraceResult*> flat;
  for (const std::vector<TraceResult>& sites : results) {
    for (const TraceResult& result : sites) flat.push_back(&result);
  }
  return flat;
}

// "; window of 2 layers", for results that all have that window.
std::string SharedWindow(const std::vector<const TraceResult*>& flat) {
  const int window = flat.at(0)->window;
  for (const TraceResult* result : flat) {
    if (result->window != window) return "";
  }
  return "; window of " + Count(window, "layer");
}

// The sites' own colours, or one scheme for different sites.
std::string SharedScheme(const TraceResults& results) {
  const std::string scheme = results[0].size() == 1 ? SchemeForSite(results[0][0].site) : "purples";
  return scheme;
}

std::string PanelsSubtitle(const TraceResults& results) {
  const TraceResult& first = results[0][0];
  return fmt::format("{}; corrupted by {}{}", TracedData(first), Corruption(first),
                     SharedWindow(Flatten(results)));
}

// The averages of all results as heat maps side by side. Empty: there is no average.
HeatPanels AveragePanels(const TraceResults& results) {
  HeatPanels figure{.name = "trace_averages",
                    .title = AverageTitle(results[0][0], "each " + PanelKind(results)),
                    .subtitle = PanelsSubtitle(results),
                    .panels = {}};
  for (const TraceResult* result : Flatten(results)) {
    if (!HasAverage(*result)) continue;
    Grid grid = AverageHeatMap(*result);
    grid.title = TracePanelName(results, *result);
    grid.scheme = result->summary.isolated ? grid.scheme : SharedScheme(results);
    figure.panels.push_back(std::move(grid));
  }
  return figure;
}

// The same as curves. Models of different depths are drawn by depth.
LinePanels AverageCurvePanels(const TraceResults& results) {
  LinePanels figure{
      .name = "trace_average_curves",
      .title = AverageTitle(results[0][0], "each " + PanelKind(results)) + ", as curves",
      .subtitle = PanelsSubtitle(results),
      .panels = {}};
  std::set<size_t> rows, depths;  // rows that some result has, and numbers of columns
  for (const TraceResult* result : Flatten(results)) {
    if (!HasAverage(*result)) continue;
    const TraceAverage& average = DrawnAverage(*result);
    depths.insert(average.ie[0].size());
    for (size_t row = 0; row < kTraceRows.size(); ++row) {
      if (average.facts_per_row[row] > 0) rows.insert(row);
    }
  }
  for (const TraceResult* result : Flatten(results)) {
    if (!HasAverage(*result)) continue;
    const TraceAverage& average = DrawnAverage(*result);
    LineChart chart{.name = "panel",
                    .title = TracePanelName(results, *result),
                    .band_name = "95% confidence intervals over facts",
                    .y_title = "indirect effect"};
    if (depths.size() == 1) {
      SetLayers(chart, *depths.begin());
      chart.x = LayerLabels(*result, chart.x.size());
    } else {
      SetDepths(chart, "depth of the layer (%)");
    }
    for (size_t row : rows) {
      const Curve curve{.name = RowName(row), .values = average.ie[row], .band = average.ci95[row]};
      chart.curves.push_back(depths.size() == 1 ? curve : AtDepths(curve));
    }
    figure.panels.push_back(std::move(chart));
  }
  ShareValueRange(figure.panels, {0, 1});
  return figure;
}

// One fact in all results that have its cells, as heat maps side by side.
HeatPanels FactPanels(const TraceResults& results, size_t fact) {
  HeatPanels figure{.name = fmt::format("trace_fact_{}", fact),
                    .title = results[0][0].facts[fact].fact.clean.text,
                    .subtitle = {},
                    .panels = {}};
  const TracedFact& traced = results[0][0].facts[fact].fact;
  figure.subtitle =
      fmt::format("corrupted by {}{}; * marks the subject's tokens",
                  traced.corrupt ? traced.corrupt->subject : Corruption(results[0][0]),
                  SharedWindow(Flatten(results)));
  for (const TraceResult* result : Flatten(results)) {
    if (ShownGrid(*result, result->facts[fact]).empty()) continue;
    Grid grid = FactHeatMap(*result, result->facts[fact]);
    grid.title = TracePanelName(results, *result);
    grid.scheme = SharedScheme(results);
    figure.panels.push_back(std::move(grid));
  }
  return figure;
}

}  // namespace

std::string TracePanelName(const TraceResults& results, const TraceResult& result) {
  const std::string site(SiteName(result.site));
  if (results.size() == 1) return site;
  return results[0].size() == 1 ? ModelOf(result) : ModelOf(result) + ", " + site;
}

Page TracePanelsPage(const TraceResults& results, size_t samples) {
  const TraceResult& first = results[0][0];
  std::vector<std::string> models, sites;
  for (const std::vector<TraceResult>& of_model : results) models.push_back(ModelOf(of_model[0]));
  for (const TraceResult& result : results[0]) sites.push_back(SiteText(result));
  std::vector<const Json*> runs;
  for (const TraceResult* result : Flatten(results)) runs.push_back(&result->options);
  PageInfo info{.title = fmt::format("Causal trace of {}: {} ({}{})", JoinTexts(sites),
                                     TracedData(first), JoinTexts(models), TitleDetails(first)),
                .summary = {{models.size() == 1 ? "model" : "models", JoinTexts(models)},
                            {sites.size() == 1 ? "site" : "sites", JoinTexts(sites)}},
                .made_by = SharedOptionLines(runs)};
  std::vector<Figure> figures;
  if (first.facts.size() == 1) {
    for (const std::vector<TraceResult>& of_model : results) {
      for (auto& [name, value] : FactLines(of_model[0].facts[0].fact))
        info.summary.push_back(
            {results.size() == 1 ? name : fmt::format("{}, {}", ModelOf(of_model[0]), name),
             value});
    }
  } else {
    info.summary.push_back({"corrupted by", Corruption(first)});
    if (!first.relations.empty())
      info.summary.push_back({"chosen facts", RelationsLine(first.relations)});
    for (const TraceResult* result : Flatten(results)) {
      const int64_t guarded = result->Shown().guarded;
      const std::string left_out = HasAverage(*result)
                                       ? GuardText(guarded, result->metric)
                                       : NoneText(result->facts.size(), result->metric);
      if (!left_out.empty()) info.summary.push_back({TracePanelName(results, *result), left_out});
    }
    const HeatPanels averages = AveragePanels(results);
    if (!averages.panels.empty()) {
      figures.push_back(
          {averages.title,
           fmt::format("In the corrupted run, the clean run's state is restored at one token (row) "
                       "and layer (column), or in a window of layers around it. The indirect "
                       "effect is {}. It is averaged over a fact's tokens of a row, then over "
                       "facts. The number in brackets counts the facts that have such a token. "
                       "All panels have one colour scale.",
                       EffectText(first.metric)),
           HeatPanelsSpec(averages)});
      const LinePanels curves = AverageCurvePanels(results);
      figures.push_back(
          {curves.title, "A curve is a row of a heat map above.", LinePanelsSpec(curves)});
    }
  }
  for (size_t i = 0; i < std::min(first.facts.size(), samples); ++i) {
    const HeatPanels panels = FactPanels(results, i);
    if (panels.panels.empty()) continue;
    figures.push_back({fmt::format("{}: {}", ValueName(first), panels.title),
                       fmt::format("Each cell is {} at the last token of the corrupted run in "
                                   "which the clean run's state is restored at one token (row) and "
                                   "layer (column). All panels have one colour scale.",
                                   IsLogitDiff(first) ? "the answer's logit less the other answer's"
                                                      : "p(answer)"),
                       HeatPanelsSpec(panels)});
  }
  return {info, figures};
}

}  // namespace mambascope
