#include "mambascope/experiments/knockout/hidden_attention.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/experiments/knockout/layer_inputs.h"
#include "mambascope/model/layers_test_support.h"

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

// Block sizes do not matter: the averages equal those of the whole matrix for the layer's input. A
// layer has one result for each of its mixers.
TEST_P(HiddenAttentionTest, AveragesTheMatricesOfAllChannels) {
  const std::vector<int> layers = MixerLayers(model_);
  const std::vector<LayerInput> inputs = LayerInputs(model_, ids_, layers);
  for (int64_t floats : {int64_t{1}, int64_t{36 * 5}, int64_t{1} << 24}) {
    const auto found = HiddenAttention(model_, ids_, layers, {.channel = 1, .floats = floats});
    size_t next = 0;
    for (size_t i = 0; i < layers.size(); ++i) {
      const std::vector<Mixer> mixers = model_.layer(layers[i]).mixers();
      const std::vector<Mixing> mixings = model_.layer(layers[i]).Mix(inputs[i]);
      ASSERT_EQ(mixings.size(), mixers.size());
      for (size_t j = 0; j < mixings.size(); ++j) {
        SCOPED_TRACE("result " + std::to_string(next));
        ASSERT_LT(next, found.size());
        const Mixing& mixing = mixings[j];
        const LayerAttention& got = found[next++];
        const at::Tensor m = mixing.matrix(0, 0, mixing.channels);
        EXPECT_EQ(got.layer, layers[i]);
        EXPECT_EQ(got.channels, mixing.channels);
        // Only Mamba-1 has decays of its own for each channel and state.
        const bool mamba1 = mixers[j].decay.defined() && mixers[j].decay.size(0) > 1;
        EXPECT_EQ(got.channel_name, mamba1 ? "channel" : "head");
        EXPECT_LT(MaxDifference(got.mean, m.mean(2)), 1e-6);
        EXPECT_LT(MaxDifference(got.absolute, m.abs().mean(2)), 1e-6);
        EXPECT_LT(MaxDifference(got.channel, m.select(2, 1)), 1e-6);
        if (next > 1)
          EXPECT_GT(MaxDifference(got.absolute, found[next - 2].absolute), 1e-4) << "all are alike";
      }
    }
    EXPECT_EQ(found.size(), next);
  }
}

TEST_P(HiddenAttentionTest, NormalisedRowsSumToOneAndReadNothingLater) {
  for (int l : MixerLayers(model_)) {
    const std::vector<Mixer> mixers = model_.layer(l).mixers();
    const std::vector<LayerAttention> all = HiddenAttention(model_, ids_, {l});
    ASSERT_EQ(all.size(), mixers.size());
    for (size_t i = 0; i < all.size(); ++i) {
      SCOPED_TRACE("layer " + std::to_string(l) + " mixer " + std::to_string(i));
      const LayerAttention& found = all[i];
      EXPECT_LT(MaxDifference(found.normalised.sum(1), at::ones({6})), 1e-6);
      EXPECT_EQ(found.absolute.triu(1).sum().item<double>(), 0);
      EXPECT_GT(found.absolute.diagonal().min().item<double>(), 0);
      EXPECT_FALSE(found.channel.defined());
      const double away_from_one = MaxDifference(found.absolute.sum(1), at::ones({6})),
                   cancelled = MaxDifference(found.mean, found.absolute);
      if (mixers[i].kind == MixerKind::kScan) {
        EXPECT_GT(away_from_one, 1e-3);
        EXPECT_GT(cancelled, 1e-5) << "channels of both signs";
      } else {
        EXPECT_LT(away_from_one, 1e-6) << "a softmax's weights";
        EXPECT_LT(cancelled, 1e-7);
      }
    }
  }
}

TEST_P(HiddenAttentionTest, RefusesLayersAndChannelsThatTheModelLacks) {
  const int layer = MixerLayerFrom(model_, 0);
  EXPECT_NO_THROW(HiddenAttention(model_, ids_, {layer}));
  EXPECT_THROW(HiddenAttention(model_, ids_, {model_.layers()}), Error);
  EXPECT_THROW(HiddenAttention(model_, ids_, {layer}, {.channel = 100000}), Error);
  EXPECT_THROW(HiddenAttention(model_, ids_, {layer}, {.channel = -1}), Error);
  EXPECT_THROW(HiddenAttention(model_, {}, {layer}), Error);
}

// Layers of Nemotron-H with only an MLP have no matrix.
TEST(HiddenAttentionLayersTest, LayersWithoutAMixerAreLeftOut) {
  const Model model = Model::Load(GoldenFolder() / "nemotron_h");
  std::vector<int> layers;
  for (const LayerAttention& found : HiddenAttention(model, {7, 300, 21}, {0, 1, 2, 3, 4}))
    layers.push_back(found.layer);
  EXPECT_EQ(layers, (std::vector<int>{0, 2, 3}));
  EXPECT_THAT(ErrorOf([&] {
                HiddenAttention(model, {7, 300, 21}, {1, 4});
              }),
              testing::HasSubstr("none of these layers has a mixer"));
}

}  // namespace
}  // namespace mambascope
