#include "mambascope/reports/knockout_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/figures/label.h"
#include "mambascope/figures/terminal.h"
#include "mambascope/plural.h"
#include "mambascope/reports/fact_text.h"
#include "mambascope/reports/knockout_words.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

// "-83.2 % (layer 6)", or "0.0 %" for changes below 0.05 %.
std::string Extreme(const std::vector<int>& x, const std::vector<double>& change,
                    std::vector<double>::const_iterator at) {
  if (std::abs(*at) < 0.05) return "0.0 %";
  return fmt::format("{:+.1f} % (layer {})", *at, x.at(static_cast<size_t>(at - change.begin())));
}

}  // namespace

std::string KnockoutText(const KnockoutResult& result) {
  const auto& flows = result.flows;
  const bool one_target = std::all_of(flows.begin(), flows.end(),
                                      [&](const Flow& flow) { return flow.to == flows[0].to; });
  std::string what = "mode " + result.mode;
  if (one_target && !flows[0].to.empty()) what += ", to " + flows[0].to;
  if (result.channels.size() == 1) what += GroupText(result, 0);
  std::string text = fmt::format("{}: {}, {}\n", result.name, what, WindowText(result));
  if (result.facts.size() == 1) {
    const KnockedFact& fact = result.facts[0];
    text += fmt::format("{} -> {}\n  base run  p = {:.4g}\n", fact.prompt.text,
                        VisibleText(fact.answer), fact.base.p);
  }
  Grid grid{.row_title = "severed",
            .column_title = "layer",
            .missing = "no window of this length begins there"};
  double most = 10;  // the scale's upper end, so that small losses look small
  for (int x : AllPlaces(result)) grid.columns.push_back(std::to_string(x));
  text += fmt::format("Change of p(answer), by the {} layer of the window:\n",
                      result.windows == KnockoutResult::Windows::kAround ? "middle" : "first");
  for (size_t f = 0; f < result.flows.size(); ++f) {
    const KnockoutAverage& average = result.summary.all.flows[f];
    const auto [low, high] = std::minmax_element(average.change.begin(), average.change.end());
    grid.rows.push_back(FlowName(result, result.flows[f]));
    const std::vector<int>& x = result.lengths.at(result.flows[f].windows).x;
    std::vector<std::optional<double>> losses;
    for (double change : average.change) losses.emplace_back(-change);
    grid.values.push_back(AtPlaces(result, x, losses));
    most = std::max(most, -*low);
    const bool everywhere = average.with_sources == static_cast<int64_t>(result.facts.size());
    text += fmt::format(
        "  {:<32} lowest {}, highest {}{}\n", grid.rows.back(), Extreme(x, average.change, low),
        Extreme(x, average.change, high),
        everywhere ? ""
                   : fmt::format("; {} of {} have something to sever", average.with_sources,
                                 Count(result.facts.size(), "fact")));
  }
  grid.domain = {{0.0, most}};
  return text + "Loss of p(answer) in percent:\n" + TerminalHeatMap(grid);
}

std::string KnockoutText(const std::vector<KnockoutResult>& results) {
  std::string text = FactsText(results.at(0).facts.size(), results[0].relations);
  for (const KnockoutResult& result : results)
    text += (text.empty() ? "" : "\n") + KnockoutText(result);
  return text + "\n";
}

}  // namespace mambascope
