#include "mambascope/reports/edit_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "mambascope/figures/page.h"
#include "mambascope/plural.h"
#include "mambascope/reports/edit_means.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

// Fewer records often agree in every score. Their intervals then have no width, which says nothing.
constexpr int64_t kFewRecords = 10;
constexpr size_t kTextRows = 60;  // maximum number of rows of a terminal's table

using RowMean = std::function<MeasureMean(const EditSweepRow&)>;

// `mean` of the rows by layer, a curve per projection.
LineChart ByLayer(const EditSweepSummary& summary, LineChart chart, const RowMean& mean) {
  const std::vector<int> layers = summary.Layers();
  SetLayers(chart, layers);
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

// The panel of one of PrincipalMeans, by its index there.
LineChart MeasurePanel(const EditSweepSummary& summary, size_t index) {
  const NamedMean unedited = PrincipalMeans(summary.pre)[index];
  LineChart chart{.name = "edit_" + unedited.key,
                  .title = unedited.title,
                  .band_name = "95% confidence intervals over records",
                  .y_title = "percent",
                  .domain = {{0.0, 100.0}}};
  if (unedited.value.mean) chart.references = {{"unedited", *unedited.value.mean}};
  return ByLayer(summary, chart,
                 [&](const EditSweepRow& row) { return PrincipalMeans(row.means)[index].value; });
}

// "demo; ROME; 300 records of counterfact.json"
std::string SweepOrigin(const EditSweepResult& sweep) {
  return fmt::format(
      "{}; {}; {}", ModelName(sweep.options), MethodName(sweep.options, "rome"),
      DataText(sweep.options, static_cast<size_t>(sweep.summary.pre.records), "record"));
}

constexpr const char* kCounterFactCaption =
    "Each edit is alone in the model. Panels show means over records; the dashed line is the model "
    "before any edit.\n"
    "ES (efficacy) is how often the edited prompt makes the new object more probable than the true "
    "one. PS (generalization) is the same for paraphrases of the prompt. It shows whether the fact "
    "was rewritten or only its wording, and differs most between projections. NS (specificity) is "
    "how often prompts about other subjects still make the true object more probable. S is the "
    "harmonic mean of the three, which is high only if all three are high.\n"
    "An edit that has no effect keeps the NS of the dashed line, so read NS together with ES. At "
    "the last layer, an edit at the subject can no longer reach an answer that comes later. If all "
    "records agree, a band has no width. The bands of S are linearized, and rough near 0.\n"
    "Figure 6 of Sharma et al. (2024) shows the same for Mamba-2.8b (64 layers, 2000 records). S "
    "of W_o is best in early layers (94 at layer 1), and S of W_a in the middle (94 at layer 18). "
    "All fall in the last third, W_o and W_g to 4 at the last layer. ES is near 100, with dips, "
    "for W_a up to the last layers, for W_o up to layer 46 and for W_g up to layer 27. PS of W_o "
    "and W_g is near 90 or above up to layer 21; W_a gets there only at about layer 13. NS of W_g "
    "stays highest, even if its edits fail. NS of W_o and W_a falls from the middle layers on.";

constexpr const char* kZsreCaption =
    "Each edit is alone in the model. Panels show means over records; the dashed line is the model "
    "before any edit.\n"
    "The rewrite accuracy is the share of the new answer's tokens that are the most probable ones "
    "after the question and the answer's tokens before them. The paraphrase accuracy is the same "
    "after the question in other words. It shows whether the fact was rewritten or only its "
    "wording. The neighborhood accuracy is the share of correct tokens of the answer to an "
    "unrelated question. S is the harmonic mean of the three, which is high only if all three are "
    "high.\n"
    "An edit that has no effect keeps the neighborhood accuracy of the dashed line, so read it "
    "together with the rewrite accuracy. At the last layer, an edit at the subject can no longer "
    "reach an answer that comes later. The bands of S are linearized, and rough near 0.";

constexpr const char* kPassesCaption =
    "A search ends if its loss is low enough or the target is probable enough. Searches that take "
    "the maximum number of passes did not get there.";
constexpr const char* kChangeCaption =
    "The norm of the change that an edit adds to its weight W. A larger change is more likely to "
    "disturb other facts.";

std::vector<Figure> SweepFigures(const EditSweepResult& sweep) {
  std::vector<Figure> figures;
  const bool is_zsre = sweep.summary.pre.measures.benchmark == EditBenchmark::kZsre;
  if (const auto panels = EditSweepPanels(sweep))
    figures.push_back({.heading = panels->title,
                       .caption = is_zsre ? kZsreCaption : kCounterFactCaption,
                       .spec = LinePanelsSpec(*panels)});
  for (const LineChart& chart : EditSearchCharts(sweep))
    figures.push_back({.heading = chart.title,
                       .caption = chart.name == "edit_passes" ? kPassesCaption : kChangeCaption,
                       .spec = LineChartSpec(chart)});
  return figures;
}

std::string PlaceName(const EditSweepRow& row) {
  return fmt::format("{}, layer {}", row.projection, row.layer);
}

// The lines of every `every`-th row, and of `best_here`.
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

// "entropy 5.7 to 6.3, reference 15.6 to 23.2": the texts before and after the best edit. Empty if
// nothing was generated.
std::string GenerationsLine(const EditSweepSummary& summary) {
  const EditSweepRow* best = summary.Best();
  if (best == nullptr || !summary.pre.measures.texts || !best->means.measures.texts) return "";
  const auto &before = *summary.pre.measures.texts, &after = *best->means.measures.texts;
  std::string text;
  const auto add = [&](const char* name, const MeasureMean& from, const MeasureMean& to) {
    if (!from.mean || !to.mean) return;
    text += text.empty() ? "Generated texts before and after the best edit: " : ", ";
    text += fmt::format("{} {:.1f} to {:.1f}", name, *from.mean, *to.mean);
  };
  add("entropy", before.entropy, after.entropy);
  add("reference", before.reference, after.reference);
  return text.empty() ? "" : text + "\n";
}

// The unit of the table's numbers, and how certain they are.
std::string RecordsLine(const EditSweepSummary& summary) {
  const int64_t records = summary.pre.records;
  const double widest = summary.WidestHalfInterval();
  const char* percent = PercentName(summary.pre.measures.benchmark);
  if (records < 2)
    return fmt::format("{} of {} record. This shows what an edit does, but not how often.\n",
                       percent, records);
  if (records < kFewRecords || widest > 40)
    return fmt::format(
        "{}, means over {} records. They are too few to tell how often edits do "
        "this.\n",
        percent, records);
  return fmt::format(
      "{}, means over {} records. The widest 95% interval reaches {:.1f} to each "
      "side of its mean.\n",
      percent, records, widest);
}

// The measures of every row. If the page has the panels, only the best row of each projection.
PageLines RowLines(const EditSweepResult& sweep) {
  const bool has_panels = EditSweepPanels(sweep).has_value();
  PageLines lines;
  for (const ProjectionSummary& projection : sweep.summary.projections) {
    for (const EditSweepRow& row : projection.rows) {
      if (has_panels && &row != projection.Best()) continue;
      lines.push_back({(has_panels ? "best of " : "") + PlaceName(row), MeasuresLine(row.means)});
    }
  }
  return lines;
}

}  // namespace

std::optional<LinePanels> EditSweepPanels(const EditSweepResult& sweep) {
  const EditSweepSummary& summary = sweep.summary;
  if (summary.Layers().size() < 2 || summary.pre.records < 2) return std::nullopt;
  LinePanels figure{.name = "edit_sweep",
                    .title = "Edits by layer and projection",
                    .subtitle = SweepOrigin(sweep)};
  for (size_t index = 0; index < PrincipalMeans(summary.pre).size(); ++index)
    figure.panels.push_back(MeasurePanel(summary, index));
  return figure;
}

std::vector<LineChart> EditSearchCharts(const EditSweepResult& sweep) {
  if (sweep.summary.Layers().size() < 2) return {};
  const std::string origin = SweepOrigin(sweep) + (sweep.summary.pre.records > 1 ? "; means" : "");
  const LineChart passes{.name = "edit_passes",
                         .title = "Passes of a value search",
                         .subtitle = origin,
                         .y_title = "passes"};
  const LineChart change{.name = "edit_change",
                         .title = "Size of the change of a weight W",
                         .subtitle = origin,
                         .y_title = "|change| / |W| (percent)"};
  std::vector<LineChart> charts = {
      ByLayer(sweep.summary, passes,
              [](const EditSweepRow& row) { return MeasureMean{.mean = row.steps}; }),
      ByLayer(sweep.summary, change,
              [](const EditSweepRow& row) { return MeasureMean{.mean = row.ChangePercent()}; })};
  for (LineChart& chart : charts) {  // they have different units
    std::vector<LineChart> alone = {chart};
    ShareValueRange(alone, {0, 1});
    chart = alone[0];
  }
  return charts;
}

Page EditSweepPage(const EditSweepResult& sweep) {
  const EditSweepSummary& summary = sweep.summary;
  std::vector<std::string> projections;
  for (const ProjectionSummary& projection : summary.projections)
    projections.push_back(projection.projection);
  const auto records = static_cast<size_t>(summary.pre.records);
  PageInfo info{
      .title = fmt::format("Edits of {} by layer: {} ({})", JoinTexts(projections),
                           DataText(sweep.options, records, "record"), ModelName(sweep.options)),
      .summary = {{"model", ModelName(sweep.options)},
                  {"records", std::to_string(records)},
                  {"unit", records > 1 ? "percent, with 95% intervals in brackets" : "percent"},
                  {"unedited", MeasuresLine(summary.pre)}},
      .made_by = OptionLines(sweep.options)};
  for (auto& line : RowLines(sweep)) info.summary.push_back(std::move(line));
  return {info, SweepFigures(sweep)};
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
    out += fmt::format("One layer in {} is shown, and the best layer of each projection.\n", every);
  return out + RecordsLine(summary) + GenerationsLine(summary);
}

std::string EditRecordsText(const EditSweepResult& sweep) {
  return fmt::format("{}, of {} tested for whether the model knows them, of {}\n{}",
                     Count(sweep.choice.chosen, "record"), sweep.choice.tested, sweep.choice.of,
                     EditSweepText(sweep));
}

}  // namespace mambascope
