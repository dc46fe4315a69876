#include "mambascope/reports/mass_edit_report.h"

#include <fmt/format.h>

#include "mambascope/figures/page.h"
#include "mambascope/reports/edit_means.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

std::string EditsText(const MassEditPoint& point) {
  return fmt::format("{} edit{}", point.edits, point.edits == 1 ? "" : "s");
}

// "S 93.56, ES 99.75, ..; 0.31 s per edit".
std::string PointText(const MassEditPoint& point) {
  std::string text;
  for (const NamedMean& mean : ScoreFirst(PrincipalMeans(point.means)))
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", mean.key, PercentText(mean.value));
  return text + fmt::format("; {:.3g} s per edit", point.seconds_per_edit);
}

constexpr const char* kCounterFactCaption =
    "All edits of a point are in the weights together, and each is measured on its own record. ES: "
    "the new object is more "
    "probable than the true one; PS: in paraphrases too; NS: other subjects keep their own; S: the "
    "harmonic mean. Edits that get in "
    "each other's way lower them from left to right. Of few edits the bands are wide, and of one "
    "there is none.";
constexpr const char* kZsreCaption =
    "All edits of a point are in the weights together, and each is measured on its own record, by "
    "shares of correct tokens. rewrite_acc: "
    "of the new answer after the question; paraphrase_acc: after the question in other words; "
    "neighborhood_acc: of the answer to an "
    "unrelated question; S: the harmonic mean. Edits that get in each other's way lower them from "
    "left to right. Of few edits the bands "
    "are wide, and of one there is none.";

}  // namespace

LineChart MassEditChart(const MassEditResult& result) {
  LineChart chart{
      .name = "memit",
      .title = "Edits made at once",
      .subtitle = fmt::format("{}; bands: 95% confidence intervals over the edited records",
                              result.options.value("model", "")),
      .x_title = "edits",
      .y_title = "percent",
      .domain = {{0.0, 100.0}}};
  for (const NamedMean& mean : ScoreFirst(PrincipalMeans(result.points[0].means)))
    chart.curves.push_back({.name = mean.key});
  for (const MassEditPoint& point : result.points) {
    chart.x.push_back(std::to_string(point.edits));
    const std::vector<NamedMean> means = ScoreFirst(PrincipalMeans(point.means));
    for (size_t i = 0; i < means.size(); ++i) {
      chart.curves[i].values.push_back(means[i].value.mean);
      chart.curves[i].band.push_back(means[i].value.interval);
    }
  }
  return chart;
}

std::string MassEditPage(const MassEditResult& result) {
  PageInfo info{.title = "Many edits at once",
                .summary = {{"model", result.options.value("model", "")}}};
  for (const MassEditPoint& point : result.points)
    info.summary.push_back({EditsText(point), PointText(point)});
  info.summary.push_back({"options", OptionsLine(result.options)});
  if (result.points.size() < 2) return HtmlPage(info, {});
  const bool is_zsre = result.points[0].means.measures.benchmark == EditBenchmark::kZsre;
  return HtmlPage(info, {{.heading = "Measures by the number of edits",
                          .caption = is_zsre ? kZsreCaption : kCounterFactCaption,
                          .spec = LineChartSpec(MassEditChart(result))}});
}

std::string MassEditText(const MassEditResult& result) {
  const EditMeans& first = result.points[0].means;
  std::string text = fmt::format("{:>6}{:>8}{}{:>12}{:>14}\n", "edits", "records", MeanHeads(first),
                                 "perplexity", "|change|/|W|");
  for (const MassEditPoint& point : result.points) {
    text +=
        fmt::format("{:>6}{:>8}{}{:>12}{:>14}\n", point.edits, point.means.records,
                    MeanCells(point.means), fmt::format("x {:.3f}", point.health.PerplexityRatio()),
                    fmt::format("{:.1f} %", point.health.MostChangedPercent()));
    for (const std::string& warning : point.health.warnings)
      text += "        warning: " + warning + "\n";
  }
  const bool one_by_one = result.options.value("method", "") == "rome";
  return text + PercentName(first.measures.benchmark) +
         (one_by_one ? ", means over the records edited, one after the other.\n"
                     : ", means over all records, edited so many at a time.\n");
}

}  // namespace mambascope
