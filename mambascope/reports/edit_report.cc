#include "mambascope/reports/edit_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "mambascope/reports/edit_table.h"
#include "mambascope/figures/page.h"
#include "mambascope/reports/result_page.h"
#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

constexpr std::array kTextMeasures = {"ES", "PS", "NS", "S"};
constexpr size_t kTextRows = 60;  // of a terminal's table

// `value` and `interval` of the rows by layer, a curve per projection.
LineChart ChartOf(const EditTable& table, LineChart chart, const std::function<std::optional<double>(const Json&)>& value,
                  const std::function<std::optional<std::pair<double, double>>(const Json&)>& interval) {
  const std::vector<int> layers = LayersOf(table);
  chart.x_title = "layer";
  for (int layer : layers) chart.x.push_back(std::to_string(layer));
  for (const ProjectionRows& projection : table.projections) {
    Curve curve{.name = projection.projection};
    curve.values.resize(layers.size());
    curve.band.resize(layers.size());
    for (const Json& row : projection.rows) {
      const auto x = std::lower_bound(layers.begin(), layers.end(), row.at("layer").get<int>()) - layers.begin();
      curve.values[x] = value(row);
      curve.band[x] = interval(row);
    }
    chart.curves.push_back(std::move(curve));
  }
  return chart;
}

// "demo; 300 records".
std::string Origin(const EditTable& table, const Json& options) {
  return fmt::format("{}; {} records", options.value("model", ""), table.pre.at("records").get<int64_t>());
}

LineChart MeasureChart(const EditTable& table, const std::string& origin, const std::string& key, const std::string& title) {
  LineChart chart{.name = "edit_" + key,
                  .title = title,
                  .subtitle = origin + "; bands: 95% confidence intervals",
                  .y_title = key + " (percent)",
                  .domain = {{0.0, 100.0}}};
  if (const auto unedited = NumberOf(table.pre, key)) chart.references = {{"unedited", *unedited}};
  return ChartOf(
      table, chart, [&](const Json& row) { return NumberOf(row, key); }, [&](const Json& row) { return IntervalOf(row, key); });
}

std::optional<double> ChangePercent(const Json& row) {
  const auto change = NumberOf(row, "change_norm"), weight = NumberOf(row, "weight_norm");
  return change && weight ? std::optional(100 * *change / *weight) : std::nullopt;
}

std::vector<LineChart> Charts(const EditTable& table, const Json& options) {
  if (LayersOf(table).size() < 2) return {};
  const std::string origin = Origin(table, options);
  auto none = [](const Json&) { return std::nullopt; };
  return {
      MeasureChart(table, origin, "S", "Score S"),
      MeasureChart(table, origin, "ES", "Efficacy ES"),
      MeasureChart(table, origin, "PS", "Generalization PS"),
      MeasureChart(table, origin, "NS", "Specificity NS"),
      ChartOf(
          table, {.name = "edit_passes", .title = "Passes per value search", .subtitle = origin + "; means", .y_title = "passes"},
          [](const Json& row) { return NumberOf(row, "steps"); }, none),
      ChartOf(table,
              {.name = "edit_change", .title = "Size of the change", .subtitle = origin + "; means", .y_title = "|change| / |W| (percent)"},
              ChangePercent, none)};
}

// How to read each of Charts.
constexpr std::array kCaptions = {
    "The harmonic mean of ES, PS and NS: high only where all three are. Dashed: the model before any edit. The bands are "
    "linearized, and rough near 0. In Figure 6 of Sharma et al. (2024; Mamba-2.8b, 64 layers, 2000 records) W_o is best in early "
    "layers (94 at layer 1) and W_a in the middle (94 at layer 18); all fall in the last third, W_o and W_g to 4 at the last "
    "layer.",
    "How often the edited prompt makes the new object more probable than the true one. Where all records agree, a band has no "
    "width. In Figure 6 it is near 100, with dips, for W_a up to the last layers, for W_o up to layer 46 and for W_g up to layer "
    "27. At the last layer an edit at the subject can no longer reach an answer that comes later.",
    "The same of paraphrases of the edited prompt: whether the fact was rewritten, or only its wording. It tells the projections "
    "apart most. In Figure 6 W_o and W_g are near 90 or above up to layer 21; W_a gets there only at about layer 13.",
    "How often prompts about other subjects still make the true object the more probable one. An edit that reaches nothing keeps "
    "the dashed line's value: read it together with ES. In Figure 6 W_g stays highest, also where its edits fail; W_o and W_a fall "
    "from the middle layers on.",
    "A search ends when its loss is low or the target probable enough. Where searches take all the passes they may, they did not "
    "get there.",
    "The norm of what an edit adds to its weight W. The larger, the more it is likely to disturb what it should not."};

std::vector<Figure> Figures(const std::vector<LineChart>& charts) {
  std::vector<Figure> figures;
  for (size_t i = 0; i < charts.size(); ++i)
    figures.push_back({.heading = charts[i].title, .caption = kCaptions.at(i), .spec = LineChartSpec(charts[i])});
  return figures;
}

std::string PercentText(const std::optional<double>& percent) { return percent ? fmt::format("{:.2f}", *percent) : "-"; }

// "S 93.56, ES 99.75 [99.1, 100.0], ..".
std::string MeasuresLine(const Json& row) {
  std::string line;
  for (const char* key : {"S", "ES", "PS", "NS"}) {
    line += fmt::format("{}{} {}", line.empty() ? "" : ", ", key, PercentText(NumberOf(row, key)));
    if (const auto interval = IntervalOf(row, key)) line += fmt::format(" [{:.1f}, {:.1f}]", interval->first, interval->second);
  }
  return line;
}

std::string PlaceName(const Json& row) {
  return fmt::format("{}, layer {}", row.at("projection").get_ref<const std::string&>(), row.at("layer").get<int>());
}

std::string MeasureCells(const Json& row) {
  std::string cells;
  for (const char* key : kTextMeasures) cells += fmt::format("{:>8}", PercentText(NumberOf(row, key)));
  return cells;
}

// Of `rows` those with a number that `every` divides, and `best`.
std::string TextRows(const std::vector<Json>& rows, size_t every, const Json* best_here, const Json* best) {
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    if (r % every != 0 && &rows[r] != best_here) continue;
    out += fmt::format("{:>10}{}{}\n", rows[r].at("layer").get<int>(), MeasureCells(rows[r]), &rows[r] == best ? "  * best" : "");
  }
  return out;
}

// "entropy 5.7 to 6.3, reference 15.6 to 23.2": before, and after the best edit; empty where nothing was generated.
std::string GenerationsLine(const EditTable& table) {
  const Json* best = BestOf(table);
  std::string text;
  for (const char* key : {"entropy", "reference"}) {
    if (best == nullptr || !NumberOf(*best, key) || !NumberOf(table.pre, key)) continue;
    text += fmt::format("{}{} {:.1f} to {:.1f}", text.empty() ? "Generations, before and after the best: " : ", ", key,
                        *NumberOf(table.pre, key), *NumberOf(*best, key));
  }
  return text.empty() ? "" : text + "\n";
}

// How sure the table's numbers are.
std::string RecordsLine(const EditTable& table) {
  const auto records = table.pre.at("records").get<int64_t>();
  double widest = 0;
  for (const ProjectionRows& projection : table.projections) {
    for (const Json& row : projection.rows) {
      for (const char* key : kTextMeasures) {
        if (const auto interval = IntervalOf(row, key)) widest = std::max(widest, (interval->second - interval->first) / 2);
      }
    }
  }
  if (records < 2) return fmt::format("Percent, of {} record: it shows what an edit does, not how often.\n", records);
  if (widest > 40) return fmt::format("Percent, means over {} records: too few to tell how often edits do this.\n", records);
  return fmt::format("Percent, means over {} records; the widest 95% interval is +- {:.1f}.\n", records, widest);
}

}  // namespace

Json EditSweepJson(const EditSweep& sweep) {
  const EditTable table = TableOf(sweep.lines);
  Json json = {{"options", sweep.options}, {"pre", table.pre}, {"sweep", Json::array()}, {"best", nullptr}, {"records", sweep.lines}};
  for (const ProjectionRows& projection : table.projections) {
    for (const Json& row : projection.rows) json["sweep"].push_back(row);
  }
  for (Json& line : json["records"]) line.erase("made_by");  // the mark of a file that can be continued
  if (const Json* best = BestOf(table))
    json["best"] = {{"layer", best->at("layer")}, {"projection", best->at("projection")}, {"S", best->at("S")}};
  return json;
}

std::vector<LineChart> EditSweepCharts(const EditSweep& sweep) { return Charts(TableOf(sweep.lines), sweep.options); }

std::string EditSweepPage(const EditSweep& sweep) {
  const EditTable table = TableOf(sweep.lines);
  const std::vector<Figure> figures = Figures(Charts(table, sweep.options));
  PageInfo info{.title = "Edits by layer and projection",
                .summary = {{"model", sweep.options.value("model", "")},
                            {"records", fmt::format("{} (percent, in brackets 95% intervals over records)", sweep.lines.size())},
                            {"unedited", MeasuresLine(table.pre)}}};
  for (const ProjectionRows& projection : table.projections) {
    if (const Json* best = figures.empty() ? &projection.rows[0] : BestOf(projection))
      info.summary.push_back({(figures.empty() ? "" : "best of ") + PlaceName(*best), MeasuresLine(*best)});
  }
  info.summary.push_back({"options", OptionsLine(sweep.options)});
  return HtmlPage(info, figures);
}

std::string EditSweepText(const EditSweep& sweep) {
  const EditTable table = TableOf(sweep.lines);
  size_t rows = 0;
  for (const ProjectionRows& projection : table.projections) rows += projection.rows.size();
  const size_t every = std::max<size_t>((rows + kTextRows - 1) / kTextRows, 1);
  const Json* best = BestOf(table);
  std::string out = fmt::format("{:>10}{:>8}{:>8}{:>8}{:>8}\n", "layer", "ES", "PS", "NS", "S");
  out += fmt::format("{:>10}{}\n", "unedited", MeasureCells(table.pre));
  for (const ProjectionRows& projection : table.projections)
    out += projection.projection + "\n" + TextRows(projection.rows, every, BestOf(projection), best);
  if (every > 1) out += fmt::format("One layer in {} is shown, and each projection's best.\n", every);
  return out + RecordsLine(table) + GenerationsLine(table);
}

}  // namespace mambascope
