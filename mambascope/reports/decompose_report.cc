#include "mambascope/reports/decompose_report.h"

#include <fmt/format.h>

#include "mambascope/reports/knockout_words.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {

LineChart CarriedChart(const KnockoutResult& result) {
  const CarriedCurves& carried = *result.summary.carried;
  LineChart chart{
      .name = "knockout_decompose",
      .title = "Contribution of each source to the answer's logit",
      .subtitle = fmt::format(
          "{}; {}; {} is {:.1f}", result.name, KnockoutData(result),
          result.facts.size() == 1 ? "the answer's logit" : "the mean logit of the answers",
          carried.mean_logit),
      .band_name = "95% confidence intervals over facts",
      .y_title = "contribution to the logit (nats)",
      .references = {{"nothing", 0.0}}};
  const std::vector<size_t> tones = ChooseTones(carried.sources);
  for (size_t i = 0; i < carried.sources.size(); ++i) {
    const auto& [logit, ci95] = carried.average[i];
    chart.curves.push_back({.name = carried.sources[i],
                            .values = {logit.begin(), logit.end()},
                            .band = ci95,
                            .tone = tones[i]});
  }
  SetLayers(chart, chart.curves.at(0).values.size());
  return chart;
}

Figure CarriedFigure(const KnockoutResult& result) {
  return {.heading = fmt::format("The answer's logit by source: {}", result.name),
          .caption =
              "In the base run, the mixer of a layer (x) moves values from the sources to the last "
              "token: hidden attention, or attention, times the values. The mixer writes them to "
              "the residual stream there. The figure shows what the final norm and the answer's "
              "row of the unembedding read of that, both as they are in this run. Contributions "
              "that reach the answer through later layers count as those layers'.",
          .spec = LineChartSpec(CarriedChart(result))};
}

}  // namespace mambascope
