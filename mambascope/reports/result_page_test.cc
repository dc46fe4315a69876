#include "mambascope/reports/result_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/plural.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(ResultPageTest, CountsAreSingularOrPlural) {
  EXPECT_EQ(Count(1, "fact"), "1 fact");
  EXPECT_EQ(Count(2, "fact"), "2 facts");
  EXPECT_EQ(Count(0, "record"), "0 records");
  EXPECT_EQ(GuardText(0), "");
  EXPECT_EQ(GuardText(1), "1 fact is left out, because p_clean - p_corrupt is below 0.01.");
  EXPECT_EQ(GuardText(3), "3 facts are left out, because p_clean - p_corrupt is below 0.01.");
}

TEST(ResultPageTest, ModelsAndDataAreNamedByFolderOrFile) {
  EXPECT_EQ(ModelName({{"model", "/data/models/mamba-130m-hf/"}}), "mamba-130m-hf");
  EXPECT_EQ(ModelName({{"model", "models/demo-neox"}}), "demo-neox");
  EXPECT_EQ(ModelName({{"model", "demo"}}), "demo");
  EXPECT_EQ(ModelName({{"model", "models/demo"}, {"dtype", "tf32"}}), "demo in tf32");
  const Json options = {{"relations", {"data/relations/a.json", "data/relations/b.json"}},
                        {"counterfact", Json::array()},
                        {"zsre", nullptr}};
  EXPECT_EQ(DataText(options, 2, "fact"), "2 facts of a.json, b.json");
  EXPECT_EQ(DataText({{"counterfact", "x/counterfact.json"}}, 1, "record"),
            "1 record of counterfact.json");
  EXPECT_EQ(DataText(Json::object(), 1, "fact"), "1 fact");
}

TEST(ResultPageTest, OptionsHaveALineEach) {
  EXPECT_THAT(OptionLines({{"limit", nullptr}, {"seed", 3}, {"site", "resid"}}),
              ElementsAre(Pair("limit", "not given"), Pair("seed", "3"), Pair("site", "resid")));
}

TEST(ResultPageTest, LayersArePlacesOnANumericAxis) {
  LineChart chart;
  SetLayers(chart, std::vector<int>{-1, 7, 8});
  EXPECT_THAT(chart.x, ElementsAre("embed", "7", "8"));
  EXPECT_THAT(chart.at, ElementsAre(-1, 7, 8));
  SetLayers(chart, size_t{2});
  EXPECT_THAT(chart.at, ElementsAre(0, 1));
}

TEST(ResultPageTest, SharedOptionsHaveOneValueInAllRuns) {
  const Json one = {{"seed", 3}, {"site", "resid"}, {"model", "a"}},
             two = {{"seed", 3}, {"site", "gate"}, {"model", "a"}}, three = {{"seed", 3}};
  EXPECT_EQ(SharedOptionLines({&one, &two}), (PageLines{{"model", "a"}, {"seed", "3"}}));
  EXPECT_EQ(SharedOptionLines({&one, &two, &three}), (PageLines{{"seed", "3"}}));
  EXPECT_EQ(SharedOptionLines({&one}), OptionLines(one));
}

TEST(ShellQuotedTest, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(ShellQuoted("out/trace-1.json"), "out/trace-1.json");
  EXPECT_EQ(ShellQuoted("The {} is in"), "'The {} is in'");
  EXPECT_EQ(ShellQuoted("Musée d'Orsay"), "'Musée d'\\''Orsay'");
  EXPECT_EQ(ShellQuoted(""), "''");
}

TEST(CommandLineTest, IsTheRecordedWords) {
  EXPECT_EQ(CommandLine({{"arguments", {"trace", "--prompt", "The {} is in", "--limit", "2"}}}),
            "mambascope trace --prompt 'The {} is in' --limit 2");
  EXPECT_EQ(CommandLine({{"command", "trace"}}), "") << "a file of an older version";
}

TEST(OptionLinesTest, BeginWithTheCommandLine) {
  const PageLines lines = OptionLines({{"arguments", {"trace", "--limit", "2"}}, {"limit", 2}});
  EXPECT_EQ(lines, (PageLines{{"command line", "mambascope trace --limit 2"}, {"limit", "2"}}));
}

}  // namespace
}  // namespace mambascope
