#include "mambascope/figures/scatter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/error.h"
#include "mambascope/figures/data_table.h"
#include "mambascope/figures/figure.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/values.h"
#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

constexpr int kScatterWidth = 600, kScatterHeight = 340;  // pixels

void CheckPoint(const Scatter& scatter, const std::string& what, double x, double y) {
  auto fail = [&](const char* why) {
    throw Error(fmt::format("scatter {}, {}: {}", scatter.name, what, why));
  };
  if (!std::isfinite(x) || !std::isfinite(y)) fail("a number is not finite");
  if (scatter.log_x && x <= 0) fail("x is not positive, and its axis is logarithmic");
}

void CheckScatter(const Scatter& scatter) {
  if (scatter.points.empty())
    throw Error(fmt::format("scatter {}: it has no points", scatter.name));
  for (const ScatterPoint& point : scatter.points)
    CheckPoint(scatter, fmt::format("point \"{}\"", point.label), point.x, point.y);
  for (const auto& [x, y] : scatter.guide) CheckPoint(scatter, "the guide", x, y);
}

std::vector<std::string> ListGroups(const Scatter& scatter) {
  std::vector<std::string> groups;
  for (const ScatterPoint& point : scatter.points) {
    if (std::find(groups.begin(), groups.end(), point.group) == groups.end())
      groups.push_back(point.group);
  }
  return groups;
}

Json Points(const Scatter& scatter, const std::vector<std::string>& groups) {
  Json points = Json::array();
  for (const ScatterPoint& point : scatter.points) {
    const auto group = std::find(groups.begin(), groups.end(), point.group) - groups.begin();
    points.push_back(
        {{"label", VisibleText(point.label)}, {"group", group}, {"x", point.x}, {"y", point.y}});
  }
  return points;
}

Json Guide(const Scatter& scatter) {
  Json points = Json::array();
  for (size_t i = 0; i < scatter.guide.size(); ++i) {
    const bool last = i + 1 == scatter.guide.size();
    points.push_back({{"x", scatter.guide[i].first},
                      {"y", scatter.guide[i].second},
                      {"label", last ? scatter.guide_label : ""}});
  }
  return points;
}

std::pair<double, double> ValueDomain(const Scatter& scatter) {
  if (scatter.domain) return *scatter.domain;
  std::vector<double> numbers;
  for (const ScatterPoint& point : scatter.points) numbers.push_back(point.y);
  for (const auto& [x, y] : scatter.guide) numbers.push_back(y);
  return FindRange(numbers);
}

}  // namespace

Json ScatterSpec(const Scatter& scatter) {
  CheckScatter(scatter);
  const std::vector<std::string> groups = ListGroups(scatter);
  Json numbers = Json::array(), colours = Json::array();
  for (size_t i = 0; i < groups.size(); ++i) {
    numbers.push_back(i);
    colours.push_back(SeriesColour(i));
  }
  const auto domain = ValueDomain(scatter);
  DataTable table{.keys = {"label", "group", scatter.x_title}, .value = scatter.y_title};
  for (const ScatterPoint& point : scatter.points)
    table.rows.push_back({.keys = {VisibleText(point.label), VisibleText(point.group),
                                   fmt::format("{:.6g}", point.x)},
                          .value = point.y});
  return WithTable(FigureSpec({.name = scatter.name,
                               .title = scatter.title,
                               .subtitle = scatter.subtitle,
                               .description = fmt::format("Scatter plot: {} by {}", scatter.y_title,
                                                          scatter.x_title),
                               .width = kScatterWidth},
                              web::Scatter(),
                              {{"group_labels", VisibleTexts(groups)},
                               {"points", Points(scatter, groups)},
                               {"guide", Guide(scatter)},
                               {"width", kScatterWidth},
                               {"height", kScatterHeight},
                               {"x_title", scatter.x_title},
                               {"x_scale", scatter.log_x ? "log" : "linear"},
                               {"y_title", scatter.y_title},
                               {"domain", {domain.first, domain.second}},
                               {"nice", !scatter.domain},
                               {"groups", numbers},
                               {"colours", colours}}),
                   table);
}

}  // namespace mambascope
