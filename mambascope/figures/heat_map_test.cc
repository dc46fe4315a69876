#include "mambascope/figures/heat_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/error.h"
#include "mambascope/figures/browser_test_support.h"
#include "mambascope/figures/colour_scale.h"

namespace mambascope {
namespace {

using testing::ElementsAre;

// Three tokens, two of the same name, by `columns` layers.
Grid Tokens(int columns) {
  Grid grid{.name = "trace",
            .title = "Trace",
            .row_title = "token",
            .column_title = "layer",
            .value_title = "p(answer)"};
  grid.rows = {" the", " Needle", " the"};
  for (int column = 0; column < columns; ++column) grid.columns.push_back(std::to_string(column));
  for (int row = 0; row < 3; ++row) grid.values.emplace_back(columns, 0.1 + 0.2 * row);
  return grid;
}

const Json& HeatView(const Json& spec) { return spec.at("vconcat").at(0); }
const Json& LineView(const Json& spec) { return spec.at("vconcat").at(1); }

TEST(HeatMap, KeepsRowsOfTheSameLabelApart) {
  const Json spec = HeatMap(Tokens(4));
  EXPECT_EQ(spec.at("/data/values"_json_pointer).size(), 12);
  EXPECT_EQ(spec.at("/data/values/11"_json_pointer),
            (Json{{"row", 2}, {"column", 3}, {"value", 0.5}}));
  EXPECT_EQ(HeatView(spec).at("/encoding/y/field"_json_pointer), "row");
  EXPECT_EQ(Parameter(spec, "row_labels"), (Json{"\u00b7the", "\u00b7Needle", "\u00b7the"}));
}

TEST(HeatMap, GivesCellsWithoutAValueNull) {
  Grid grid = Tokens(4);
  grid.values[0] = {std::nullopt, NAN, INFINITY, 0.25};
  const Json values = HeatMap(grid).at("/data/values"_json_pointer);
  for (int column : {0, 1, 2}) EXPECT_TRUE(values.at(column).at("value").is_null());
  EXPECT_EQ(values.at(3).at("value"), 0.25);
}

TEST(HeatMap, ExplainsHatchedCellsOnlyWhereThereAreSome) {
  const auto subtitle = [](const Grid& grid) {
    return HeatMap(grid).at("title").value("subtitle", Json());
  };
  Grid grid = Tokens(4);
  grid.subtitle = "demo";
  EXPECT_EQ(subtitle(grid), (Json{"demo"}));
  grid.values[1][2] = NAN;
  EXPECT_EQ(subtitle(grid), (Json{"demo; hatched cells: no value"}));
  grid.missing = "no such token";
  EXPECT_EQ(subtitle(grid), (Json{"demo; hatched cells: no such token"}));
}

TEST(HeatMap, CurvesHaveTheRangeOfTheColours) {
  Grid grid = Tokens(4);
  grid.domain = {-2, 3};
  EXPECT_EQ(LineView(HeatMap(grid)).at("/encoding/y/scale/domain"_json_pointer), (Json{-2.0, 3.0}));
}

TEST(HeatMap, StarsMarkedRowsAndBeginsWithTheLastOfThem) {
  Grid grid = Tokens(4);
  grid.marked_rows = {0, 1, 1};
  const Json spec = HeatMap(grid);
  EXPECT_EQ(Parameter(spec, "row_labels"), (Json{"\u00b7the*", "\u00b7Needle*", "\u00b7the"}));
  EXPECT_EQ(HeatView(spec).at("/layer/0/params/0/value/0/row"_json_pointer), 1);
  EXPECT_EQ(HeatView(HeatMap(Tokens(4))).at("/layer/0/params/0/value/0/row"_json_pointer), 2)
      << "the largest value";
  grid.picked_row = 0;
  EXPECT_EQ(HeatView(HeatMap(grid)).at("/layer/0/params/0/value/0/row"_json_pointer), 0)
      << "the grid's own choice";
  grid.picked_row = 3;
  EXPECT_THROW(HeatMap(grid), Error);
}

TEST(HeatMap, GivesBothViewsTheSameColumns) {
  const Json spec = HeatMap(Tokens(24));
  EXPECT_EQ(HeatView(spec).at("width"), LineView(spec).at("width"));
  EXPECT_EQ(HeatView(spec).at("/encoding/x"_json_pointer),
            LineView(spec).at("/encoding/x"_json_pointer));
}

TEST(HeatMap, ThinsLabelsWhereColumnsAreNarrow) {
  auto shown = [](int columns) {
    return HeatView(HeatMap(Tokens(columns))).at("/encoding/x/axis/values"_json_pointer);
  };
  EXPECT_EQ(shown(16).size(), 16);
  EXPECT_EQ(shown(64).at(1), 5);
  EXPECT_EQ(shown(64).back(), 60);
}

TEST(HeatMap, TiltsColumnLabelsThatAreTokens) {
  Grid grid = Tokens(2);
  grid.columns = {" located", " in"};
  EXPECT_NE(HeatView(HeatMap(grid)).at("/encoding/x/axis/labelAngle"_json_pointer), 0);
  EXPECT_EQ(HeatView(HeatMap(Tokens(2))).at("/encoding/x/axis/labelAngle"_json_pointer), 0);
}

TEST(HeatMap, RefusesAGridThatDoesNotFitItself) {
  EXPECT_THROW(HeatMap(Grid{}), Error);
  for (auto* spoil :
       {+[](Grid& g) { g.values.pop_back(); }, +[](Grid& g) { g.values[1].pop_back(); },
        +[](Grid& g) { g.marked_rows = {3}; }, +[](Grid& g) { g.scheme = "viridish"; },
        +[](Grid& g) { g.domain = std::pair(1.0, 1.0); }}) {
    Grid grid = Tokens(4);
    spoil(grid);
    EXPECT_THROW(HeatMap(grid), Error);
  }
}

TEST(ColourScale, SpansValuesAndReferences) {
  Grid grid = Tokens(4);
  EXPECT_EQ(ColourDomain(grid), std::pair(0.1, 0.5));
  grid.references = {{"corrupted", 0.02}};
  EXPECT_EQ(ColourDomain(grid), std::pair(0.02, 0.5));
  grid.domain = {0.05, 0.4};
  EXPECT_EQ(ColourDomain(grid), std::pair(0.05, 0.4));
}

TEST(ColourScale, CentresSignedValues) {
  Grid grid = Tokens(4);
  grid.scheme = "redblue";
  EXPECT_EQ(ColourDomain(grid), std::pair(-0.5, 0.5));
}

TEST(ColourScale, LabelsReferencesAndRoundNumbersThatLeaveThemRoom) {
  Grid grid = Tokens(4);
  grid.domain = {0, 1};
  EXPECT_THAT(ColourTicks(grid, 0.05),
              ElementsAre(0, 0.2, testing::DoubleEq(0.4), testing::DoubleEq(0.6), 0.8, 1));
  grid.references = {{"corrupted", 0.02}, {"outside", 2}};
  EXPECT_THAT(ColourTicks(grid, 0.05),
              ElementsAre(0.02, 0.2, testing::DoubleEq(0.4), testing::DoubleEq(0.6), 0.8, 1));
}

TEST(ColourScale, StaysFiniteForEqualAndForNearlyEqualValues) {
  Grid grid = Tokens(1);
  grid.values = {{1e6}, {1e6}, {std::nextafter(1e6, 2e6)}};
  EXPECT_LE(ColourTicks(grid, 0).size(), 10);
  grid.values = {{0.5}, {0.5}, {std::nullopt}};
  EXPECT_EQ(ColourDomain(grid), std::pair(0.5, 1.5));
  grid.values = {{std::nullopt}, {std::nullopt}, {std::nullopt}};
  EXPECT_EQ(ColourDomain(grid), std::pair(0.0, 1.0));
}

}  // namespace
}  // namespace mambascope
