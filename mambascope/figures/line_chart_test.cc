#include "mambascope/figures/line_chart.h"

#include <fmt/format.h>
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

// Two curves over `layers` layers, the first with a band.
LineChart Layers(int layers) {
  LineChart chart{.name = "paths", .title = "Paths", .x_title = "layer", .y_title = "effect"};
  for (int l = 0; l < layers; ++l) chart.x.push_back(std::to_string(l));
  const std::vector<std::optional<double>> high(layers, 0.5), low(layers, 0.25);
  chart.curves = {{.name = "all paths",
                   .values = high,
                   .band = {static_cast<size_t>(layers), std::pair(0.375, 0.75)}},
                  {.name = "no SSM", .values = low}};
  return chart;
}

const Json& Encoding(const Json& spec, const std::string& channel) {
  return spec.at("layer").at(1).at("encoding").at(channel);
}
Json Domain(const LineChart& chart) {
  return Encoding(LineChartSpec(chart), "y").at("scale").at("domain");
}
Json Point(const LineChart& chart, int index) {
  return LineChartSpec(chart).at("data").at("values").at(index);
}

// A point without its position.
Json Value(const LineChart& chart, int index) {
  Json point = Point(chart, index);
  for (const char* key : {"at", "left", "right"}) point.erase(key);
  return point;
}

// Layers 1, 7 and 8.
LineChart ThreeLayers() {
  LineChart chart = Layers(3);
  chart.x = {"1", "7", "8"};
  chart.at = {1, 7, 8};
  return chart;
}

TEST(LineChart, HoldsEveryValueAndInterval) {
  const LineChart chart = Layers(4);
  EXPECT_EQ(LineChartSpec(chart).at("data").at("values").size(), 8);
  EXPECT_EQ(Point(chart, 1), (Json{{"curve", 0},
                                   {"x", 1},
                                   {"at", 1.0},
                                   {"left", 0.5},
                                   {"right", 1.5},
                                   {"value", 0.5},
                                   {"low", 0.375},
                                   {"high", 0.75}}));
  EXPECT_EQ(Value(chart, 7), (Json{{"curve", 1}, {"x", 3}, {"value", 0.25}}));
  EXPECT_EQ(Parameter(LineChartSpec(chart), "curve_labels"), (Json{"all paths", "no SSM"}));
}

TEST(LineChart, GivesMissingValuesNullAndTheirIntervalsNothing) {
  LineChart chart = Layers(4);
  chart.curves[0].values = {std::nullopt, NAN, INFINITY, 0.5};
  for (int x : {0, 1, 2})
    EXPECT_EQ(Value(chart, x), (Json{{"curve", 0}, {"x", x}, {"value", nullptr}}));
  chart.curves[0].band = {{std::nullopt, std::nullopt, std::nullopt, std::pair(0.25, INFINITY)}};
  EXPECT_EQ(Value(chart, 3), (Json{{"curve", 0}, {"x", 3}, {"value", 0.5}}));
}

TEST(LineChart, BridgesMissingValuesWhereItIsTold) {
  LineChart chart = Layers(4);
  chart.curves[1].values[2] = std::nullopt;
  EXPECT_EQ(LineChartSpec(chart).at("data").at("values").size(), 8);
  chart.missing = LineChart::Missing::kBridge;
  EXPECT_EQ(LineChartSpec(chart).at("data").at("values").size(), 7)
      << "a point that is not there ends no line";
  EXPECT_EQ(Encoding(LineChartSpec(chart), "x").at("axis").at("values"), (Json{0.0, 1.0, 2.0, 3.0}))
      << "and its place stays";
}

TEST(LineChart, SpansValuesBandsAndReferencesUnlessItIsTold) {
  LineChart chart = Layers(4);
  EXPECT_EQ(Domain(chart), (Json{0.25, 0.75}));
  chart.references = {{"clean", 0.875}, {"unknown", NAN}};
  EXPECT_EQ(Domain(chart), (Json{0.25, 0.875}));
  chart.domain = {0, 0.5};
  EXPECT_EQ(Domain(chart), (Json{0.0, 0.5}));
  EXPECT_EQ(Parameter(LineChartSpec(chart), "reference_labels"), Json::array())
      << "none is on the axis";
}

TEST(LineChart, StaysFiniteWithoutValues) {
  LineChart chart = Layers(1);
  chart.curves = {{.name = "none", .values = {NAN}}};
  EXPECT_EQ(Domain(chart), (Json{0.0, 1.0}));
  chart.curves[0].values = {0.5};
  EXPECT_EQ(Domain(chart), (Json{0.5, 1.5}));
}

TEST(LineChart, PutsReferencesThatAreNearIntoOneLabel) {
  LineChart chart = Layers(4);
  chart.domain = {0, 1};
  chart.references = {{"chance", 0.1}, {"clean", 0.9}, {"majority", 0.12}};
  EXPECT_EQ(Parameter(LineChartSpec(chart), "reference_labels"),
            (Json{{"clean"}, {"majority", "chance"}}));
  EXPECT_EQ(Parameter(LineChartSpec(chart), "reference_ticks").at(0), 0.9);
}

TEST(LineChart, ThinsLabelsOfManyPlaces) {
  auto shown = [](int layers) {
    return Encoding(LineChartSpec(Layers(layers)), "x").at("axis").at("values");
  };
  EXPECT_EQ(shown(10).size(), 10);
  EXPECT_EQ(shown(64).at(1), 5);
  EXPECT_EQ(shown(128).back(), 120);
  EXPECT_EQ(shown(2000).front(), 0);
}

TEST(LineChart, PlacesStandAtTheirPositions) {
  LineChart chart = ThreeLayers();
  EXPECT_EQ(Point(chart, 1).at("at"), 7);
  EXPECT_EQ(Point(chart, 1).at("left"), 4) << "halfway to layer 1";
  EXPECT_EQ(Point(chart, 1).at("right"), 7.5);
  const Json x = Encoding(LineChartSpec(chart), "x");
  EXPECT_EQ(x.at("axis").at("values"), (Json{1.0, 7.0, 8.0}));
  EXPECT_LT(x.at("scale").at("domain").at(0), 1);
  EXPECT_GT(x.at("scale").at("domain").at(1), 8);
  EXPECT_EQ(Parameter(LineChartSpec(chart), "tick_labels"), (Json{"1", "7", "8"}));
  chart.at[1] = 2;
  EXPECT_EQ(Point(chart, 1).at("at"), 2);
  EXPECT_EQ(Point(chart, 1).at("right"), 5);
}

TEST(LineChart, LabelsRoundNumbersWherePositionsCrowd) {
  LineChart chart = Layers(65);
  for (int i = 0; i < 65; ++i) {
    chart.at.push_back(i - 1);
    chart.x[i] = i == 0 ? "embed" : std::to_string(i - 1);
  }
  EXPECT_EQ(Parameter(LineChartSpec(chart), "tick_labels"),
            (Json{"embed", "5", "10", "15", "20", "25", "30", "35", "40", "45", "50", "55", "60"}))
      << "0 is too near";
  chart = ThreeLayers();
  chart.x = {"1000", "1001", "1201"};
  chart.at = {1000, 1001, 1201};
  EXPECT_EQ(Parameter(LineChartSpec(chart), "tick_labels"),
            (Json{"1000", "1020", "1040", "1060", "1080", "1100", "1120", "1140", "1160", "1180",
                  "1200"}));
}

TEST(LineChart, LogarithmicAxisSpacesByRatio) {
  LineChart chart = ThreeLayers();
  chart.x = {"1", "10", "1000"};
  chart.at = {1, 10, 1000};
  chart.x_scale = LineChart::XScale::kLog;
  EXPECT_EQ(Encoding(LineChartSpec(chart), "x").at("scale").at("type"), "log");
  EXPECT_NEAR(Point(chart, 1).at("right").get<double>(), 100, 1e-9) << "the geometric mean";
}

TEST(LineChart, ExplainsBandsOnlyWhereThereAreSome) {
  const auto subtitle = [](const LineChart& chart) {
    return LineChartSpec(chart).at("title").value("subtitle", Json());
  };
  LineChart chart = Layers(2);
  EXPECT_EQ(subtitle(chart), (Json{"bands: 95% confidence intervals"}));
  chart.subtitle = "demo";
  chart.band_name = "95% confidence intervals over facts";
  EXPECT_EQ(subtitle(chart), (Json{"demo; bands: 95% confidence intervals over facts"}));
  chart.curves[0].band = {std::nullopt, std::nullopt};
  EXPECT_EQ(subtitle(chart), (Json{"demo"}));
}

TEST(LineChart, SharedRangeSpansAllChartsAndIsRound) {
  std::vector<LineChart> charts = {Layers(2), Layers(2)};
  charts[1].curves[1].values = {-83.2, 0.0};
  ShareValueRange(charts, {-10, 5});
  EXPECT_EQ(charts[0].domain, std::pair(-100.0, 20.0));
  EXPECT_EQ(charts[1].domain, charts[0].domain);
  charts = {Layers(2)};
  ShareValueRange(charts, {0, 1});
  EXPECT_EQ(charts[0].domain, std::pair(0.0, 1.0)) << "small values stay small";
}

TEST(LineChart, LegendBreaksLongNamesAndCutsNone) {
  LineChart chart = Layers(2);
  chart.curves[0].name = "a relation with a name of many words (12)";
  const Json spec = LineChartSpec(chart);
  EXPECT_EQ(Parameter(spec, "legend_labels").at(0),
            (Json{"a relation with a name of", "many words (12)"}));
  EXPECT_EQ(Encoding(spec, "color").at("legend").at("labelLimit"), 0);
}

TEST(LineChart, MarksEveryValueWhereThereAreFew) {
  EXPECT_EQ(Parameter(LineChartSpec(Layers(10)), "has_few"), true);
  EXPECT_EQ(Parameter(LineChartSpec(Layers(64)), "has_few"), false);
}

TEST(LineChart, ColoursCurvesByModeUnlessTheyHaveAColour) {
  LineChart chart = Layers(4);
  chart.curves[1].colour = "#aa00FF";
  const Json colours = Encoding(LineChartSpec(chart), "color").at("scale").at("range");
  EXPECT_EQ(colours, (Json{{{"expr", "dark ? '#56b4e9' : '#0072b2'"}}, "#aa00FF"}));
  chart.curves[0].tone = 2;  // in place of its turn
  EXPECT_EQ(Encoding(LineChartSpec(chart), "color").at("scale").at("range").at(0),
            (Json{{"expr", "dark ? '#35cfa8' : '#009682'"}}));
  EXPECT_EQ(Parameter(LineChartSpec(chart), "dark"), false);
}

TEST(LineChart, RefusesAChartThatDoesNotFitItself) {
  EXPECT_THROW(LineChartSpec({}), Error);
  const std::vector<std::pair<std::function<void(LineChart&)>, std::string>> spoilers = {
      {[](LineChart& c) { c.x.clear(); }, "no points"},
      {[](LineChart& c) { c.curves.clear(); }, "no points"},
      {[](LineChart& c) { c.curves[1].values.pop_back(); },
       "curve \"no SSM\": the number of values is 3; expected 4"},
      {[](LineChart& c) { c.curves[0].band.pop_back(); },
       "curve \"all paths\": the number of intervals in its band is 3; expected 4 or 0"},
      {[](LineChart& c) { c.curves[0].band[1] = std::pair(0.6, 0.5); }, "low end above"},
      {[](LineChart& c) { c.curves[1].name = "all paths"; },
       "\"all paths\" is the name of two curves"},
      {[](LineChart& c) { c.curves[1].name = "layer"; }, "or of a curve and the x axis"},
      {[](LineChart& c) { c.curves[1].colour = "red"; }, "expected #rrggbb"},
      {[](LineChart& c) { c.curves[1].colour = "#12345'"; }, "expected #rrggbb"},
      {[](LineChart& c) { c.domain = std::pair(1.0, 1.0); }, "y axis"},
      {[](LineChart& c) {
         c.at = {1, 2};
       },
       "the number of positions is 2; expected 4 or 0"},
      {[](LineChart& c) {
         c.at = {1, 2, 2, 3};
       },
       "do not ascend"},
      {[](LineChart& c) { c.x_scale = LineChart::XScale::kLog; }, "positive positions"},
      {[](LineChart& c) {
         c.x_scale = LineChart::XScale::kLog;
         c.at = {0, 1, 2, 3};
       },
       "positive positions"}};
  for (const auto& [spoil, message] : spoilers) {
    LineChart chart = Layers(4);
    spoil(chart);
    EXPECT_THAT([&] { LineChartSpec(chart); }, testing::ThrowsMessage<Error>(HasSubstr(message)));
  }
}

class LineChartInABrowser : public BrowserTest {};

// When the figure is drawn, notes in attributes of the root what it holds, points at its second
// place, clicks the legend's second curve and notes what that changed. A line is drawn in as many
// pieces as its path has M commands with something to draw after them.
constexpr char kLineChartProbe[] = R"(
const root = document.documentElement;
const marks = name => [...document.querySelectorAll(`#figure-1 g.role-mark.mark-${name} > *`)];
const lines = () => [...document.querySelectorAll('#figure-1 g.mark-line > path')];
const rules = () => marks('rule').filter(rule => rule.getAttribute('stroke-dasharray') === null).length;
const send = (element, type) => element.dispatchEvent(new PointerEvent(type, {bubbles: true, clientX: 300, clientY: 300}));
setTimeout(() => {
  const pieces = lines().map(line => line.getAttribute('d').match(/M[^M]*L/g).length);
  const bands = [...document.querySelectorAll('#figure-1 g.mark-area > path')].filter(band => band.getAttribute('d')).length;
  const single = marks('symbol').length;
  const legend = [...document.querySelectorAll('#figure-1 .role-legend-label text')];
  const axes = [...document.querySelectorAll('#figure-1 .role-axis-label text')].map(text => text.textContent);
  const reference = axes.includes('corrupted');
  Object.assign(root.dataset, {pieces, bands, single, reference, rules: rules(), legend: legend.map(text => text.textContent)});
  for (const type of ['pointerover', 'pointermove']) send(marks('rect')[1], type);
  send(legend[1], 'click');
}, 3000);
setTimeout(() => {
  root.dataset.rulesAfter = rules();
  root.dataset.tooltip = document.querySelector('#vg-tooltip-element')?.innerText.replace(/\s+/g, ' ').trim();
  root.dataset.opacity = lines().map(line => line.getAttribute('opacity') ?? 1);
}, 5000);
)";

TEST_F(LineChartInABrowser, BreaksLinesAtMissingValuesAndFollowsThePointer) {
  LineChart chart = Layers(30);
  chart.references = {{"corrupted", 0.1}};
  auto& values = chart.curves[0].values;
  values[5] = values[7] = NAN;  // what stands between them has a point, and its interval a bar
  chart.curves[1].name = "person.plays[\"x\"]";
  const std::string dom =
      Open(HtmlPage({{"t", {}}, {{"h", "", LineChartSpec(chart)}}}), kLineChartProbe);
  const std::string root = Root(dom);
  EXPECT_THAT(root, HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(root, HasSubstr("data-pieces=\"2,1\""));
  EXPECT_THAT(root, HasSubstr("data-bands=\"1\""));
  EXPECT_THAT(root, HasSubstr("data-single=\"1\""));
  EXPECT_THAT(root, HasSubstr("data-rules=\"1\"")) << "the interval between the gaps";
  EXPECT_THAT(root, HasSubstr("data-rules-after=\"2\"")) << "and the pointer's";
  EXPECT_THAT(root, HasSubstr("data-reference=\"true\""));
  EXPECT_THAT(root, HasSubstr("data-legend=\"all paths,person.plays[&quot;x&quot;]\""));
  EXPECT_THAT(
      root,
      HasSubstr(
          "data-tooltip=\"layer 1 all paths 0.5 [0.375, 0.75] person.plays[&quot;x&quot;] 0.25\""));
  EXPECT_THAT(root, HasSubstr("data-opacity=\"0.15,1\""));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

// Notes the horizontal positions of the points of the first curve, and the labels of legend and
// axes.
constexpr char kPositionProbe[] = R"(
setTimeout(() => {
  const texts = query => [...document.querySelectorAll(`#figure-1 ${query} text`)].map(text => text.textContent);
  const points = [...document.querySelectorAll('#figure-1 g.role-mark.mark-symbol > path')];
  const x = points.map(point => Number(point.getAttribute('transform').match(/translate\(([^,]+),/)[1]));
  Object.assign(document.documentElement.dataset, {
    ratio: ((x[1] - x[0]) / (x[2] - x[1])).toFixed(3), legend: texts('.role-legend-label').join('|')});
}, 3000);
)";

TEST_F(LineChartInABrowser, DrawsLayersAtTheirDistances) {
  LineChart chart = ThreeLayers();
  chart.curves[0].name = "a relation with a name of more than twenty-eight characters (12)";
  const std::string dom =
      Open(HtmlPage({{"t"}, {{"h", "", LineChartSpec(chart)}}}), kPositionProbe);
  EXPECT_THAT(Root(dom), HasSubstr("data-ratio=\"6.000\"")) << "from 1 to 7, and from 7 to 8";
  for (const char* line :
       {"a relation with a name of", "more than twenty-eight", "characters (12)|"})
    EXPECT_THAT(Root(dom), HasSubstr(line)) << "the legend is not cut";
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
