// Compares what layers report about themselves with their behaviour.
#include "mambascope/model/layer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;

// Adds `delta` to the states at one site.
class AddAt : public Hooks {
 public:
  AddAt(Site site, at::Tensor delta) : site_(site), delta_(std::move(delta)) {}
  at::Tensor At(const Place& place, const at::Tensor& x) override {
    return place.site == site_ ? x + delta_ : x;
  }

 private:
  const Site site_;
  const at::Tensor delta_;
};

class LayerTest : public testing::TestWithParam<std::string> {
 protected:
  at::Tensor Output(const Layer& layer, Hooks& hooks) const {
    Carry dropped;
    Packing packing = Packing::Whole({h_.size(0)});
    packing.embedding = h_;
    return layer.Forward(h_, packing, {}, dropped, {hooks, 0});
  }
  const c10::NoGradGuard no_grad_;
  const Model model_ = LoadTinyModel(GetParam());
  const at::Tensor h_ = model_.Embed(std::vector<int64_t>{7, 300, 21, 150, 9}, Packing::Whole({5}));
};
INSTANTIATE_TEST_SUITE_P(Models, LayerTest, testing::ValuesIn(TinyModels()), TestName);

TEST_P(LayerTest, SitesAreThoseThatForwardPassesToTheHooks) {
  for (int l = 0; l < model_.layers(); ++l) {
    const Layer& layer = model_.layer(l);
    const std::map<Site, at::Tensor> states = LayerStates(layer, {h_, h_});
    EXPECT_EQ(states.size(), layer.sites().size());
    for (const SiteInfo& info : layer.sites())
      EXPECT_EQ(states.at(info.site).size(1), info.width) << l << " " << SiteName(info.site);
    EXPECT_EQ(layer.sites().back().site, Site::kResid);
  }
}

// A delta at a site changes the output by exactly that delta if the layer says so, and at no other
// site.
TEST_P(LayerTest, WhatIsAddedToTheOutputIsReadByNothingElse) {
  Hooks none;
  at::manual_seed(4);
  const at::Tensor delta = at::randn({model_.config().d_model});
  for (int l = 0; l < model_.layers(); ++l) {
    const Layer& layer = model_.layer(l);
    const at::Tensor base = Output(layer, none);
    int added = 0;
    for (const SiteInfo& info : layer.sites()) {
      added += layer.IsAddedToOutput(info.site) ? 1 : 0;
      if (info.width != delta.size(0)) {
        EXPECT_FALSE(layer.IsAddedToOutput(info.site)) << l << " " << SiteName(info.site);
        continue;
      }
      AddAt hooks(info.site, delta);
      const double off = MaxDifference(Output(layer, hooks), base + delta);
      EXPECT_EQ(off < 1e-4, layer.IsAddedToOutput(info.site))
          << l << " " << SiteName(info.site) << " " << off;
    }
    EXPECT_GE(added, 2) << "the block's output, and what is added last";
    EXPECT_FALSE(layer.IsAddedToOutput(Site::kEmbed));
  }
}

TEST_P(LayerTest, EveryMixerHasAMixing) {
  for (int l = 0; l < model_.layers(); ++l) {
    const std::vector<Mixer> mixers = model_.layer(l).mixers();
    const std::vector<Mixing> mixings = model_.layer(l).Mix({h_, h_});
    ASSERT_EQ(mixings.size(), mixers.size());
    for (size_t i = 0; i < mixers.size(); ++i) {
      EXPECT_EQ(mixers[i].channels % mixings[i].channels, 0);
      EXPECT_EQ(mixers[i].kind == MixerKind::kScan, mixings[i].step.defined());
      EXPECT_EQ(mixers[i].kind == MixerKind::kScan, mixers[i].decay.defined());
    }
  }
}

TEST(MixedModelTest, SaysWhichLayersHaveWhat) {
  const Model model = MixedModel();
  EXPECT_THAT(model.LayersWith(Site::kSsmOut), ElementsAre(0, 2, 4));
  EXPECT_THAT(model.LayersWith(Site::kMixed), ElementsAre(0, 1, 2, 4));
  EXPECT_THAT(model.LayersWith(Site::kMlpOut), ElementsAre(0, 1, 3));
  EXPECT_THAT(model.LayersWith(Site::kResid), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(model.LayersWith(Site::kEmbed), ElementsAre());
  EXPECT_THAT(model.LayersWith("W_down"), ElementsAre(0, 1, 3));
  EXPECT_THAT(model.LayersWith("W_a"), ElementsAre(0, 2, 4));
  EXPECT_THAT(model.LayersWith("W_o"), ElementsAre(0, 1, 2, 4));
  EXPECT_THAT(model.projections(), ElementsAre("W_a", "W_g", "W_o", "W_down"));
  EXPECT_TRUE(model.Has({Site::kEmbed, kEmbedLayer}));
  EXPECT_FALSE(model.Has({Site::kEmbed, 0}));
  EXPECT_FALSE(model.Has({Site::kSsmOut, 1}));
  EXPECT_FALSE(model.Has({Site::kResid, 5}));
  EXPECT_EQ(model.width({Site::kMlpMid, 3}), 56);
  EXPECT_EQ(model.width({Site::kMlpMid, 0}), 40);
  std::vector<Site> sites;
  for (const SiteInfo& info : model.sites()) sites.push_back(info.site);
  EXPECT_THAT(sites, ElementsAre(Site::kEmbed, Site::kMixerIn, Site::kConvIn, Site::kSsmIn,
                                 Site::kSsmOut, Site::kGateIn, Site::kGate, Site::kMixed,
                                 Site::kMixerOut, Site::kMlpMid, Site::kMlpOut, Site::kResid));
}

TEST(MixedModelTest, EditsReachTheLayersThatHaveTheProjection) {
  const Model model = MixedModel();
  EXPECT_THAT(ErrorOf([&] { model.editable(1, "W_a"); }), testing::HasSubstr("projection 'W_a'"));
  EXPECT_THAT(ErrorOf([&] { model.editable(2, "W_down"); }),
              testing::HasSubstr("layers that have it: 0, 1, 3"));
  const EditableWeight weight = model.editable(3, "W_down");
  const Edit edit{3, "W_down", at::ones({1, weight.weight.size(1)}),
                  at::ones({1, weight.weight.size(0)})};
  EXPECT_GT(MaxDifference(model.Edited({edit}).editable(3, "W_down").weight, weight.weight), 0.9);
}

}  // namespace
}  // namespace mambascope
