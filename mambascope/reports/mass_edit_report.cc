#include "mambascope/reports/memit_report.h"

#include <fmt/format.h>

#include <array>

#include "mambascope/figures/page.h"
#include "mambascope/reports/result_page.h"
#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

constexpr std::array kDrawnMeasures = {"S", "ES", "PS", "NS"};

std::string EditsText(const Json& row) {
  const auto edits = row.at("edits").get<int64_t>();
  return fmt::format("{} edit{}", edits, edits == 1 ? "" : "s");
}

// "S 93.56, ES 99.75, ..; 0.31 s per edit".
std::string RowText(const Json& row) {
  std::string text;
  for (const char* key : kDrawnMeasures) {
    const std::optional<double> percent = NumberOf(row, key);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, percent ? fmt::format("{:.2f}", *percent) : "-");
  }
  if (const auto seconds = NumberOf(row, "seconds_per_edit")) text += fmt::format("; {:.3g} s per edit", *seconds);
  return text;
}

}  // namespace

LineChart MemitChart(const MemitCurve& curve) {
  LineChart chart{.name = "memit",
                  .title = "Edits made at once",
                  .subtitle = fmt::format("{}; bands: 95% confidence intervals over the edited records", curve.options.value("model", "")),
                  .x_title = "edits",
                  .y_title = "percent",
                  .domain = {{0.0, 100.0}}};
  for (const Json& row : curve.rows) chart.x.push_back(std::to_string(row.at("edits").get<int64_t>()));
  for (const char* key : kDrawnMeasures) {
    chart.curves.push_back({.name = key});
    for (const Json& row : curve.rows) {
      chart.curves.back().values.push_back(NumberOf(row, key));
      chart.curves.back().band.push_back(IntervalOf(row, key));
    }
  }
  return chart;
}

std::string MemitPage(const MemitCurve& curve) {
  PageInfo info{.title = "Many edits at once", .summary = {{"model", curve.options.value("model", "")}}};
  for (const Json& row : curve.rows) info.summary.push_back({EditsText(row), RowText(row)});
  info.summary.push_back({"options", OptionsLine(curve.options)});
  if (curve.rows.size() < 2) return HtmlPage(info, {});
  const std::string caption =
      "All edits of a point are in the weights together, and each is measured on its own record. ES: the new object is more "
      "probable than the true one; PS: in paraphrases too; NS: other subjects keep their own; S: the harmonic mean. Edits that get in "
      "each other's way lower them from left to right. Of few edits the bands are wide, and of one there is none.";
  return HtmlPage(info, {{.heading = "Measures by the number of edits", .caption = caption, .spec = LineChartSpec(MemitChart(curve))}});
}

}  // namespace mambascope
