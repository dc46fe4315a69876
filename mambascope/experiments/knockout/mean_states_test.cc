#include "mambascope/experiments/knockout/mean_states.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {
namespace {

class MeanStatesTest : public testing::TestWithParam<const char*> {
 protected:
  const c10::NoGradGuard no_grad_;
  const Model model_ = LoadTinyModel(GetParam());
  const std::vector<int64_t> short_ = {9, 88}, long_ = {7, 300, 21, 150, 33, 12, 45};
};
INSTANTIATE_TEST_SUITE_P(Models, MeanStatesTest, testing::Values("mamba", "mamba2", "mixed"),
                         [](const auto& info) { return info.param; });

TEST_P(MeanStatesTest, AreMeansOverTextsOfMeansOverTokens) {
  std::vector<size_t> done;
  const std::vector<at::Tensor> means = MeanStates(model_, {short_, long_}, Site::kConvIn,
                                                   [&](size_t texts) { done.push_back(texts); });
  ASSERT_EQ(static_cast<int>(means.size()), model_.layers());
  for (int layer = 0; layer < model_.layers(); ++layer) {
    const Place place{Site::kConvIn, layer};
    ASSERT_EQ(means[static_cast<size_t>(layer)].defined(), model_.Has(place)) << layer;
    if (!model_.Has(place)) continue;
    const auto mean = [&](const std::vector<int64_t>& ids) {
      return mambascope::Run(model_, {ids}, {.variants = {}, .keep = {place}})
          .State(place, 0)
          .mean(0);
    };
    EXPECT_TRUE(at::allclose(means[static_cast<size_t>(layer)], (mean(short_) + mean(long_)) / 2,
                             1e-4, 1e-5))
        << layer;
    EXPECT_FALSE(at::allclose(mean(short_), mean(long_), 1e-2, 1e-2)) << "the texts must differ";
  }
  EXPECT_THAT(done, testing::ElementsAre(1, 2));
}

TEST(MeanStatesErrorTest, SiteThatTheModelLacksIsRefused) {
  const Model neox = Model::Load(GoldenFolder() / "gpt_neox");
  EXPECT_THAT(ErrorOf([&] {
                MeanStates(neox, {{1, 2}}, Site::kConvIn);
              }),
              testing::HasSubstr("conv_in"));
}

}  // namespace
}  // namespace mambascope
