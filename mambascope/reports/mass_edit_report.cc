#include "mambascope/reports/mass_edit_report.h"

#include <fmt/format.h>

#include "mambascope/figures/page.h"
#include "mambascope/plural.h"
#include "mambascope/reports/edit_means.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

// "S 93.56, ES 99.75 [99.1, 100.0], ..; 0.31 s per edit"
std::string PointText(const MassEditPoint& point) {
  return fmt::format("{}; {:.3g} s per edit", MeasuresLine(point.means), point.seconds_per_edit);
}

constexpr const char* kMassCounterFactCaption =
    "All edits of a point are in the weights together, and each is measured on its own record. ES "
    "is how often the new object is more probable than the true one, and PS the same for "
    "paraphrases. NS is how often other subjects keep their object. S is the harmonic mean of the "
    "three. If edits get in each other's way, the curves fall from left to right.";
constexpr const char* kMassZsreCaption =
    "All edits of a point are in the weights together, and each is measured on its own record, by "
    "shares of correct tokens. rewrite_acc is the share of the new answer after the question, "
    "paraphrase_acc after the question in other words, and neighborhood_acc of the answer to an "
    "unrelated question. S is the harmonic mean of the three. If edits get in each other's way, "
    "the curves fall from left to right.";

// "x 1.087": the factor by which the perplexity has risen.
std::string PerplexityCell(const EditHealth& health) {
  return health.perplexity ? fmt::format("x {:.3f}", health.perplexity->Ratio()) : "-";
}

// "10 records of counterfact.json"
std::string MassEditData(const MassEditResult& result) {
  const auto records = static_cast<size_t>(result.points.back().means.records);
  return DataText(result.options, records, "record");
}

// "MEMIT edits of W_o in layers 3-7"
std::string MassEditsName(const MassEditResult& result) {
  const Json layers = result.options.value("layers", Json()),
             projections = result.options.value("projections", Json::array());
  std::vector<std::string> names;
  for (const Json& name : projections) names.push_back(name.get<std::string>());
  return fmt::format("{} edits{}{}", MethodName(result.options, "memit"),
                     names.empty() ? "" : " of " + JoinTexts(names),
                     layers.is_string() ? " in layers " + layers.get<std::string>() : "");
}

}  // namespace

std::optional<LineChart> MassEditChart(const MassEditResult& result) {
  LineChart chart{
      .name = "memit",
      .title = MassEditsName(result),
      .subtitle = fmt::format("{}; {}", ModelName(result.options), MassEditData(result)),
      .band_name = "95% confidence intervals over the edited records",
      .x_title = "edits in one model",
      .y_title = "percent",
      .x_scale = LineChart::XScale::kLog,
      .domain = {{0.0, 100.0}}};
  for (const NamedMean& mean : ScoreFirst(PrincipalMeans(result.points[0].means)))
    chart.curves.push_back({.name = mean.key});
  for (const MassEditPoint& point : result.points) {
    if (point.means.records < 2) continue;
    chart.x.push_back(std::to_string(point.edits));
    chart.at.push_back(static_cast<double>(point.edits));
    const std::vector<NamedMean> means = ScoreFirst(PrincipalMeans(point.means));
    for (size_t i = 0; i < means.size(); ++i) {
      chart.curves[i].values.push_back(means[i].value.mean);
      chart.curves[i].band.push_back(means[i].value.interval);
    }
  }
  return chart.x.size() < 2 ? std::nullopt : std::optional(chart);
}

Page MassEditPage(const MassEditResult& result) {
  std::vector<std::string> counts;
  for (const MassEditPoint& point : result.points) counts.push_back(std::to_string(point.edits));
  PageInfo info{.title = fmt::format("{}: {} edits together ({})", MassEditsName(result),
                                     JoinTexts(counts), ModelName(result.options)),
                .summary = {{"model", ModelName(result.options)},
                            {"data", MassEditData(result)},
                            {"unit", "percent, with 95% intervals in brackets"}},
                .made_by = OptionLines(result.options)};
  for (const MassEditPoint& point : result.points)
    info.summary.push_back({Count(point.edits, "edit"), PointText(point)});
  const auto chart = MassEditChart(result);
  if (!chart) return {info};
  const bool is_zsre = result.points[0].means.measures.benchmark == EditBenchmark::kZsre;
  return {info,
          {{.heading = "Measures by the number of edits",
            .caption = is_zsre ? kMassZsreCaption : kMassCounterFactCaption,
            .spec = LineChartSpec(*chart)}}};
}

std::string MassEditText(const MassEditResult& result) {
  const EditMeans& first = result.points[0].means;
  std::string text = fmt::format("{:>6}{:>8}{}{:>12}{:>14}\n", "edits", "records", MeanHeads(first),
                                 "perplexity", "|change|/|W|");
  for (const MassEditPoint& point : result.points) {
    text += fmt::format("{:>6}{:>8}{}{:>12}{:>14}\n", point.edits, point.means.records,
                        MeanCells(point.means), PerplexityCell(point.health),
                        fmt::format("{:.1f} %", point.health.MostChangedPercent()));
    for (const std::string& warning : point.health.warnings)
      text += "        warning: " + warning + "\n";
  }
  const bool one_by_one = result.options.value("method", "") == "rome";
  return text + PercentName(first.measures.benchmark) +
         (one_by_one ? ", means over the records, which are edited one after the other.\n"
                     : ", means over all records, each edited in a model with that many edits.\n");
}

}  // namespace mambascope
