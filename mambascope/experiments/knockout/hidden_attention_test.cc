#include "mambascope/experiments/knockout/hidden_attention.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/experiments/knockout/layer_inputs.h"

namespace mambascope {
namespace {

class HiddenAttentionTest : public testing::TestWithParam<std::string> {
 protected:
  const c10::NoGradGuard no_grad_;
  const Model model_ = Model::Load(GoldenFolder() / GetParam());
  const std::vector<int64_t> ids_ = {7, 300, 21, 150, 9, 88};
};
INSTANTIATE_TEST_SUITE_P(Checkpoints, HiddenAttentionTest, testing::ValuesIn(TinyCheckpoints()),
                         TestName);

// Block sizes do not matter: the averages equal those of the whole matrix for the layer's input.
TEST_P(HiddenAttentionTest, AveragesTheMatricesOfAllChannels) {
  const std::vector<at::Tensor> inputs = LayerInputs(model_, ids_, {0, 2});
  for (int64_t floats : {int64_t{1}, int64_t{36 * 5}, int64_t{1} << 24}) {
    const auto found = HiddenAttention(model_, ids_, {0, 2}, {.channel = 1, .floats = floats});
    ASSERT_EQ(found.size(), 2u);
    for (size_t i = 0; i < 2; ++i) {
      const Mixing mixing = model_.layer(i == 0 ? 0 : 2).Mix(inputs[i]).at(0);
      const at::Tensor m = mixing.matrix(0, 0, mixing.channels);
      EXPECT_EQ(found[i].layer, i == 0 ? 0 : 2);
      EXPECT_EQ(found[i].channels, mixing.channels);
      EXPECT_EQ(found[i].channel_name,
                model_.config().model_type.ends_with("mamba") ? "channel" : "head");
      EXPECT_LT(MaxDifference(found[i].mean, m.mean(2)), 1e-6);
      EXPECT_LT(MaxDifference(found[i].absolute, m.abs().mean(2)), 1e-6);
      EXPECT_LT(MaxDifference(found[i].channel, m.select(2, 1)), 1e-6);
    }
    EXPECT_GT(MaxDifference(found[0].absolute, found[1].absolute), 1e-4);
  }
}

TEST_P(HiddenAttentionTest, NormalisedRowsSumToOneAndReadNothingLater) {
  const LayerAttention found = HiddenAttention(model_, ids_, {1})[0];
  EXPECT_LT(MaxDifference(found.normalised.sum(1), at::ones({6})), 1e-6);
  EXPECT_EQ(found.absolute.triu(1).sum().item<double>(), 0);
  EXPECT_GT(found.absolute.diagonal().min().item<double>(), 0);
  EXPECT_FALSE(found.channel.defined());
  const bool mamba = model_.layer(1).Has(Site::kSsmOut);
  const double away_from_one = MaxDifference(found.absolute.sum(1), at::ones({6})),
               cancelled = MaxDifference(found.mean, found.absolute);
  if (mamba) {
    EXPECT_GT(away_from_one, 1e-3);
    EXPECT_GT(cancelled, 1e-5) << "channels of both signs";
  } else {
    EXPECT_LT(away_from_one, 1e-6) << "a softmax's weights";
    EXPECT_LT(cancelled, 1e-7);
  }
}

TEST_P(HiddenAttentionTest, RefusesLayersAndChannelsThatTheModelLacks) {
  EXPECT_THROW(HiddenAttention(model_, ids_, {model_.layers()}), Error);
  EXPECT_THROW(HiddenAttention(model_, ids_, {0}, {.channel = 100000}), Error);
  EXPECT_THROW(HiddenAttention(model_, ids_, {0}, {.channel = -1}), Error);
  EXPECT_THROW(HiddenAttention(model_, {}, {0}), Error);
}

}  // namespace
}  // namespace mambascope
