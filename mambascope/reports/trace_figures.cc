#include "mambascope/reports/trace_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/figures/heat_map.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/values.h"
#include "mambascope/plural.h"
#include "mambascope/reports/fact_text.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

constexpr const char* kDifference = "mixer_out - ssm_out - gate";

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

std::vector<std::string> RowLabels(const TraceAverage& average) {
  std::vector<std::string> labels;
  for (size_t r = 0; r < kTraceRows.size(); ++r) {
    labels.push_back(fmt::format("{} ({})", RowName(r), average.facts_per_row[r]));
  }
  return labels;
}

// The lines under a figure's title.
std::string TracedSubtitle(const TraceResult& result) {
  return fmt::format("{}; {}; corrupted by {}; window of {}", ModelName(result.options),
                     TracedData(result), Corruption(result), Count(result.window, "layer"));
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
          .missing = "no fact has such a token, or no such site in the layer",
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

// The grid without the rows of tokens whose states were not restored (--tokens).
Grid WithoutEmptyRows(const Grid& all) {
  Grid grid = all;
  grid.rows.clear();
  grid.values.clear();
  grid.marked_rows.clear();
  for (size_t row = 0; row < all.rows.size(); ++row) {
    const auto& values = all.values[row];
    if (std::none_of(values.begin(), values.end(), HasValue)) continue;
    if (std::find(all.marked_rows.begin(), all.marked_rows.end(), static_cast<int>(row)) !=
        all.marked_rows.end())
      grid.marked_rows.push_back(static_cast<int>(grid.rows.size()));
    grid.rows.push_back(all.rows[row]);
    grid.values.push_back(values);
  }
  return grid;
}

std::string AverageCaption(const TraceResult& result) {
  return fmt::format(
      "In the corrupted run, {}. The indirect effect is {}. It is averaged over a fact's tokens of "
      "a row, then over facts. The number in brackets counts the facts that have such a token. {}",
      Restored(result), EffectText(result.metric),
      GuardText(result.Shown().guarded, result.metric));
}

}  // namespace

std::string SchemeForSite(Site site) {
  if (site == Site::kSsmOut || site == Site::kSsmIn || site == Site::kConvIn) return "reds";
  if (site == Site::kGate || site == Site::kMlpMid || site == Site::kMlpOut) return "greens";
  if (site == Site::kMixerOut || site == Site::kMixed) return "blues";
  return "purples";
}

bool IsLogitDiff(const TraceResult& result) { return result.metric == Metric::kLogitDiff; }

const TraceGrid& ShownGrid(const TraceResult& result, const FactTrace& trace) {
  return IsLogitDiff(result) ? trace.logit_diff : trace.probs;
}

std::vector<std::string> LayerLabels(const TraceResult& result, size_t layers) {
  std::vector<std::string> labels;
  for (size_t l = 0; l < layers; ++l)
    labels.push_back(result.site == Site::kEmbed ? "embed" : std::to_string(l));
  return labels;
}

std::string RowName(size_t row) {
  std::string name = kTraceRows[row];
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string TracedData(const TraceResult& result) {
  if (result.facts.size() == 1) return result.facts[0].fact.clean.text;
  return DataText(result.options, result.facts.size(), "fact");
}

std::string Corruption(const TraceResult& result) {
  if (result.facts.empty() || result.facts[0].fact.corrupt) return "another subject";
  const Json noise = result.options.value("noise", Json());
  return noise.is_number() ? fmt::format("noise of {} standard deviations", noise.get<double>())
                           : "noise";
}

std::string AverageTitle(const TraceResult& result, const std::string& what) {
  return fmt::format("Average indirect effect of {}{}", what,
                     IsLogitDiff(result) ? " on the logit difference" : "");
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

bool HasAverage(const TraceResult& result) {
  return result.Shown().guarded < static_cast<int64_t>(result.facts.size());
}

const TraceAverage& DrawnAverage(const TraceResult& result) {
  return result.summary.isolated ? result.summary.isolated->difference : result.Shown();
}

std::string SiteText(const TraceResult& result) {
  const std::string site(SiteName(result.site));
  return result.summary.isolated ? site + " and its inputs" : site;
}

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
  return result.options.value("tokens", Json()).is_null() ? grid : WithoutEmptyRows(grid);
}

Grid AverageHeatMap(const TraceResult& result) {
  if (result.summary.isolated)
    return AverageGrid(result, result.summary.isolated->difference, kDifference, "redblue");
  return AverageGrid(result, result.Shown(), std::string(SiteName(result.site)),
                     SchemeForSite(result.site));
}

}  // namespace mambascope
