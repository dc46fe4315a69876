#include "mambascope/figures/figure.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/figures/label.h"
#include "mambascope/figures/template.h"
#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

constexpr int kCharWidth = 7;      // pixels, about, of a character of a place's label
constexpr int kMarginWidth = 200;  // pixels, about, that axes and legends add to a view

// The smallest of 1, 2, 5, 10, 20, ... places that leaves a label `width` pixels.
int LabelStep(int step_width, int width) {
  for (int decade = 1;; decade *= 10)
    for (int step : {decade, 2 * decade, 5 * decade})
      if (step * step_width >= width) return step;
}

}  // namespace

Json FigureSpec(const FigureHead& head, std::string_view text,
                const std::map<std::string, Json>& values) {
  const int width = head.width + kMarginWidth;
  Json spec =
      FillTemplate(web::Figure(), {{"name", head.name},
                                   {"title", WrapText(VisibleText(head.title), width / 8)},
                                   {"subtitle", WrapText(VisibleText(head.subtitle), width / 6)},
                                   {"description", head.description}});
  if (head.subtitle.empty()) spec["title"].erase("subtitle");  // even an empty one takes a line
  spec.update(FillTemplate(text, values));
  return spec;
}

Json PlacePosition(const std::string& field, const std::string& title,
                   const std::vector<std::string>& labels, int step_width) {
  int longest = 0;
  for (const std::string& label : labels) longest = std::max(longest, Length(label));
  const bool tilted = longest > 6;
  const int step = LabelStep(step_width, tilted ? 14 : kCharWidth * longest + 8);
  Json shown = Json::array(),
       places =
           Json::array();  // without its places an axis would leave out those that have no value
  for (size_t place = 0; place < labels.size(); place += step) shown.push_back(place);
  for (size_t place = 0; place < labels.size(); ++place) places.push_back(place);
  Json axis = {{"labelExpr", field + "_labels[datum.value]"},
               {"values", shown},
               {"labelAngle", tilted ? -50 : 0},
               {"labelOverlap", false}};
  if (tilted)
    axis.update({{"labelAlign", "right"}, {"labelBaseline", "middle"}, {"labelLimit", 90}});
  return {
      {"field", field},
      {"type", "ordinal"},
      {"title", title},
      {"scale", {{"type", "band"}, {"domain", places}, {"paddingInner", 0}, {"paddingOuter", 0}}},
      {"axis", axis}};
}

Json ReferencesJson(const std::vector<Reference>& references) {
  Json json = Json::array();
  for (const Reference& reference : references)
    json.push_back({{"label", reference.label}, {"value", reference.value}});
  return json;
}

std::string ByMode(std::string_view on_white, std::string_view on_black) {
  return fmt::format("dark ? '{}' : '{}'", on_black, on_white);
}

}  // namespace mambascope
