#include "mambascope/reports/knockout_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/figures/label.h"
#include "mambascope/figures/terminal.h"
#include "mambascope/reports/knockout_words.h"

namespace mambascope {
namespace {

// "-83.2 % (at 6)"; "0.0 %" where there is hardly a change.
std::string Extreme(const KnockoutResult& result, const std::vector<double>& change,
                    std::vector<double>::const_iterator at) {
  if (std::abs(*at) < 0.05) return "0.0 %";
  return fmt::format("{:+.1f} % (at {})", *at,
                     result.x.at(static_cast<size_t>(at - change.begin())));
}

}  // namespace

std::string KnockoutText(const KnockoutResult& result) {
  const auto& flows = result.flows;
  const bool one_target = std::all_of(flows.begin(), flows.end(),
                                      [&](const Flow& flow) { return flow.to == flows[0].to; });
  std::string what = result.mode;
  if (one_target && !flows[0].to.empty()) what += " to " + flows[0].to;
  if (result.channels.size() == 1) what += GroupText(result, 0);
  std::string text = fmt::format("{}: {}, {}\n", result.name, what, WindowText(result));
  if (result.facts.size() == 1) {
    const KnockedFact& fact = result.facts[0];
    text += fmt::format("{} -> {}\n  base run  p = {:.4g}\n", fact.prompt.text,
                        VisibleText(fact.answer), fact.base.p);
  }
  Grid grid{.row_title = "severed", .column_title = "layer"};
  double most = 1;  // the scale's upper end
  for (int x : result.x) grid.columns.push_back(std::to_string(x));
  for (size_t f = 0; f < result.flows.size(); ++f) {
    const KnockoutAverage& average = result.summary.all.flows[f];
    const auto [low, high] = std::minmax_element(average.change.begin(), average.change.end());
    grid.rows.push_back(FlowName(result, result.flows[f]));
    grid.values.emplace_back();
    for (double change : average.change) grid.values.back().push_back(-change);
    most = std::max(most, -*low);
    const bool everywhere = average.with_sources == static_cast<int64_t>(result.facts.size());
    text += fmt::format("  {:<32} change of p(answer): lowest {}, highest {}{}\n", grid.rows.back(),
                        Extreme(result, average.change, low), Extreme(result, average.change, high),
                        everywhere ? ""
                                   : fmt::format("; {} of {} facts have something to sever",
                                                 average.with_sources, result.facts.size()));
  }
  grid.domain = {{0.0, most}};
  return text + "p(answer) lost (%):\n" + TerminalHeatMap(grid);
}

}  // namespace mambascope
