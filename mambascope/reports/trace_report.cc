#include "mambascope/reports/trace_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/figures/heat_map.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/page.h"
#include "mambascope/figures/terminal.h"
#include "mambascope/figures/values.h"
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

double LargestProbability(const FactTrace& trace) {
  double largest = std::max({trace.fact.p_clean, trace.fact.p_corrupt, 1e-6});
  for (const auto& row : trace.probs) {
    for (const auto& cell : row) largest = std::max(largest, cell.value_or(0));
  }
  return largest;
}

// The upper end of the colour scale that `trace` shares with the other facts on the page.
double ProbabilityScale(const TraceResult& result, const FactTrace& trace) {
  double largest = LargestProbability(trace);
  for (size_t i = 0; i < std::min(result.facts.size(), kTracedSamples); ++i)
    largest = std::max(largest, LargestProbability(result.facts[i]));
  return largest;
}

// The upper end of the colour scale that the average heat maps of a page share.
double EffectScale(const TraceSummary& summary) {
  double largest = 0.1;
  const auto add = [&](const TraceAverage& average) {
    for (const auto& row : average.ie)
      for (const auto& value : row)
        if (HasValue(value)) largest = std::max(largest, std::abs(*value));
  };
  add(summary.average);
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

std::vector<std::string> RowLabels(const TraceAverage& average) {
  std::vector<std::string> labels;
  for (size_t r = 0; r < kTraceRows.size(); ++r) {
    std::string label = kTraceRows[r];
    std::replace(label.begin(), label.end(), '_', ' ');
    labels.push_back(fmt::format("{} ({})", label, average.facts_per_row[r]));
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
                     TracedData(result), Corruption(result),
                     CountText(static_cast<size_t>(result.window), "layer"));
}

Grid AverageGrid(const TraceResult& result, const TraceAverage& average, const std::string& what,
                 const std::string& scheme) {
  const double scale = EffectScale(result.summary);
  return {.name = fmt::format("trace_average_{}", what),
          .title = fmt::format("Average indirect effect of {}", what),
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
                  .title = fmt::format("Average indirect effect of {}", what),
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
      "In the corrupted run, {}. The indirect effect is (p - p_corrupt) / (p_clean - p_corrupt), "
      "where p is the probability of the answer. It is averaged over a fact's tokens of a row, "
      "then over facts. The number in brackets counts the facts that have such a token. {}",
      Restored(result), GuardText(result.summary.average.guarded));
}

std::vector<Figure> AverageFigures(const TraceResult& result) {
  const TraceSummary& summary = result.summary;
  const std::string site(SiteName(result.site)), scheme = SchemeForSite(result.site);
  std::vector<LineChart> curves = {AverageCurves(result, summary.average, site)};
  if (summary.isolated)
    curves.push_back(AverageCurves(result, summary.isolated->difference, kDifference));
  ShareValueRange(curves, {0, 1});
  std::vector<Figure> figures = {
      {"Indirect effect of " + site,
       summary.isolated ? "The effect of mixer_out itself, as defined above."
                        : AverageCaption(result),
       HeatMap(AverageGrid(result, summary.average, site, scheme))},
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

Figure FactFigure(const TraceResult& result, const FactTrace& trace) {
  const std::string caption =
      fmt::format("Each cell is p(answer) at the last token of the corrupted run in which {}.{}",
                  Restored(result),
                  result.facts.size() > 1 ? " The facts on this page share one colour scale." : "");
  return {.heading = fmt::format("p(answer): {}", trace.fact.clean.text),
          .caption = caption,
          .spec = HeatMap(FactHeatMap(result, trace))};
}

PageLines FactLines(const TracedFact& fact) {
  return {{"clean prompt", fact.clean.text},
          {"corrupted by", fact.corrupt ? fact.corrupt->subject + " in place of the subject"
                                        : "noise on the embedding of the subject"},
          {"answer", fmt::format("{} (token {})", VisibleText(fact.answer), fact.answer_id)},
          {"p(answer)", fmt::format("{:.4g} after the clean prompt, {:.4g} after the corrupted one",
                                    fact.p_clean, fact.p_corrupt)}};
}

// "ssm_out", or with --isolate "mixer_out and its inputs".
std::string TracedSite(const TraceResult& result) {
  const std::string site(SiteName(result.site));
  return result.summary.isolated ? site + " and its inputs" : site;
}

}  // namespace

Grid FactHeatMap(const TraceResult& result, const FactTrace& trace) {
  const TracedFact& fact = trace.fact;
  Grid grid{
      .name = fmt::format("trace_{}", SiteName(result.site)),
      .title =
          fmt::format("p({}) with {} restored", VisibleText(fact.answer), SiteName(result.site)),
      .subtitle = fmt::format("{}; {}; corrupted by {}; window of {}; * marks the subject's tokens",
                              ModelName(result.options), fact.clean.text,
                              fact.corrupt ? fact.corrupt->subject : Corruption(result),
                              CountText(static_cast<size_t>(result.window), "layer")),
      .row_title = "token",
      .column_title = "layer",
      .value_title = "p(answer)",
      .rows = fact.clean.tokens,
      .columns = LayerLabels(result, trace.probs[0].size()),
      .values = trace.probs,
      .missing = "no such token in the corrupted prompt, or no such site in the layer",
      .scheme = SchemeForSite(result.site),
      .domain = {{0.0, ProbabilityScale(result, trace)}},
      .references = {{"clean", fact.p_clean}, {"corrupted", fact.p_corrupt}}};
  for (int64_t t = fact.clean.subject_span.begin; t < fact.clean.subject_span.end; ++t)
    grid.marked_rows.push_back(static_cast<int>(t));
  return grid;
}

Grid AverageHeatMap(const TraceResult& result) {
  if (result.summary.isolated)
    return AverageGrid(result, result.summary.isolated->difference, kDifference, "redblue");
  return AverageGrid(result, result.summary.average, std::string(SiteName(result.site)),
                     SchemeForSite(result.site));
}

std::string TracePage(const TraceResult& result) {
  PageInfo info{
      .title = fmt::format(
          "Causal trace of {}{}: {} ({})", TracedSite(result),
          result.window == 1 ? "" : fmt::format(" in windows of {} layers", result.window),
          TracedData(result), ModelName(result.options)),
      .summary = {{"model", ModelName(result.options)}},
      .made_by = OptionLines(result.options)};
  std::vector<Figure> figures;
  if (result.facts.size() == 1) {
    for (auto& line : FactLines(result.facts[0].fact)) info.summary.push_back(std::move(line));
  } else {
    figures = AverageFigures(result);
    info.summary.push_back({"corrupted by", Corruption(result)});
    if (!result.relations.empty())
      info.summary.push_back({"chosen facts", RelationsLine(result.relations)});
  }
  for (size_t i = 0; i < std::min(result.facts.size(), kTracedSamples); ++i)
    figures.push_back(FactFigure(result, result.facts[i]));
  if (result.facts.size() == 1 && result.summary.isolated)
    figures.insert(figures.begin(), AverageFigures(result).front());
  return HtmlPage(info, figures);
}

std::string TraceText(const TraceResult& result) {
  std::string text;
  Grid grid;
  if (result.facts.size() == 1) {
    text = FactText(result.facts[0].fact) + "p(answer)";
    grid = FactHeatMap(result, result.facts[0]);
  } else {
    const std::string guarded = GuardText(result.summary.average.guarded);
    text = FactsText(result.facts.size(), result.relations) + "\n" +
           (guarded.empty() ? "" : guarded + "\n") + "Average indirect effect";
    grid = AverageHeatMap(result);
    grid.domain = {{0.0, 1.0}};
  }
  const bool difference = result.facts.size() > 1 && result.summary.isolated.has_value();
  const std::string what =
      difference ? " of mixer_out, less those of ssm_out and gate (blank if negative)"
                 : fmt::format(" with the clean state restored, site {}", SiteName(result.site));
  return text + fmt::format("{}, window {}:\n{}\n", what, result.window, TerminalHeatMap(grid));
}

}  // namespace mambascope
