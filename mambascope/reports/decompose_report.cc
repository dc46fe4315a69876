#include "mambascope/reports/decompose_report.h"

#include <fmt/format.h>

#include "mambascope/reports/knockout_words.h"

namespace mambascope {

LineChart CarriedChart(const KnockoutResult& result) {
  const CarriedCurves& carried = *result.summary.carried;
  LineChart chart{
      .name = "knockout_decompose",
      .title = "What each source writes of the answer",
      .subtitle = fmt::format("{}, {}; the answer's logit is {:.1f} in the mean", result.name,
                              CountText(result.facts.size()), carried.mean_logit),
      .x_title = "layer",
      .y_title = "of the answer's logit (nats)",
      .references = {{"nothing", 0.0}}};
  const std::vector<size_t> tones = ChooseTones(carried.sources);
  for (size_t i = 0; i < carried.sources.size(); ++i) {
    const auto& [logit, ci95] = carried.average[i];
    chart.curves.push_back({.name = carried.sources[i],
                            .values = {logit.begin(), logit.end()},
                            .band = ci95,
                            .tone = tones[i]});
  }
  for (size_t l = 0; l < chart.curves.at(0).values.size(); ++l)
    chart.x.push_back(std::to_string(l));
  return chart;
}

Figure CarriedFigure(const KnockoutResult& result) {
  return {.heading = fmt::format("The answer's logit by source: {}", result.name),
          .caption =
              "In the base run: what the mixer of a layer (x) moves from the sources to the last "
              "token (hidden attention, or attention, times "
              "the values), written to the residual there and read by the final norm and the "
              "answer's row of the unembedding, both as they are "
              "in this run. What reaches the answer through later layers counts as theirs. Bands "
              "are 95% confidence intervals over facts.",
          .spec = LineChartSpec(CarriedChart(result))};
}

}  // namespace mambascope
