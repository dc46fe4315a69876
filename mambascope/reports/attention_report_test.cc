#include "mambascope/reports/attention_report.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Row = std::vector<std::optional<double>>;

// Two tokens; the matrix's lower left and its second diagonal entry are given.
AttentionResult Result(double across, double second) {
  AttentionResult result{
      .options = {{"model", "m"}}, .ids = {4, 9}, .texts = {" a", "b"}, .layers = {}};
  const at::Tensor mean = at::tensor({1.0, 0.0, across, second}).reshape({2, 2}).to(at::kFloat),
                   absolute = mean.abs();
  result.layers = {{.layer = 3,
                    .channels = 8,
                    .mean = mean,
                    .absolute = absolute,
                    .normalised = absolute / absolute.sum(1, true),
                    .channel = at::full({2, 2}, 0.5).tril()}};
  return result;
}

std::vector<std::string> Names(const std::vector<Grid>& grids) {
  std::vector<std::string> names;
  for (const Grid& grid : grids) names.push_back(grid.name);
  return names;
}

TEST(AttentionReport, ShowsTheViewsThatDiffer) {
  AttentionResult mamba = Result(-0.25, 2), softmax = Result(0.75, 0.25);
  EXPECT_THAT(Names(AttentionHeatMaps(mamba, mamba.layers[0])),
              ElementsAre("attention_3_absolute", "attention_3_normalised", "attention_3_signed"));
  EXPECT_THAT(Names(AttentionHeatMaps(softmax, softmax.layers[0])),
              ElementsAre("attention_3_absolute"));
  softmax.channel = 5;
  softmax.layers[0].channel_name = "head";
  EXPECT_THAT(Names(AttentionHeatMaps(softmax, softmax.layers[0])),
              ElementsAre("attention_3_absolute", "attention_3_head_5"));
  EXPECT_THAT(HtmlPage(AttentionPage(softmax)), HasSubstr("head 5 alone"));
}

// Of 300 tokens; token t reads itself with weight t / 300.
TEST(AttentionReport, ShowsTheEndOfALongPrompt) {
  AttentionResult result = Result(0.75, 0.25);
  result.ids.assign(300, 7);
  result.texts.assign(300, "a");
  result.texts.back() = "z";
  const at::Tensor matrix = at::diag(at::arange(300) / 300.0);
  result.layers[0].mean = result.layers[0].absolute = result.layers[0].normalised = matrix;
  const Grid grid = ShareHeatMap(result, result.layers[0]);
  EXPECT_EQ(ShownTokens(result), 200);
  ASSERT_EQ(grid.values.size(), 200u);
  ASSERT_EQ(grid.values[0].size(), 200u);
  EXPECT_FLOAT_EQ(grid.values[0][0].value(), 100 / 300.0);
  EXPECT_FLOAT_EQ(grid.values[199][199].value(), 299 / 300.0);
  EXPECT_EQ(grid.values[0][1], std::nullopt);
  EXPECT_EQ(grid.rows.back(), "z");
  EXPECT_EQ(grid.columns.size(), 200u);
  EXPECT_EQ(grid.picked_row, 199);
  EXPECT_THAT(HtmlPage(AttentionPage(result)),
              HasSubstr("The figures show the last 200 of 300 tokens; attention.json has all."));
  result.layers.assign(64, result.layers[0]);
  EXPECT_EQ(ShownTokens(result), 102) << "many layers share the page";
}

TEST(AttentionReport, DrawsFromEarlierToLaterTokens) {
  const AttentionResult result = Result(-0.25, 2);
  const std::vector<Grid> grids = AttentionHeatMaps(result, result.layers[0]);
  EXPECT_EQ(grids[1].title, "Layer 3: shares of each row's sum, mean of 8 channels");
  EXPECT_EQ(grids[1].subtitle, "m;  ab") << "the prompt";
  EXPECT_THAT(grids[0].missing, HasSubstr("later tokens"));
  EXPECT_THAT(grids[0].values, ElementsAre(Row{1, std::nullopt}, Row{0.25, 2}));
  EXPECT_THAT(grids[2].values, ElementsAre(Row{1, std::nullopt}, Row{-0.25, 2}));
  EXPECT_EQ(grids[0].rows, (std::vector<std::string>{" a", "b"}));
  EXPECT_EQ(grids[2].scheme, "redblue");
  EXPECT_NE(grids[0].scheme, "redblue");
  EXPECT_EQ(grids[0].picked_row, 1);
  EXPECT_NEAR(grids[1].domain->second, 8.0 / 9, 1e-6) << "without the first row, which is 1";
}

TEST(AttentionReport, JsonHasLaterTokensAsZero) {
  AttentionResult result = Result(-0.25, 2);
  result.texts = {std::nullopt, "b"};
  result.channel = 0;
  const Json json = Json(result);
  EXPECT_EQ(json["layers"][0]["signed"], (Json{{1.0, 0.0}, {-0.25, 2.0}}));
  EXPECT_EQ(json["layers"][0]["channel"],
            (Json{{"index", 0}, {"matrix", {{0.5, 0.0}, {0.5, 0.5}}}}));
  EXPECT_EQ(json["tokens"], (Json{{{"id", 4}, {"text", nullptr}}, {{"id", 9}, {"text", "b"}}}));
  EXPECT_EQ(AttentionHeatMaps(result, result.layers[0])[0].rows[0], "4");
}

}  // namespace
}  // namespace mambascope
