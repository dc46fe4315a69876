#include "mambascope/reports/moments_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "mambascope/figures/page.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

// From the first layer's blue over violet to the last one's orange: all are seen on white and on
// black.
std::string LayerColour(int layer, int last) {
  constexpr double kStops[3][3] = {{0x2f, 0x6f, 0xd8}, {0xb0, 0x40, 0x9a}, {0xe8, 0x7a, 0x17}};
  const double at = last == 0 ? 0 : 2.0 * layer / last;
  const size_t stop = at < 1 ? 0 : 1;
  std::string colour = "#";
  for (size_t i = 0; i < 3; ++i)
    colour += fmt::format("{:02x}", std::lround(std::lerp(kStops[stop][i], kStops[stop + 1][i],
                                                          at - static_cast<double>(stop))));
  return colour;
}

// The y axis: from 0 to a tenth above the largest change, but not beyond 1, from where on a change
// says no more.
std::pair<double, double> Domain(const std::vector<const MomentResult*>& moments) {
  double most = 0.1;
  for (const MomentResult* m : moments) {
    for (const std::optional<double>& change : m->convergence.change)
      most = std::max(most, change.value_or(0));
  }
  return {0, std::min(1.0, std::floor(most * 10 + 1) / 10)};
}

std::vector<const MomentResult*> MomentsAt(const MomentsResult& report, Site site) {
  std::vector<const MomentResult*> found;
  for (const MomentResult& moments : report.moments) {
    if (moments.place.site == site) found.push_back(&moments);
  }
  return found;
}

std::string ProjectionNames(const MomentsResult& report, Site site) {
  std::vector<std::string> names;
  for (const auto& [place, projections] : report.projections) {
    for (const std::string& name : projections) {
      if (place.site == site && std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

bool IsWatched(const MomentResult& moments) { return !moments.convergence.tokens.empty(); }

// The tokens at which C^-1 k changed by less than `bound` since half as many.
std::string TokensUntil(const Convergence& convergence, double bound) {
  for (size_t i = 0; i < convergence.tokens.size(); ++i) {
    if (convergence.change[i] && *convergence.change[i] < bound)
      return std::to_string(convergence.tokens[i]);
  }
  return "-";
}

}  // namespace

LineChart MomentsChart(const MomentsResult& report, Site site) {
  const std::vector<const MomentResult*> all = MomentsAt(report, site);
  const MomentResult& longest =
      **std::max_element(all.begin(), all.end(), [](const auto* a, const auto* b) {
        return a->convergence.tokens.size() < b->convergence.tokens.size();
      });
  LineChart chart{
      .name = fmt::format("moments_{}", SiteName(site)),
      .title = fmt::format("Convergence of the second moments at {} ({})", SiteName(site),
                           ProjectionNames(report, site)),
      .subtitle = fmt::format(
          "width {}; held-out keys k, C from so many tokens against half as many", longest.width),
      .x_title = "tokens (doubling)",
      .y_title = "relative change of C⁻¹k",
      .references = {{"10 %", 0.1}},
      .domain = Domain(all)};
  for (const int64_t tokens : longest.convergence.tokens) chart.x.push_back(std::to_string(tokens));
  int last = 0;
  for (const MomentResult* m : all) last = std::max(last, m->place.layer);
  for (const MomentResult* m : all) {
    Curve curve{.name = fmt::format("layer {}", m->place.layer),
                .values = m->convergence.change,
                .colour = LayerColour(m->place.layer, last)};
    curve.values.resize(chart.x.size());
    chart.curves.push_back(std::move(curve));
  }
  return chart;
}

std::string MomentsPage(const MomentsResult& report) {
  PageInfo info{.title = "Second moments",
                .summary = {{"model", report.options.value("model", "")}}};
  if (!report.moments.empty()) {
    const MomentResult& first = report.moments[0];
    info.summary.push_back(
        {"text", fmt::format("{} tokens of {} documents", first.tokens, first.documents)});
  }
  info.summary.push_back({"options", OptionsLine(report.options)});
  std::vector<Figure> figures;
  std::set<Site> sites;
  for (const MomentResult& moments : report.moments) sites.insert(moments.place.site);
  for (const Site site : sites) {
    const std::vector<const MomentResult*> all = MomentsAt(report, site);
    if (!std::any_of(all.begin(), all.end(), [](const MomentResult* m) { return IsWatched(*m); }))
      continue;
    const std::string caption = fmt::format(
        "C is the mean of k kᵀ over the tokens of the text, k the input of {}. An edit moves along "
        "C⁻¹k; the figure shows how much that "
        "vector, of keys "
        "that were not counted, still changes when the text is doubled. A curve "
        "without "
        "points: fewer tokens than features, so that C has no inverse.",
        ProjectionNames(report, site));
    figures.push_back({.heading = std::string(SiteName(site)),
                       .caption = caption,
                       .spec = LineChartSpec(MomentsChart(report, site))});
  }
  return HtmlPage(info, figures);
}

std::string MomentsText(const MomentsResult& report) {
  std::string text =
      fmt::format("{:<16}{:>6}{:>10}{:>11}{:>13}{:>13}{:>13}\n", "site.layer", "width", "tokens",
                  "condition", "last change", "below 10 %", "below 1 %");
  for (const MomentResult& m : report.moments) {
    std::string last = "-";
    if (!m.convergence.change.empty() && m.convergence.change.back())
      last = fmt::format("{:.3g}", *m.convergence.change.back());
    text += fmt::format("{:<16}{:>6}{:>10}{:>11.1e}{:>13}{:>13}{:>13}\n",
                        fmt::format("{}.{}", SiteName(m.place.site), m.place.layer), m.width,
                        m.tokens, m.condition, last, TokensUntil(m.convergence, 0.1),
                        TokensUntil(m.convergence, 0.01));
  }
  return text;
}

}  // namespace mambascope
