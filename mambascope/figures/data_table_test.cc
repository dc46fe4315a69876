// The numbers behind figures, as their specifications hold them.
#include "mambascope/figures/data_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "mambascope/figures/dot_plot.h"
#include "mambascope/figures/heat_map.h"
#include "mambascope/figures/heat_panels.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/line_panels.h"
#include "mambascope/figures/scatter.h"

namespace mambascope {
namespace {

using testing::ElementsAre;

using TableRow = std::tuple<std::vector<std::string>, std::optional<double>,
                            std::optional<std::pair<double, double>>>;

std::vector<TableRow> TableRows(const DataTable& table) {
  std::vector<TableRow> rows;
  for (const DataTable::Row& row : table.rows) rows.emplace_back(row.keys, row.value, row.interval);
  return rows;
}

TableRow RowOf(const std::vector<std::string>& keys, std::optional<double> value,
               std::optional<std::pair<double, double>> interval = {}) {
  return {keys, value, interval};
}

// One value with an interval, one missing value, and one value alone.
DataTable ThreeNumbers() {
  return {.keys = {"token", "layer"},
          .value = "effect",
          .rows = {{.keys = {" a", "0"}, .value = 0.25, .interval = std::pair(0.125, 0.5)},
                   {.keys = {"b", "1"}, .value = std::nullopt},
                   {.keys = {"\"c\",\n", "2"}, .value = -3}}};
}

Json TableJson(const DataTable& table) {
  return WithTable(Json::object(), table).at("usermeta").at("table");
}

TEST(DataTableTest, ComesBackFromTheTextOfASpecification) {
  const Json spec = ParseJson(DumpJson(WithTable({{"mark", "rect"}}, ThreeNumbers())), "text");
  EXPECT_EQ(spec.at("mark"), "rect");
  const DataTable read = TableOfSpec(spec);
  EXPECT_EQ(read.keys, ThreeNumbers().keys);
  EXPECT_EQ(read.value, "effect");
  EXPECT_EQ(TableRows(read), TableRows(ThreeNumbers()));
}

TEST(DataTableTest, HasTheEndsOfIntervalsOnlyIfThereAreIntervals) {
  DataTable table = ThreeNumbers();
  EXPECT_EQ(TableJson(table).at("columns"), (Json{"token", "layer", "effect", "low", "high"}));
  EXPECT_EQ(TableJson(table).at("rows").at(0), (Json{" a", "0", 0.25, 0.125, 0.5}));
  EXPECT_EQ(TableJson(table).at("rows").at(1), (Json{"b", "1", nullptr, nullptr, nullptr}));
  table.rows[0].interval.reset();
  EXPECT_EQ(TableJson(table).at("columns"), (Json{"token", "layer", "effect"}));
  EXPECT_EQ(TableJson(table).at("rows").at(1), (Json{"b", "1", nullptr}));
}

TEST(DataTableTest, NumbersThatAreNotFiniteAreMissing) {
  DataTable table = ThreeNumbers();
  table.rows[0].value = NAN;
  table.rows[2].value = INFINITY;
  const DataTable read = TableOfSpec(WithTable(Json::object(), table));
  EXPECT_EQ(read.rows[0].value, std::nullopt);
  EXPECT_EQ(read.rows[2].value, std::nullopt);
}

Grid TableGrid(const std::string& title) {
  return {.name = "grid",
          .title = title,
          .row_title = "token",
          .column_title = "layer",
          .value_title = "p(answer)",
          .rows = {" a", "b"},
          .columns = {"0", "1"},
          .values = {{1, std::nullopt}, {0.5, -2}},
          .marked_rows = {0}};
}

TEST(DataTableTest, AHeatMapHoldsItsCells) {
  const DataTable table = TableOfSpec(HeatMap(TableGrid("one")));
  EXPECT_THAT(table.keys, ElementsAre("token", "layer"));
  EXPECT_EQ(table.value, "p(answer)");
  EXPECT_THAT(TableRows(table),
              ElementsAre(RowOf({"\u00b7a*", "0"}, 1), RowOf({"\u00b7a*", "1"}, std::nullopt),
                          RowOf({"b", "0"}, 0.5), RowOf({"b", "1"}, -2)));
}

TEST(DataTableTest, HeatPanelsHoldTheCellsOfEachPanel) {
  Grid second = TableGrid("two");
  second.rows = {"c"};
  second.values = {{7, 8}};
  const DataTable table = TableOfSpec(
      HeatPanelsSpec({.name = "maps", .title = "Maps", .panels = {TableGrid("one"), second}}));
  EXPECT_THAT(table.keys, ElementsAre("panel", "token", "layer"));
  ASSERT_EQ(table.rows.size(), 6u);
  EXPECT_EQ(TableRows(table)[2], RowOf({"one", "b", "0"}, 0.5));
  EXPECT_EQ(TableRows(table)[5], RowOf({"two", "c*", "1"}, 8));
}

LineChart TableChart(const std::string& title) {
  return {.name = "chart",
          .title = title,
          .x_title = "layer",
          .y_title = "effect",
          .x = {"embed", "0"},
          .curves = {{.name = "all", .values = {1, std::nullopt}, .band = {{{0.5, 1.5}}, {}}},
                     {.name = "no gate", .values = {2, 3}}}};
}

TEST(DataTableTest, ALineChartHoldsItsValuesAndIntervals) {
  const DataTable table = TableOfSpec(LineChartSpec(TableChart("one")));
  EXPECT_THAT(table.keys, ElementsAre("layer", "curve"));
  EXPECT_EQ(table.value, "effect");
  EXPECT_THAT(TableRows(table),
              ElementsAre(RowOf({"embed", "all"}, 1, std::pair(0.5, 1.5)),
                          RowOf({"0", "all"}, std::nullopt), RowOf({"embed", "no gate"}, 2),
                          RowOf({"0", "no gate"}, 3)));
}

TEST(DataTableTest, LinePanelsHoldTheValuesOfEachPanel) {
  LineChart second = TableChart("two");
  second.curves[1].values = {4, 5};
  const DataTable table = TableOfSpec(
      LinePanelsSpec({.name = "panels", .title = "Panels", .panels = {TableChart("one"), second}}));
  EXPECT_THAT(table.keys, ElementsAre("panel", "layer", "curve"));
  ASSERT_EQ(table.rows.size(), 8u);
  EXPECT_EQ(TableRows(table)[0], RowOf({"one", "embed", "all"}, 1, std::pair(0.5, 1.5)));
  EXPECT_EQ(TableRows(table)[7], RowOf({"two", "0", "no gate"}, 5));
}

TEST(DataTableTest, ADotPlotHoldsTheValuesOfItsSeries) {
  const DataTable table =
      TableOfSpec(DotPlotSpec({.name = "dots",
                               .row_title = "relation",
                               .value_title = "percent",
                               .rows = {"capital", "sport"},
                               .series = {{"LRE", {90, std::nullopt}}, {"chance", {10, 50}}},
                               .domain = {0, 100}}));
  EXPECT_THAT(table.keys, ElementsAre("relation", "series"));
  EXPECT_EQ(table.value, "percent");
  EXPECT_THAT(TableRows(table),
              ElementsAre(RowOf({"capital", "LRE"}, 90), RowOf({"sport", "LRE"}, std::nullopt),
                          RowOf({"capital", "chance"}, 10), RowOf({"sport", "chance"}, 50)));
}

TEST(DataTableTest, AScatterHoldsItsPoints) {
  const DataTable table = TableOfSpec(
      ScatterSpec({.name = "scatter",
                   .x_title = "objects",
                   .y_title = "faithfulness",
                   .points = {{"capital", "factual", 20, 60}, {"gender", "bias", 2.5, 90}}}));
  EXPECT_THAT(table.keys, ElementsAre("label", "group", "objects"));
  EXPECT_EQ(table.value, "faithfulness");
  EXPECT_THAT(TableRows(table), ElementsAre(RowOf({"capital", "factual", "20"}, 60),
                                            RowOf({"gender", "bias", "2.5"}, 90)));
}

}  // namespace
}  // namespace mambascope
