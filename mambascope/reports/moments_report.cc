#include "mambascope/reports/moments_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "mambascope/figures/page.h"
#include "mambascope/plural.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

// A colour between the first layer's blue and the last layer's orange, by way of violet. All of
// them can be seen on white and on black.
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

// The y axis goes from 0 to a tenth above the largest change of all sites, but at most to 1. A
// change beyond 1 says only that the vector is not known yet.
std::pair<double, double> Domain(const MomentsResult& report) {
  double most = 0.1;
  for (const MomentResult& m : report.moments) {
    for (const std::optional<double>& change : m.convergence.change)
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

// The number of tokens from which C^-1 k changed by less than `bound` since half as many tokens.
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
      .title = fmt::format("Convergence of the second moments of {} ({})", SiteName(site),
                           ProjectionNames(report, site)),
      .subtitle = fmt::format("{}; {} features", ModelName(report.options), longest.width),
      .x_title = "tokens",
      .y_title = "relative change of C⁻¹k since half as many tokens",
      .x_scale = LineChart::XScale::kLog,
      .references = {{"10 %", 0.1}},
      .domain = Domain(report)};
  for (const int64_t tokens : longest.convergence.tokens) {
    chart.x.push_back(std::to_string(tokens));
    chart.at.push_back(static_cast<double>(tokens));
  }
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

Page MomentsPage(const MomentsResult& report) {
  std::set<Site> sites;
  std::set<int> layers;
  for (const MomentResult& moments : report.moments) {
    sites.insert(moments.place.site);
    layers.insert(moments.place.layer);
  }
  std::vector<std::string> site_names, layer_names;
  for (const Site site : sites) site_names.emplace_back(SiteName(site));
  for (const int layer : layers) layer_names.push_back(std::to_string(layer));
  PageInfo info{.title = fmt::format("Second moments of {} in {} {} ({})", JoinTexts(site_names),
                                     layers.size() == 1 ? "layer" : "layers",
                                     JoinTexts(layer_names), ModelName(report.options)),
                .summary = {{"model", ModelName(report.options)}},
                .made_by = OptionLines(report.options)};
  if (!report.moments.empty()) {
    const MomentResult& first = report.moments[0];
    info.summary.push_back({"text", fmt::format("{} of {}", Count(first.tokens, "token"),
                                                Count(first.documents, "document"))});
  }
  if (std::none_of(report.moments.begin(), report.moments.end(), IsWatched))
    info.summary.push_back(
        {"convergence", "not measured: the text is short, or shards were merged"});
  std::vector<Figure> figures;
  for (const Site site : sites) {
    const std::vector<const MomentResult*> all = MomentsAt(report, site);
    if (!std::any_of(all.begin(), all.end(), [](const MomentResult* m) { return IsWatched(*m); }))
      continue;
    const std::string caption = fmt::format(
        "C is the mean of k kᵀ over the tokens of the text, where k is the input of {}. An edit "
        "moves a weight along C⁻¹k. The figure shows how much C⁻¹k still changes when the text is "
        "doubled, for keys k that were not counted in C. A curve has no points for fewer tokens "
        "than features, because C has no inverse then.",
        ProjectionNames(report, site));
    figures.push_back({.heading = fmt::format("Convergence at {}", SiteName(site)),
                       .caption = caption,
                       .spec = LineChartSpec(MomentsChart(report, site))});
  }
  return {info, figures};
}

std::string MomentsText(const MomentsResult& report) {
  std::string text =
      fmt::format("{:<16}{:>6}{:>10}{:>11}{:>13}{:>13}{:>13}\n", "site.layer", "width", "tokens",
                  "condition", "last change", "below 10 %", "below 1 %");
  for (const MomentResult& m : report.moments) {
    std::string last = "-";
    if (!m.convergence.change.empty() && m.convergence.change.back())
      last = fmt::format("{:.3g}", *m.convergence.change.back());
    text += fmt::format("{:<16}{:>6}{:>10}{:>11.1e}{:>13}{:>13}{:>13}\n", PlaceName(m.place),
                        m.width, m.tokens, m.condition, last, TokensUntil(m.convergence, 0.1),
                        TokensUntil(m.convergence, 0.01));
  }
  return text;
}

}  // namespace mambascope
