#include "mambascope/reports/paths_report.h"

#include <fmt/format.h>

#include "mambascope/reports/fact_json.h"
#include "mambascope/figures/page.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

std::string CurveName(const std::string& condition) { return condition == "recovery" ? "recovery" : condition + " severed"; }

std::string TokenName(const std::string& at) { return at == "subject_last" ? "the subject's last token" : "the prompt's last token"; }

}  // namespace

Json PathsJson(const PathsResult& result) {
  const PathAverage average = AveragePaths(result.facts);
  const Json ie = ToJson(average.ie), ci95 = ToJson(average.ci95);
  Json json = {
      {"options", result.options}, {"at", result.at}, {"used", average.facts}, {"guarded", average.guarded}, {"facts", Json::array()}};
  for (size_t c = 0; c < result.conditions.size(); ++c) {
    json["conditions"][result.conditions[c]] = ie[c];
    json["ci95"][result.conditions[c]] = ci95[c];
  }
  for (const FactPaths& fact : result.facts) json["facts"].push_back(ToJson(fact, result.conditions));
  if (!result.relations.empty()) json["relations"] = RelationsJson(result.relations);
  return json;
}

LineChart PathsChart(const PathsResult& result) {
  const PathAverage average = AveragePaths(result.facts);
  LineChart chart{.name = fmt::format("paths_{}", result.at),
                  .title = fmt::format("Path-specific effects at {}", TokenName(result.at)),
                  .subtitle = fmt::format("{} facts; bands: 95% confidence intervals", average.facts),
                  .x_title = "layer",
                  .y_title = "IE"};
  for (size_t l = 0; l < average.ie.at(0).size(); ++l) chart.x.push_back(std::to_string(l));
  for (size_t c = 0; c < result.conditions.size(); ++c)
    chart.curves.push_back({.name = CurveName(result.conditions[c]), .values = average.ie[c], .band = average.ci95[c]});
  return chart;
}

std::string PathsPage(const PathsResult& result) {
  PageInfo info{.title = fmt::format("Path-specific effects at {}", TokenName(result.at)),
                .summary = {{"model", result.options.value("model", "")}}};
  if (result.facts.size() == 1) info.summary.push_back({"clean prompt", result.facts[0].fact.clean.text});
  if (!result.relations.empty()) info.summary.push_back({"relations", RelationsLine(result.relations)});
  info.summary.push_back({"options", OptionsLine(result.options)});
  const std::string caption = fmt::format(
      "The clean run's residual is restored at {} after one layer (x). Recovery: nothing else is done. Severed: there, that part of every "
      "layer's mixer is held at its value in the corrupted run. What a severed curve lacks flowed through that part. {} facts are left out "
      "since the clean prompt hardly makes the answer more probable (by less than {}).",
      TokenName(result.at), AveragePaths(result.facts).guarded, kGuard);
  return HtmlPage(info, {{.heading = "Effect by layer", .caption = caption, .spec = LineChartSpec(PathsChart(result))}});
}

}  // namespace mambascope
