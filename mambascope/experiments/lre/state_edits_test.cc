#include "mambascope/experiments/lre/state_edits.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

namespace mambascope {
namespace {

// Makes three birds, a birdsong and a fish. The model predicts how their objects begin, so "bird"
// also fits "birdsong".
PredictedSamples Birds() {
  return {.samples = {{"robin", "bird"},
                      {"wren", "bird"},
                      {"robin", "songster"},
                      {"wren's", "birdsong"},
                      {"carp", "fish"}},
          .prompts = std::vector<PromptToken>(5),
          .predictions = {{"bird", 1, " bird"},
                          {"bird", 1, " bird"},
                          {"songster", 2, " song"},
                          {"birdsong", 1, " bird"},
                          {"fish", 3, " fish"}},
          .z = at::arange(10, at::kFloat).view({5, 2})};
}

TEST(CanEditTest, OtherSubjectsAndObjects) {
  const PredictedSamples birds = Birds();
  EXPECT_TRUE(CanEditVisibly(birds, 0, 4));
  EXPECT_FALSE(CanEdit(birds, 0, 1)) << "the same object";
  EXPECT_FALSE(CanEdit(birds, 0, 2)) << "the same subject";
}

TEST(CanEditTest, VisiblyToWhatTheModelDoesNotSayAlready) {
  const PredictedSamples birds = Birds();
  EXPECT_TRUE(CanEdit(birds, 0, 3));
  EXPECT_FALSE(CanEditVisibly(birds, 0, 3)) << "bird is how birdsong begins";
  EXPECT_TRUE(CanEditVisibly(birds, 2, 3));
}

TEST(AllEditsTest, HoldTheDifferenceAndTheOthersPrediction) {
  const PredictedSamples birds = Birds();
  const std::vector<StateEdit> edits = AllEdits(birds);
  size_t from_fish = 0;
  for (const StateEdit& edit : edits) from_fish += edit.prompt == &birds.prompts[4] ? 1 : 0;
  EXPECT_EQ(from_fish, 4u);
  EXPECT_EQ(edits.back().prompt, &birds.prompts[4]);
  EXPECT_EQ(edits.back().target.object, "birdsong");
  EXPECT_EQ(edits.back().dz[0].item<float>(), -2) << "the other's z less its own";
}

}  // namespace
}  // namespace mambascope
