#include "mambascope/reports/trace_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "mambascope/figures/heat_map.h"
#include "mambascope/figures/heat_panels.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/line_panels.h"
#include "mambascope/figures/page.h"
#include "mambascope/figures/terminal.h"
#include "mambascope/figures/values.h"
#include "mambascope/plural.h"
#include "mambascope/reports/fact_text.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

constexpr size_t kTracedSamples = 3;  // facts whose own heat maps a page shows
constexpr const char* kDifference = "mixer_out - ssm_out - gate";

// The colours that published figures give to each kind of state.
std::string SchemeForSite(Site site) {
  if (site == Site::kSsmOut || site == Site::kSsmIn || site == Site::kConvIn) return "reds";
  if (site == Site::kGate || site == Site::kMlpMid || site == Site::kMlpOut) return "greens";
  if (site == Site::kMixerOut || site == Site::kMixed) return "blues";
  return "purples";
}

bool IsLogitDiff(const TraceResult& result) { return result.metric == Metric::kLogitDiff; }

// The cells of a fact that figures show. Empty: it has no other answer, and so no logit difference.
const TraceGrid& ShownGrid(const TraceResult& result, const FactTrace& trace) {
  return IsLogitDiff(result) ? trace.logit_diff : trace.probs;
}

// The values of the clean and the corrupted run. REQUIRES: ShownGrid is not empty.
std::vector<Reference> RunReferences(const TraceResult& result, const TracedFact& fact) {
  if (IsLogitDiff(result))
    return {{"clean", fact.logit_diff_clean.value()},
            {"corrupted", fact.logit_diff_corrupt.value()}};
  return {{"clean", fact.p_clean}, {"corrupted", fact.p_corrupt}};
}

void WidenRange(const TraceResult& result, const FactTrace& trace,
                std::pair<double, double>& range) {
  const TraceGrid& grid = ShownGrid(result, trace);
  if (grid.empty()) return;
  const auto add = [&](double value) {
    range = {std::min(range.first, value), std::max(range.second, value)};
  };
  for (const Reference& reference : RunReferences(result, trace.fact)) add(reference.value);
  for (const auto& row : grid) {
    for (const auto& cell : row) add(cell.value_or(0));
  }
}

// The colour scale that `trace` shares with the other facts on the page. It contains 0.
std::pair<double, double> FactRange(const TraceResult& result, const FactTrace& trace) {
  std::pair<double, double> range = {0.0, 1e-6};
  WidenRange(result, trace, range);
  for (size_t i = 0; i < std::min(result.facts.size(), kTracedSamples); ++i)
    WidenRange(result, result.facts[i], range);
  return range;
}

// The upper end of the colour scale that the average heat maps of a page share.
double LargestEffect(const TraceResult& result) {
  const TraceSummary& summary = result.summary;
  double largest = 0.1;
  const auto add = [&](const TraceAverage& average) {
    for (const auto& row : average.ie)
      for (const auto& value : row)
        if (HasValue(value)) largest = std::max(largest, std::abs(*value));
  };
  add(result.Shown());
  if (summary.isolated)
    for (const TraceAverage* part :
         {&summary.isolated->difference, &summary.isolated->ssm_out, &summary.isolated->gate})
      add(*part);
  return largest;
}

std::vector<std::string> LayerLabels(const TraceResult& result, size_t layers) {
  std::vector<std::string> labels;
  for (size_t l = 0; l < layers; ++l)
    labels.push_back(result.site == Site::kEmbed ? "embed" : std::to_string(l));
  return labels;
}

// "subject last"
std::string RowName(size_t row) {
  std::string name = kTraceRows[row];
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::vector<std::string> RowLabels(const TraceAverage& average) {
  std::vector<std::string> labels;
  for (size_t r = 0; r < kTraceRows.size(); ++r) {
    labels.push_back(fmt::format("{} ({})", RowName(r), average.facts_per_row[r]));
  }
  return labels;
}

// "12 facts of relations", or the prompt of the only fact.
std::string TracedData(const TraceResult& result) {
  if (result.facts.size() == 1) return result.facts[0].fact.clean.text;
  return DataText(result.options, result.facts.size(), "fact");
}

// "another subject" or "noise": what corrupts the prompts.
std::string Corruption(const TraceResult& result) {
  if (result.facts.empty() || result.facts[0].fact.corrupt) return "another subject";
  const Json noise = result.options.value("noise", Json());
  return noise.is_number() ? fmt::format("noise of {} standard deviations", noise.get<double>())
                           : "noise";
}

// The lines under a figure's title.
std::string TracedSubtitle(const TraceResult& result) {
  return fmt::format("{}; {}; corrupted by {}; window of {}", ModelName(result.options),
                     TracedData(result), Corruption(result), Count(result.window, "layer"));
}

std::string AverageTitle(const TraceResult& result, const std::string& what) {
  return fmt::format("Average indirect effect of {}{}", what,
                     IsLogitDiff(result) ? " on the logit difference" : "");
}

Grid AverageGrid(const TraceResult& result, const TraceAverage& average, const std::string& what,
                 const std::string& scheme) {
  const double scale = LargestEffect(result);
  return {.name = fmt::format("trace_average_{}", what),
          .title = AverageTitle(result, what),
          .subtitle = TracedSubtitle(result),
          .row_title = "token (facts)",
          .column_title = "layer",
          .value_title = "indirect effect",
          .rows = RowLabels(average),
          .columns = LayerLabels(result, average.ie[0].size()),
          .values = average.ie,
          .missing = "no fact has such a token",
          .scheme = scheme,
          .domain = {{scheme == "redblue" ? -scale : 0.0, scale}}};
}

LineChart AverageCurves(const TraceResult& result, const TraceAverage& average,
                        const std::string& what) {
  LineChart chart{.name = fmt::format("trace_curves_{}", what),
                  .title = AverageTitle(result, what),
                  .subtitle = TracedSubtitle(result),
                  .band_name = "95% confidence intervals over facts",
                  .y_title = "indirect effect"};
  SetLayers(chart, average.ie[0].size());
  chart.x = LayerLabels(result, chart.x.size());
  const std::vector<std::string> names = RowLabels(average);
  for (size_t r = 0; r < names.size(); ++r) {
    if (average.facts_per_row[r] > 0)
      chart.curves.push_back({.name = names[r], .values = average.ie[r], .band = average.ci95[r]});
  }
  return chart;
}

std::string Restored(const TraceResult& result) {
  return fmt::format(
      "the clean run's {} is restored at one token (row) in {} (column)", SiteName(result.site),
      result.window == 1 ? "one layer" : fmt::format("{} layers around one", result.window));
}

std::string AverageCaption(const TraceResult& result) {
  return fmt::format(
      "In the corrupted run, {}. The indirect effect is {}. It is averaged over a fact's tokens of "
      "a row, then over facts. The number in brackets counts the facts that have such a token. {}",
      Restored(result), EffectText(result.metric),
      GuardText(result.Shown().guarded, result.metric));
}

std::vector<Figure> AverageFigures(const TraceResult& result) {
  const TraceSummary& summary = result.summary;
  const std::string site(SiteName(result.site)), scheme = SchemeForSite(result.site);
  std::vector<LineChart> curves = {AverageCurves(result, result.Shown(), site)};
  if (summary.isolated)
    curves.push_back(AverageCurves(result, summary.isolated->difference, kDifference));
  ShareValueRange(curves, {0, 1});
  std::vector<Figure> figures = {
      {"Indirect effect of " + site,
       summary.isolated ? "The effect of mixer_out itself, as defined above."
                        : AverageCaption(result),
       HeatMap(AverageGrid(result, result.Shown(), site, scheme))},
      {fmt::format("Indirect effect of {} as curves", site),
       "A curve is a row of the heat map above.", LineChartSpec(curves[0])}};
  if (!summary.isolated) return figures;
  const auto& [difference, ssm_out, gate] = *summary.isolated;
  figures.insert(
      figures.begin(),
      {{"What the output projection adds",
        AverageCaption(result) +
            " The figure shows the effect of mixer_out, less those of its inputs ssm_out and gate. "
            "The difference is taken fact by fact, then averaged.",
        HeatMap(AverageHeatMap(result))},
       {"What the output projection adds, as curves", "A curve is a row of the heat map above.",
        LineChartSpec(curves[1])}});
  figures.push_back({"Indirect effect of ssm_out", "The colour scale is that of the other maps.",
                     HeatMap(AverageGrid(result, ssm_out, "ssm_out", "reds"))});
  figures.push_back({"Indirect effect of gate", "The colour scale is that of the other maps.",
                     HeatMap(AverageGrid(result, gate, "gate", "greens"))});
  return figures;
}

std::string ValueName(const TraceResult& result) {
  return IsLogitDiff(result) ? "logit difference" : "p(answer)";
}

Figure FactFigure(const TraceResult& result, const FactTrace& trace) {
  const std::string caption =
      fmt::format("Each cell is {} at the last token of the corrupted run in which {}.{}",
                  IsLogitDiff(result) ? "the answer's logit less the other answer's" : "p(answer)",
                  Restored(result),
                  result.facts.size() > 1 ? " The facts on this page share one colour scale." : "");
  return {.heading = fmt::format("{}: {}", ValueName(result), trace.fact.clean.text),
          .caption = caption,
          .spec = HeatMap(FactHeatMap(result, trace))};
}

PageLines FactLines(const TracedFact& fact) {
  PageLines lines = {
      {"clean prompt", fact.clean.text},
      {"corrupted by", fact.corrupt ? fact.corrupt->subject + " in place of the subject"
                                    : "noise on the embedding of the subject"},
      {"answer", fmt::format("{} (token {})", VisibleText(fact.answer), fact.answer_id)},
      {"p(answer)", fmt::format("{:.4g} after the clean prompt, {:.4g} after the corrupted one",
                                fact.p_clean, fact.p_corrupt)}};
  if (!fact.other_answer_id) return lines;
  lines.push_back({"other answer", fmt::format("{} (token {})", VisibleText(fact.other_answer),
                                               *fact.other_answer_id)});
  lines.push_back({"logit difference",
                   fmt::format("{:.4g} nats after the clean prompt, {:.4g} after the corrupted one",
                               *fact.logit_diff_clean, *fact.logit_diff_corrupt)});
  return lines;
}

// Whether averages leave out all facts.
bool HasAverage(const TraceResult& result) {
  return result.Shown().guarded < static_cast<int64_t>(result.facts.size());
}

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

// The model's name.
std::string ModelOf(const TraceResult& result) {
  return result.name.empty() ? ModelName(result.options) : result.name;
}

// "model", "site" or "model and site": what panels differ in.
std::string PanelKind(const TraceResults& results) {
  if (results.size() == 1) return "site";
  return results[0].size() == 1 ? "model" : "model and site";
}

// The average whose curves a page draws first.
const TraceAverage& DrawnAverage(const TraceResult& result) {
  return result.summary.isolated ? result.summary.isolated->difference : result.Shown();
}

// "demo, ssm_out": what tells the results apart, of models and sites.
std::string PanelName(const TraceResults& results, const TraceResult& result) {
  const std::string site(SiteName(result.site));
  if (results.size() == 1) return site;
  return results[0].size() == 1 ? ModelOf(result) : ModelOf(result) + ", " + site;
}

// "ssm_out", or with --isolate "mixer_out and its inputs".
std::string SiteText(const TraceResult& result) {
  const std::string site(SiteName(result.site));
  return result.summary.isolated ? site + " and its inputs" : site;
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
    grid.title = PanelName(results, *result);
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
                    .title = PanelName(results, *result),
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
    grid.title = PanelName(results, *result);
    grid.scheme = SharedScheme(results);
    figure.panels.push_back(std::move(grid));
  }
  return figure;
}

// The page of several models or sites.
std::string PanelsPage(const TraceResults& results) {
  const TraceResult& first = results[0][0];
  std::vector<std::string> models, sites;
  for (const std::vector<TraceResult>& of_model : results) models.push_back(ModelOf(of_model[0]));
  for (const TraceResult& result : results[0]) sites.push_back(SiteText(result));
  std::vector<const Json*> runs;
  for (const TraceResult* result : Flatten(results)) runs.push_back(&result->options);
  PageInfo info{.title = fmt::format("Causal trace of {}: {} ({})", JoinTexts(sites),
                                     TracedData(first), JoinTexts(models)),
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
      if (!left_out.empty()) info.summary.push_back({PanelName(results, *result), left_out});
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
  for (size_t i = 0; i < std::min(first.facts.size(), kTracedSamples); ++i) {
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
  return HtmlPage(info, figures);
}

}  // namespace

Grid FactHeatMap(const TraceResult& result, const FactTrace& trace) {
  const TracedFact& fact = trace.fact;
  Grid grid{
      .name = fmt::format("trace_{}", SiteName(result.site)),
      .title = fmt::format(
          "{} with {} restored",
          IsLogitDiff(result) ? fmt::format("logit of {} less that of {}", VisibleText(fact.answer),
                                            VisibleText(fact.other_answer))
                              : fmt::format("p({})", VisibleText(fact.answer)),
          SiteName(result.site)),
      .subtitle = fmt::format("{}; {}; corrupted by {}; window of {}; * marks the subject's tokens",
                              ModelName(result.options), fact.clean.text,
                              fact.corrupt ? fact.corrupt->subject : Corruption(result),
                              Count(result.window, "layer")),
      .row_title = "token",
      .column_title = "layer",
      .value_title = ValueName(result),
      .rows = fact.clean.tokens,
      .columns = LayerLabels(result, trace.probs[0].size()),
      .values = ShownGrid(result, trace),
      .missing = "no such token in the corrupted prompt, or no such site in the layer",
      .scheme = SchemeForSite(result.site),
      .domain = FactRange(result, trace),
      .references = RunReferences(result, fact)};
  for (int64_t t = fact.clean.subject_span.begin; t < fact.clean.subject_span.end; ++t)
    grid.marked_rows.push_back(static_cast<int>(t));
  return grid;
}

Grid AverageHeatMap(const TraceResult& result) {
  if (result.summary.isolated)
    return AverageGrid(result, result.summary.isolated->difference, kDifference, "redblue");
  return AverageGrid(result, result.Shown(), std::string(SiteName(result.site)),
                     SchemeForSite(result.site));
}

std::string TracePage(const TraceResult& result) {
  PageInfo info{
      .title = fmt::format(
          "Causal trace of {}{}: {} ({})", SiteText(result),
          result.window == 1 ? "" : fmt::format(" in windows of {} layers", result.window),
          TracedData(result), ModelName(result.options)),
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
  for (size_t i = 0; i < std::min(result.facts.size(), kTracedSamples); ++i) {
    if (!ShownGrid(result, result.facts[i]).empty())
      figures.push_back(FactFigure(result, result.facts[i]));
  }
  if (result.facts.size() == 1 && result.summary.isolated && HasAverage(result))
    figures.insert(figures.begin(), AverageFigures(result).front());
  return HtmlPage(info, figures);
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

std::string TracePage(const TraceResults& results) {
  if (results.size() == 1 && results[0].size() == 1) return TracePage(results[0][0]);
  return PanelsPage(results);
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
      text += fmt::format("\n{}: {}", PanelName(results, result), MapText(result));
  }
  return text;
}

}  // namespace mambascope
