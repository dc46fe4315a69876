#include "mambascope/figures/dot_plot.h"

#include <fmt/format.h>

#include <set>

#include "mambascope/error.h"
#include "mambascope/figures/data_table.h"
#include "mambascope/figures/figure.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/palette.h"
#include "mambascope/figures/values.h"
#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

constexpr int kDotPlotWidth = 520, kRowHeight = 17;  // pixels

void CheckPlot(const DotPlot& plot) {
  auto fail = [&](const std::string& what) {
    throw Error(fmt::format("dot plot {}: {}", plot.name, what));
  };
  if (plot.rows.empty() || plot.series.empty()) fail("it has no dots");
  if (!(plot.domain.first < plot.domain.second))
    fail("the axis's first end is not less than its second");
  std::set<std::string> names = {plot.row_title};
  for (const DotSeries& series : plot.series) {
    if (series.values.size() != plot.rows.size())
      fail(fmt::format("series \"{}\": the number of values is {}; expected {}", series.name,
                       series.values.size(), plot.rows.size()));
    if (!series.spreads.empty() && series.spreads.size() != plot.rows.size())
      fail(fmt::format("series \"{}\": the number of spreads is {}; expected {} or 0", series.name,
                       series.spreads.size(), plot.rows.size()));
    if (!names.insert(series.name).second)
      fail(fmt::format("\"{}\" is the name of two series, or of a series and the rows",
                       series.name));
  }
}

// The dots of all series. Later dots are drawn over earlier ones, so the first series comes last.
Json Dots(const DotPlot& plot) {
  Json dots = Json::array();
  for (size_t s = plot.series.size(); s-- > 0;) {
    for (size_t row = 0; row < plot.rows.size(); ++row)
      dots.push_back(
          {{"series", s},
           {"row", row},
           {"value", ValueJson(plot.series[s].values[row])},
           {"spread",
            plot.series[s].spreads.empty() ? Json() : ValueJson(plot.series[s].spreads[row])},
           {"tick", plot.series[s].is_reference}});
  }
  return dots;
}

// The ends of the thin line at a dot.
std::optional<std::pair<double, double>> SpreadAround(const DotSeries& series, size_t row) {
  if (series.spreads.empty() || !HasValue(series.spreads[row]) || !HasValue(series.values[row]))
    return std::nullopt;
  return {{*series.values[row] - *series.spreads[row], *series.values[row] + *series.spreads[row]}};
}

}  // namespace

Json DotPlotSpec(const DotPlot& plot) {
  CheckPlot(plot);
  std::vector<std::string> names;
  Json numbers = Json::array(), colours = Json::array(),
       tooltip = Json::array({TooltipField("row_label", plot.row_title)});
  for (size_t s = 0, dots = 0; s < plot.series.size(); ++s) {
    names.push_back(VisibleText(plot.series[s].name));
    numbers.push_back(s);
    tooltip.push_back(TooltipField(std::to_string(s), names.back()));
    colours.push_back(plot.series[s].is_reference ? Json(kReferenceGrey) : SeriesColour(dots++));
  }
  DataTable table{.keys = {plot.row_title, "series"}, .value = plot.value_title};
  for (const DotSeries& series : plot.series) {
    for (size_t row = 0; row < plot.rows.size(); ++row)
      table.rows.push_back({.keys = {VisibleText(plot.rows[row]), VisibleText(series.name)},
                            .value = series.values[row],
                            .interval = SpreadAround(series, row)});
  }
  return WithTable(FigureSpec({.name = plot.name,
                               .title = plot.title,
                               .subtitle = plot.subtitle,
                               .description = fmt::format("Dot plot: {} by {}", plot.value_title,
                                                          plot.row_title),
                               .width = kDotPlotWidth},
                              web::DotPlot(),
                              {{"row_labels", VisibleTexts(plot.rows)},
                               {"series_labels", names},
                               {"dots", Dots(plot)},
                               {"width", kDotPlotWidth},
                               {"row_height", kRowHeight},
                               {"value_title", plot.value_title},
                               {"domain", {plot.domain.first, plot.domain.second}},
                               {"series", numbers},
                               {"colours", colours},
                               {"tooltip", tooltip}}),
                   table);
}

}  // namespace mambascope
