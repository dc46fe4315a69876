#include "mambascope/reports/trace_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/figures/heat_map.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/page.h"
#include "mambascope/figures/terminal.h"
#include "mambascope/reports/fact_text.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

constexpr size_t kTracedSamples = 3;  // whose own heat maps a page shows

// The colours that the field gives to each kind of state.
std::string SchemeForSite(Site site) {
  if (site == Site::kSsmOut || site == Site::kSsmIn || site == Site::kConvIn) return "reds";
  if (site == Site::kGate || site == Site::kMlpMid || site == Site::kMlpOut) return "greens";
  if (site == Site::kMixerOut || site == Site::kMixed) return "blues";
  return "purples";
}

// The upper end of a fact's colour scale.
double Largest(const FactTrace& trace) {
  double largest = std::max({trace.fact.p_clean, trace.fact.p_corrupt, 1e-6});
  for (const auto& row : trace.probs) {
    for (const auto& cell : row) largest = std::max(largest, cell.value_or(0));
  }
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

Grid AverageGrid(const TraceResult& result, const TraceAverage& average, const std::string& what,
                 const std::string& scheme) {
  return {.name = fmt::format("trace_average_{}", what),
          .title = fmt::format("Average indirect effect: {}", what),
          .subtitle = fmt::format("{} facts of {}",
                                  result.facts.size() - static_cast<size_t>(average.guarded),
                                  result.options.value("model", "")),
          .row_title = "token (facts)",
          .column_title = "layer",
          .value_title = "IE",
          .rows = RowLabels(average),
          .columns = LayerLabels(result, average.ie[0].size()),
          .values = average.ie,
          .scheme = scheme};
}

LineChart AverageCurves(const TraceResult& result, const TraceAverage& average,
                        const std::string& what) {
  LineChart chart{.name = fmt::format("trace_curves_{}", what),
                  .title = fmt::format("Average indirect effect: {}", what),
                  .subtitle = "bands: 95% confidence intervals over facts",
                  .x_title = "layer",
                  .y_title = "IE",
                  .x = LayerLabels(result, average.ie[0].size())};
  const std::vector<std::string> names = RowLabels(average);
  for (size_t r = 0; r < names.size(); ++r) {
    if (average.facts_per_row[r] > 0)
      chart.curves.push_back({.name = names[r], .values = average.ie[r], .band = average.ci95[r]});
  }
  return chart;
}

std::string Restored(const TraceResult& result) {
  return fmt::format(
      "the clean run's {} restored at one token (row), in {} (column)", SiteName(result.site),
      result.window == 1 ? "one layer" : fmt::format("{} layers around one", result.window));
}

std::vector<Figure> AverageFigures(const TraceResult& result) {
  const TraceAverage& average = result.summary.average;
  std::string caption = fmt::format(
      "IE = (p - p_corrupt) / (p_clean - p_corrupt) of {}, averaged over facts, each fact's tokens "
      "of a row first. In brackets: facts that "
      "have such a token. {} facts are left out since the clean prompt hardly makes the answer "
      "more probable (by less than {}).",
      Restored(result), average.guarded, kGuard);
  const std::string site(SiteName(result.site));
  std::vector<Figure> figures = {
      {"Where facts are recovered", caption,
       HeatMap(AverageGrid(result, average, site, SchemeForSite(result.site)))},
      {"The same as curves", "With 95% confidence intervals over facts.",
       LineChartSpec(AverageCurves(result, average, site))}};
  if (!result.summary.isolated) return figures;
  const auto& [difference, ssm_out, gate] = *result.summary.isolated;
  figures.insert(
      figures.begin(),
      {{"What the output projection adds",
        "IE of mixer_out less those of its inputs, ssm_out and gate, fact by fact.",
        HeatMap(AverageHeatMap(result))},
       {"The same as curves", "With 95% confidence intervals over facts.",
        LineChartSpec(AverageCurves(result, difference, "mixer_out - ssm_out - gate"))}});
  figures.push_back(
      {"The same of ssm_out", "", HeatMap(AverageGrid(result, ssm_out, "ssm_out", "reds"))});
  figures.push_back({"The same of gate", "", HeatMap(AverageGrid(result, gate, "gate", "greens"))});
  return figures;
}

Figure FactFigure(const TraceResult& result, const FactTrace& trace) {
  const std::string caption = fmt::format(
      "Each cell is p(answer) at the last token of the corrupted run with {}. Stars mark the "
      "subject's tokens.",
      Restored(result));
  return {.heading = fmt::format("p(answer): {}", trace.fact.clean.text),
          .caption = caption,
          .spec = HeatMap(FactHeatMap(result, trace))};
}

std::vector<std::pair<std::string, std::string>> FactSummary(const TracedFact& fact) {
  return {
      {"clean prompt", fact.clean.text},
      {"corrupted", fact.corrupt ? fact.corrupt->subject + " in place of the subject"
                                 : "noise on the subject's embedding"},
      {"answer", fmt::format("{} (token {})", VisibleText(fact.answer), fact.answer_id)},
      {"p(answer)", fmt::format("clean {:.4g}, corrupted {:.4g}", fact.p_clean, fact.p_corrupt)}};
}

}  // namespace

Grid FactHeatMap(const TraceResult& result, const FactTrace& trace) {
  const TracedFact& fact = trace.fact;
  Grid grid{.name = fmt::format("trace_{}", SiteName(result.site)),
            .title = fmt::format("Where '{}' is recovered: {}", VisibleText(fact.answer),
                                 SiteName(result.site)),
            .subtitle = fact.corrupt
                            ? fmt::format("{} restored in a prompt about {}", fact.clean.subject,
                                          fact.corrupt->subject)
                            : fmt::format("{} restored from under noise", fact.clean.subject),
            .row_title = "token",
            .column_title = "layer",
            .value_title = "p(answer)",
            .rows = fact.clean.tokens,
            .columns = LayerLabels(result, trace.probs[0].size()),
            .values = trace.probs,
            .scheme = SchemeForSite(result.site),
            .domain = {{0.0, Largest(trace)}},
            .references = {{"clean", fact.p_clean}, {"corrupted", fact.p_corrupt}}};
  for (int64_t t = fact.clean.subject_span.begin; t < fact.clean.subject_span.end; ++t)
    grid.marked_rows.push_back(static_cast<int>(t));
  return grid;
}

Grid AverageHeatMap(const TraceResult& result) {
  if (result.summary.isolated)
    return AverageGrid(result, result.summary.isolated->difference, "mixer_out - ssm_out - gate",
                       "redblue");
  return AverageGrid(result, result.summary.average, std::string(SiteName(result.site)),
                     SchemeForSite(result.site));
}

std::string TracePage(const TraceResult& result) {
  PageInfo info{.title = fmt::format("Causal trace of {} facts: {}", result.facts.size(),
                                     SiteName(result.site)),
                .summary = {{"model", result.options.value("model", "")}}};
  std::vector<Figure> figures;
  if (result.facts.size() == 1) {
    info.title = fmt::format("Causal trace: {}", result.facts[0].fact.clean.text);
    for (auto& line : FactSummary(result.facts[0].fact)) info.summary.push_back(std::move(line));
  } else {
    figures = AverageFigures(result);
    if (!result.relations.empty())
      info.summary.push_back({"relations", RelationsLine(result.relations)});
  }
  info.summary.push_back({"options", OptionsLine(result.options)});
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
    text = FactsText(result.facts.size(), result.relations) +
           fmt::format("\n{} of them left out (p_clean - p_corrupt below {})\nIE",
                       result.summary.average.guarded, kGuard);
    grid = AverageHeatMap(result);
    grid.domain = {{0.0, 1.0}};
  }
  const bool difference = result.facts.size() > 1 && result.summary.isolated.has_value();
  const std::string what =
      difference ? " of mixer_out less those of ssm_out and gate"
                 : fmt::format(" with the clean state restored, site {}", SiteName(result.site));
  return text + fmt::format("{}, window {}:\n{}\n", what, result.window, TerminalHeatMap(grid));
}

}  // namespace mambascope
