// What the options of `knockout` mean for each kind of model.
#include "mambascope/cli/knockout_setup.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;

class KnockoutSetupTest : public testing::Test {
 protected:
  KnockoutOptions SetUpFor(const std::string& golden, const KnockoutArguments& arguments) const {
    return SetUpKnockout(arguments, Model::Load(GoldenFolder() / golden), tokenizer_);
  }
  const Tokenizer tokenizer_ = Tokenizer::Load(RepositoryFolder() / "models/demo-mamba");
};

TEST_F(KnockoutSetupTest, DefaultsAreThoseOfThePaper) {
  const KnockoutOptions options = SetUpFor("mamba", {});
  EXPECT_THAT(options.from, ElementsAre("subject", "relation", "first", "last"));
  EXPECT_THAT(options.to, ElementsAre("last"));
  EXPECT_THAT(options.kinds, testing::Each(CutKind::kMixing));
  ASSERT_EQ(options.windows.size(), 1u);
  EXPECT_EQ(options.windows[0].windows.size(), 4u);
  ASSERT_EQ(options.channels.size(), 1u);
  EXPECT_TRUE(options.channels[0].blocked.empty());
  EXPECT_FALSE(options.ablation.has_value());
}

TEST_F(KnockoutSetupTest, RepeatedWindowIsRefused) {
  EXPECT_THAT(ErrorOf([&] {
                SetUpFor("mamba", {.windows = {2, 1, 2}});
              }),
              testing::HasSubstr("--window 2: the window is given twice"));
}

TEST_F(KnockoutSetupTest, RepeatedSetsAreOneCurve) {
  const KnockoutOptions options =
      SetUpFor("mamba", {.from = {"subject,first", "0,2", "first"}, .to = {}});
  EXPECT_THAT(options.from, ElementsAre("subject", "first", "0,2"));
}

TEST_F(KnockoutSetupTest, RepeatedGroupsAreOneCurve) {
  const KnockoutOptions options = SetUpFor("mamba", {.channels = {"fast", "all", "fast", "all"}});
  ASSERT_EQ(options.channels.size(), 2u);
  EXPECT_EQ(options.channels[0].name, "fast");
  EXPECT_EQ(options.channels[1].name, "all");
}

TEST_F(KnockoutSetupTest, PublishedWindowIsNineLayersOfEveryModel) {
  const auto window = [](const std::string& model, const std::string& compat) {
    return WindowLengths({.compat = compat}, Model::Load(RepositoryFolder() / model));
  };
  EXPECT_THAT(window("models/demo-mamba", "knockout"), ElementsAre(9));
  EXPECT_THAT(window("models/demo-mamba", "none"), ElementsAre(2));
  EXPECT_THAT(SetUpFor("mamba", {.compat = "knockout"}).windows.at(0).windows,
              ElementsAre(Span{0, 4}))
      << "of 4 layers";
}

TEST_F(KnockoutSetupTest, PublishedReadingsAreThoseOfTheModelsKind) {
  const struct {
    const char* golden;
    CutKind kind;
  } kCases[] = {{"llama", CutKind::kBidirectional}, {"mistral", CutKind::kBidirectional},
                {"qwen2", CutKind::kBidirectional}, {"gpt2", CutKind::kEmptyRowsUniform},
                {"gpt_neox", CutKind::kMixing},     {"mamba", CutKind::kMixing},
                {"mamba2", CutKind::kMixing}};
  for (const auto& [golden, kind] : kCases) {
    EXPECT_THAT(SetUpFor(golden, {.compat = "knockout"}).kinds, testing::Each(kind)) << golden;
    EXPECT_THAT(SetUpFor(golden, {}).kinds, testing::Each(CutKind::kMixing)) << golden;
    EXPECT_THAT(SetUpFor(golden, {.mode = "cut-conv"}).kinds,
                testing::Each(CutKind::kMixingAndConv))
        << golden;
    EXPECT_FALSE(SetUpFor(golden, {.compat = "knockout"}).kinds.empty());
  }
}

TEST_F(KnockoutSetupTest, FigureElevenHasItsSetsAndAWindowAroundEachLayer) {
  const KnockoutArguments arguments{.mode = "mean", .compat = "romba", .windows = {2}};
  const KnockoutOptions options = SetUpFor("mamba", arguments);
  EXPECT_THAT(options.from, ElementsAre("subject", "subject_last", "non_subject", "last"));
  const WindowSet& set = options.windows.at(0);
  EXPECT_THAT(set.windows, ElementsAre(Span{0, 1}, Span{0, 2}, Span{1, 3}, Span{2, 4}));
  EXPECT_THAT(set.places, ElementsAre(0, 1, 2, 3));
  ASSERT_TRUE(options.ablation.has_value());
  EXPECT_EQ(options.ablation->others, MeanAblation::Others::kHeld);
  EXPECT_EQ(SetUpFor("mamba", {.mode = "mean", .restore = "none"}).ablation->others,
            MeanAblation::Others::kFree);
}

TEST_F(KnockoutSetupTest, SumsOfThirdsAreTheirChannels) {
  const KnockoutOptions options =
      SetUpFor("mamba", {.channels = {"fast", "mid", "slow", "mid+slow", "all"}});
  const auto masks = [&](size_t group) { return options.channels[group].blocked; };
  ASSERT_EQ(options.channels.size(), 5u);
  for (size_t l = 0; l < 4; ++l) {
    EXPECT_TRUE(masks(3)[l].equal(masks(1)[l].logical_or(masks(2)[l])));
    EXPECT_TRUE(masks(3)[l].equal(masks(0)[l].logical_not()));
    EXPECT_TRUE(masks(0)[l].any().item<bool>());
  }
  EXPECT_TRUE(masks(4).empty()) << "everywhere";
}

TEST_F(KnockoutSetupTest, TextsAreCutOff) {
  const Model mamba = Model::Load(GoldenFolder() / "mamba");
  const TempFolder folder;
  WriteFile(folder / "text.txt", "The river Nile flows on\nOne\nTwo\n");
  const std::vector<std::vector<int64_t>> ids = TextIds(
      {.texts = {folder / "text.txt"}, .limit_documents = 2, .max_tokens = 3}, mamba, tokenizer_);
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids[0].size(), 3u);
  std::string long_line;
  for (int i = 0; i < 200; ++i) long_line += "The river ";
  WriteFile(folder / "text.txt", long_line);
  const Model gpt2 = Model::Load(GoldenFolder() / "gpt2");
  EXPECT_EQ(static_cast<int64_t>(
                TextIds({.texts = {folder / "text.txt"}, .max_tokens = 1000}, gpt2, tokenizer_)[0]
                    .size()),
            gpt2.config().positions)
      << "no more than the model computes";
  WriteFile(folder / "text.txt", "\n");
  EXPECT_THAT(ErrorOf([&] { TextIds({.texts = {folder / "text.txt"}}, mamba, tokenizer_); }),
              testing::HasSubstr("text.txt: has no document"));
}

}  // namespace
}  // namespace mambascope
