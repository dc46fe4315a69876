#include "mambascope/figures/figure.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/figures/label.h"
#include "mambascope/figures/palette.h"
#include "mambascope/figures/template.h"
#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

constexpr int kCharWidth = 7;      // pixels of a character of a place's label, about
constexpr int kMarginWidth = 200;  // pixels that axes and legends add to a view, about

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

bool IsTilted(const std::vector<std::string>& labels) {
  return std::any_of(labels.begin(), labels.end(),
                     [](const std::string& label) { return Length(label) > 6; });
}

int LabelWidth(const std::vector<std::string>& labels, bool tilted) {
  if (tilted) return 14;
  int longest = 0;
  for (const std::string& label : labels) longest = std::max(longest, Length(label));
  return kCharWidth * longest + 8;
}

int LabelStep(double pixels_per_step, int width) {
  for (int decade = 1;; decade *= 10)
    for (int step : {decade, 2 * decade, 5 * decade})
      if (step * pixels_per_step >= width) return step;
}

Json LabelShape(bool tilted) {
  Json shape = {{"labelAngle", tilted ? -50 : 0}, {"labelOverlap", false}};
  if (tilted)
    shape.update({{"labelAlign", "right"}, {"labelBaseline", "middle"}, {"labelLimit", 160}});
  return shape;
}

Json PlacePosition(const std::string& field, const std::string& title,
                   const std::vector<std::string>& labels, int step_width) {
  const bool tilted = IsTilted(labels);
  const int step = LabelStep(step_width, LabelWidth(labels, tilted));
  Json shown = Json::array(), places = Json::array();
  for (size_t place = 0; place < labels.size(); place += step) shown.push_back(place);
  // The domain lists every place, because an axis leaves out places without a value otherwise.
  for (size_t place = 0; place < labels.size(); ++place) places.push_back(place);
  Json axis = LabelShape(tilted);
  axis.update({{"labelExpr", field + "_labels[datum.value]"}, {"values", shown}});
  return {
      {"field", field},
      {"type", "ordinal"},
      {"title", title},
      {"scale", {{"type", "band"}, {"domain", places}, {"paddingInner", 0}, {"paddingOuter", 0}}},
      {"axis", axis}};
}

// Vega-Lite makes an expression of the title. It escapes quotes in it, but no backslashes.
Json TooltipField(const std::string& field, const std::string& title) {
  std::string escaped;
  for (const char c : title) escaped += c == '\\' ? "\\\\" : std::string(1, c);
  return {{"field", field}, {"title", escaped}};
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

Json SeriesColour(size_t index) {
  const CurveColour& colour = kCurveColours[index % kCurveColours.size()];
  return {{"expr", ByMode(colour.on_white, colour.on_black)}};
}

}  // namespace mambascope
