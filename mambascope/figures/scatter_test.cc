#include "mambascope/figures/scatter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "mambascope/error.h"
#include "mambascope/figures/browser_test_support.h"
#include "mambascope/figures/page.h"

namespace mambascope {
namespace {

using testing::HasSubstr;
using testing::Not;

Scatter RelationScatter() {
  return {.name = "range",
          .title = "Range",
          .x_title = "objects",
          .y_title = "faithfulness",
          .log_x = true,
          .points = {{"capital", "factual", 20, 60},
                     {"<sport>", "factual", 5, 90},
                     {"gender", "bias", 2, 70}},
          .guide_label = "chance",
          .guide = {{2, 50}, {20, 5}}};
}

TEST(ScatterTest, HoldsPointsByGroupAndTheGuide) {
  const Json spec = ScatterSpec(RelationScatter());
  EXPECT_EQ(spec["data"]["values"],
            ParseJson(R"([{"group": 0, "label": "capital", "x": 20.0, "y": 60.0},
      {"group": 0, "label": "<sport>", "x": 5.0, "y": 90.0}, {"group": 1, "label": "gender", "x": 2.0, "y": 70.0}])",
                      "text"));
  EXPECT_EQ(Parameter(spec, "group_labels"), (Json{"factual", "bias"}));
  EXPECT_EQ(
      spec["layer"][0]["data"]["values"],
      ParseJson(R"([{"label": "", "x": 2.0, "y": 50.0}, {"label": "chance", "x": 20.0, "y": 5.0}])",
                "text"));
  EXPECT_EQ(spec["layer"][1]["encoding"]["color"]["scale"]["range"].size(), 2u);
}

TEST(ScatterTest, SpansPointsAndGuideUnlessItIsTold) {
  Scatter scatter = RelationScatter();
  const auto y_scale = [&] { return ScatterSpec(scatter)["encoding"]["y"]["scale"]; };
  EXPECT_EQ(y_scale()["domain"], (Json{5.0, 90.0}));
  EXPECT_EQ(y_scale()["nice"], true);
  scatter.domain = {0, 100};
  EXPECT_EQ(y_scale()["domain"], (Json{0.0, 100.0}));
  EXPECT_EQ(y_scale()["nice"], false);
  EXPECT_EQ(ScatterSpec(scatter)["encoding"]["x"]["scale"]["type"], "log");
  scatter.log_x = false;
  EXPECT_EQ(ScatterSpec(scatter)["encoding"]["x"]["scale"]["type"], "linear");
}

TEST(ScatterTest, RefusesWhatCannotBeDrawn) {
  const std::vector<std::pair<std::function<void(Scatter&)>, std::string>> spoilers = {
      {[](Scatter& s) { s.points.clear(); }, "no points"},
      {[](Scatter& s) { s.points[0].y = NAN; }, "point \"capital\": a number is not finite"},
      {[](Scatter& s) { s.points[2].x = 0; }, "point \"gender\": x is not positive"},
      {[](Scatter& s) { s.guide[0].first = -1; }, "the guide: x is not positive"}};
  for (const auto& [spoil, message] : spoilers) {
    Scatter scatter = RelationScatter();
    spoil(scatter);
    EXPECT_THAT([&] { ScatterSpec(scatter); }, testing::ThrowsMessage<Error>(HasSubstr(message)));
  }
}

class ScatterInABrowser : public BrowserTest {};

constexpr char kScatterProbe[] = R"(
const root = document.documentElement;
const points = () => [...document.querySelectorAll('#figure-1 g.mark-symbol.role-mark > path')];
const texts = query => [...document.querySelectorAll(`#figure-1 ${query} text`)].map(text => text.textContent);
setTimeout(() => {
  Object.assign(root.dataset, {points: points().length, legend: texts('.role-legend-label'), guide: texts('.mark-text.role-mark').join('')});
  document.querySelectorAll('#figure-1 .role-legend-label text')[1].dispatchEvent(new PointerEvent('click', {bubbles: true}));
}, 3000);
setTimeout(() => { root.dataset.opacity = points().map(point => point.getAttribute('opacity')); }, 5000);
)";

TEST_F(ScatterInABrowser, DrawsPointsThatTheLegendPicks) {
  const std::string dom = Open(HtmlPage({{"t", {}}, {{"h", "", ScatterSpec(RelationScatter())}}}),
                               kScatterProbe),
                    root = Root(dom);
  EXPECT_THAT(root, HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(root, HasSubstr("data-points=\"3\""));
  EXPECT_THAT(root, HasSubstr("data-legend=\"factual,bias\""));
  EXPECT_THAT(root, HasSubstr("data-guide=\"chance\""));
  EXPECT_THAT(root, HasSubstr("data-opacity=\"0.1,0.1,0.85\""));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
