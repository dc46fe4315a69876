#include "mambascope/reports/edit_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "mambascope/figures/page.h"
#include "mambascope/reports/edit_means.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

constexpr size_t kTextRows = 60;  // of a terminal's table

using RowMean = std::function<MeasureMean(const EditSweepRow&)>;

// `mean` of the rows by layer, a curve per projection.
LineChart ByLayer(const EditSweepSummary& summary, LineChart chart, const RowMean& mean) {
  const std::vector<int> layers = summary.Layers();
  chart.x_title = "layer";
  for (int layer : layers) chart.x.push_back(std::to_string(layer));
  for (const ProjectionSummary& projection : summary.projections) {
    Curve curve{.name = projection.projection};
    curve.values.resize(layers.size());
    curve.band.resize(layers.size());
    for (const EditSweepRow& row : projection.rows) {
      const auto x = std::lower_bound(layers.begin(), layers.end(), row.layer) - layers.begin();
      const MeasureMean value = mean(row);
      curve.values[x] = value.mean;
      curve.band[x] = value.interval;
    }
    chart.curves.push_back(std::move(curve));
  }
  return chart;
}

// The chart of one of PrincipalMeans, by its place among them.
LineChart MeasureChart(const EditSweepSummary& summary, const std::string& origin, size_t place) {
  const NamedMean unedited = PrincipalMeans(summary.pre)[place];
  LineChart chart{.name = "edit_" + unedited.key,
                  .title = unedited.title,
                  .subtitle = origin + "; bands: 95% confidence intervals",
                  .y_title = unedited.key + " (percent)",
                  .domain = {{0.0, 100.0}}};
  if (unedited.value.mean) chart.references = {{"unedited", *unedited.value.mean}};
  return ByLayer(summary, chart,
                 [&](const EditSweepRow& row) { return PrincipalMeans(row.means)[place].value; });
}

// How to read each chart of CounterFact's.
constexpr std::array kCounterFactCaptions = {
    "The harmonic mean of ES, PS and NS: high only where all three are. Dashed: the model before "
    "any edit. The bands are "
    "linearized, and rough near 0. In Figure 6 of Sharma et al. (2024; Mamba-2.8b, 64 layers, 2000 "
    "records) W_o is best in early "
    "layers (94 at layer 1) and W_a in the middle (94 at layer 18); all fall in the last third, "
    "W_o and W_g to 4 at the last "
    "layer.",
    "How often the edited prompt makes the new object more probable than the true one. Where all "
    "records agree, a band has no "
    "width. In Figure 6 it is near 100, with dips, for W_a up to the last layers, for W_o up to "
    "layer 46 and for W_g up to layer "
    "27. At the last layer an edit at the subject can no longer reach an answer that comes later.",
    "The same of paraphrases of the edited prompt: whether the fact was rewritten, or only its "
    "wording. It tells the projections "
    "apart most. In Figure 6 W_o and W_g are near 90 or above up to layer 21; W_a gets there only "
    "at about layer 13.",
    "How often prompts about other subjects still make the true object the more probable one. An "
    "edit that reaches nothing keeps "
    "the dashed line's value: read it together with ES. In Figure 6 W_g stays highest, also where "
    "its edits fail; W_o and W_a fall "
    "from the middle layers on."};

// And of zsRE's.
constexpr std::array kZsreCaptions = {
    "The harmonic mean of the three accuracies: high only where all three are. Dashed: the model "
    "before any edit. The bands are "
    "linearized, and rough near 0.",
    "The share of the new answer's tokens that are the most probable ones after the question, "
    "given the answer's tokens before. At the "
    "last layer an edit at the subject can no longer reach an answer that comes later.",
    "The same after the question in other words: whether the fact was rewritten, or only its "
    "wording.",
    "The share of correct tokens of the answer to an unrelated question. An edit that reaches "
    "nothing keeps the dashed line's value: read "
    "it together with the rewrite accuracy."};

constexpr const char* kPassesCaption =
    "A search ends when its loss is low or the target probable enough. Where searches take all the "
    "passes they may, they did not "
    "get there.";
constexpr const char* kChangeCaption =
    "The norm of what an edit adds to its weight W. The larger, the more it is likely to disturb "
    "what it should not.";

std::vector<Figure> Figures(const EditSweepResult& sweep) {
  std::vector<Figure> figures;
  const auto& captions = sweep.summary.pre.measures.benchmark == EditBenchmark::kZsre
                             ? kZsreCaptions
                             : kCounterFactCaptions;
  for (const LineChart& chart : EditSweepCharts(sweep)) {
    const size_t i = figures.size();
    const char* caption = i < captions.size()    ? captions[i]
                          : i == captions.size() ? kPassesCaption
                                                 : kChangeCaption;
    figures.push_back({.heading = chart.title, .caption = caption, .spec = LineChartSpec(chart)});
  }
  return figures;
}

// "S 93.56, ES 99.75 [99.1, 100.0], ..".
std::string MeasuresLine(const EditMeans& means) {
  std::string line;
  for (const NamedMean& mean : ScoreFirst(PrincipalMeans(means))) {
    line += fmt::format("{}{} {}", line.empty() ? "" : ", ", mean.key, PercentText(mean.value));
    if (const auto& interval = mean.value.interval)
      line += fmt::format(" [{:.1f}, {:.1f}]", interval->first, interval->second);
  }
  return line;
}

std::string PlaceName(const EditSweepRow& row) {
  return fmt::format("{}, layer {}", row.projection, row.layer);
}

// Of `rows` those with a number that `every` divides, and `best_here`.
std::string TextRows(const std::vector<EditSweepRow>& rows, size_t every,
                     const EditSweepRow* best_here, const EditSweepRow* best) {
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    if (r % every != 0 && &rows[r] != best_here) continue;
    out += fmt::format("{:>10}{}{}\n", rows[r].layer, MeanCells(rows[r].means),
                       &rows[r] == best ? "  * best" : "");
  }
  return out;
}

// "entropy 5.7 to 6.3, reference 15.6 to 23.2": before, and after the best edit; empty where
// nothing was generated.
std::string GenerationsLine(const EditSweepSummary& summary) {
  const EditSweepRow* best = summary.Best();
  if (best == nullptr || !summary.pre.measures.texts || !best->means.measures.texts) return "";
  const auto &before = *summary.pre.measures.texts, &after = *best->means.measures.texts;
  std::string text;
  const auto add = [&](const char* name, const MeasureMean& from, const MeasureMean& to) {
    if (!from.mean || !to.mean) return;
    text += text.empty() ? "Generations, before and after the best: " : ", ";
    text += fmt::format("{} {:.1f} to {:.1f}", name, *from.mean, *to.mean);
  };
  add("entropy", before.entropy, after.entropy);
  add("reference", before.reference, after.reference);
  return text.empty() ? "" : text + "\n";
}

// How sure the table's numbers are.
std::string RecordsLine(const EditSweepSummary& summary) {
  const int64_t records = summary.pre.records;
  const double widest = summary.WidestHalfInterval();
  const char* percent = PercentName(summary.pre.measures.benchmark);
  if (records < 2)
    return fmt::format("{}, of {} record: it shows what an edit does, not how often.\n", percent,
                       records);
  if (widest > 40)
    return fmt::format("{}, means over {} records: too few to tell how often edits do this.\n",
                       percent, records);
  return fmt::format("{}, means over {} records; the widest 95% interval is +- {:.1f}.\n", percent,
                     records, widest);
}

}  // namespace

std::vector<LineChart> EditSweepCharts(const EditSweepResult& sweep) {
  const EditSweepSummary& summary = sweep.summary;
  if (summary.Layers().size() < 2) return {};
  // "demo; 300 records".
  const std::string origin =
      fmt::format("{}; {} records", sweep.options.value("model", ""), summary.pre.records);
  const LineChart passes{.name = "edit_passes",
                         .title = "Passes per value search",
                         .subtitle = origin + "; means",
                         .y_title = "passes"};
  const LineChart change{.name = "edit_change",
                         .title = "Size of the change",
                         .subtitle = origin + "; means",
                         .y_title = "|change| / |W| (percent)"};
  return {MeasureChart(summary, origin, 3),
          MeasureChart(summary, origin, 0),
          MeasureChart(summary, origin, 1),
          MeasureChart(summary, origin, 2),
          ByLayer(summary, passes,
                  [](const EditSweepRow& row) { return MeasureMean{.mean = row.steps}; }),
          ByLayer(summary, change, [](const EditSweepRow& row) {
            return MeasureMean{.mean = row.ChangePercent()};
          })};
}

std::string EditSweepPage(const EditSweepResult& sweep) {
  const EditSweepSummary& summary = sweep.summary;
  const std::vector<Figure> figures = Figures(sweep);
  PageInfo info{
      .title = "Edits by layer and projection",
      .summary = {{"model", sweep.options.value("model", "")},
                  {"records", fmt::format("{} (percent, in brackets 95% intervals over records)",
                                          summary.pre.records)},
                  {"unedited", MeasuresLine(summary.pre)}}};
  for (const ProjectionSummary& projection : summary.projections) {
    if (const EditSweepRow* best = figures.empty() ? &projection.rows[0] : projection.Best())
      info.summary.push_back(
          {(figures.empty() ? "" : "best of ") + PlaceName(*best), MeasuresLine(best->means)});
  }
  info.summary.push_back({"options", OptionsLine(sweep.options)});
  return HtmlPage(info, figures);
}

std::string EditSweepText(const EditSweepResult& sweep) {
  const EditSweepSummary& summary = sweep.summary;
  size_t rows = 0;
  for (const ProjectionSummary& projection : summary.projections) rows += projection.rows.size();
  const size_t every = std::max<size_t>((rows + kTextRows - 1) / kTextRows, 1);
  std::string out = fmt::format("{:>10}{}\n", "layer", MeanHeads(summary.pre));
  out += fmt::format("{:>10}{}\n", "unedited", MeanCells(summary.pre));
  for (const ProjectionSummary& projection : summary.projections)
    out += projection.projection + "\n" +
           TextRows(projection.rows, every, projection.Best(), summary.Best());
  if (every > 1)
    out += fmt::format("One layer in {} is shown, and each projection's best.\n", every);
  return out + RecordsLine(summary) + GenerationsLine(summary);
}

}  // namespace mambascope
