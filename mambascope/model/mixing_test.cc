// Compares the multiplied-out matrix form of a mixer with the mixer itself.
#include "mambascope/model/mixing.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/layers_test_support.h"
#include "mambascope/model/model.h"

namespace mambascope {
namespace {

std::vector<std::string> Models() {
  std::vector<std::string> models = TinyCheckpoints();
  for (const char* name : {"demo-mamba", "demo-mamba2", "demo-hybrid", "demo-neox"})
    models.emplace_back(name);
  return models;
}

class MixingTest : public testing::TestWithParam<std::string> {
 protected:
  static std::filesystem::path Folder() {
    return GetParam().starts_with("demo") ? RepositoryFolder() / "models" / GetParam()
                                          : GoldenFolder() / GetParam();
  }
  // The input of block `l`.
  at::Tensor Input(int l) const {
    return model_.Forward(ids_, Packing::Whole({static_cast<int64_t>(ids_.size())}), nullptr,
                          nullptr, nullptr, l - 1);
  }
  // Calls use(layer, input, mixer, mixing) for every mixer of the model. `input` [token, d_model]
  // is the input of the mixer's block.
  template <typename Use>
  void ForEachMixer(const Use& use) const {
    for (int l : MixerLayers(model_)) {
      SCOPED_TRACE("layer " + std::to_string(l));
      const at::Tensor h = Input(l);
      const std::vector<Mixer> mixers = model_.layer(l).mixers();
      const std::vector<Mixing> mixings = model_.layer(l).Mix({h, Input(0)});
      ASSERT_EQ(mixings.size(), mixers.size());
      for (size_t i = 0; i < mixers.size(); ++i) use(model_.layer(l), h, mixers[i], mixings[i]);
    }
  }

  const c10::NoGradGuard no_grad_;
  const Model model_ = Model::Load(Folder());
  const std::vector<int64_t> ids_ = {7, 300, 21, 150, 9, 88, 3, 3, 210, 64, 5};
  const int64_t tokens_ = static_cast<int64_t>(ids_.size());
};

INSTANTIATE_TEST_SUITE_P(Models, MixingTest, testing::ValuesIn(Models()), TestName);

void ExpectNear(const at::Tensor& got, const at::Tensor& want, const std::string& what) {
  EXPECT_LT(MaxDifference(got, want), 1e-5 * want.abs().max().item<double>()) << what;
}

// M v plus the skip is the output of the recurrence. That of attention is also multiplied by its
// output gate; the gate of a norm after the mixer, [token, 1], acts later.
TEST_P(MixingTest, MatrixTimesValuesIsWhatArrives) {
  ForEachMixer([&](const Layer& layer, const at::Tensor& h, const Mixer& mixer,
                   const Mixing& mixing) {
    const at::Tensor m = mixing.matrix(0, 0, mixing.channels);
    ASSERT_EQ(m.sizes(), (at::IntArrayRef{tokens_, tokens_, mixing.channels}));
    at::Tensor arrived =
        at::einsum("ijc,jcw->icw", {m, mixing.values.unflatten(1, {mixing.channels, -1})})
            .flatten(1);
    if (mixing.skip.defined()) arrived = arrived + mixing.skip;
    const bool gated = mixer.kind == MixerKind::kAttention && mixing.gate.defined() &&
                       mixing.gate.size(1) == arrived.size(1);
    if (gated) arrived = arrived * mixing.gate;
    const Site moved = MovedSite(layer, mixer.kind);
    ExpectNear(arrived, LayerStates(layer, {h, Input(0)}).at(moved), std::string(SiteName(moved)));
  });
}

// The writes of all tokens, the skip and the bias add up to the output of the layer's mixers.
TEST_P(MixingTest, WritesAddUpToTheMixersOutput) {
  for (int l : MixerLayers(model_)) {
    const at::Tensor h = Input(l);
    const at::Tensor want = LayerStates(model_.layer(l), {h, Input(0)}).at(Site::kMixerOut);
    for (int64_t to : {int64_t{0}, int64_t{4}, tokens_ - 1}) {
      at::Tensor sum = at::zeros({model_.config().d_model});
      for (const Mixing& mixing : model_.layer(l).Mix({h, Input(0)})) {
        if (!mixing.writes) continue;
        const at::Tensor written = mixing.Written(to);
        ASSERT_EQ(written.sizes(), (at::IntArrayRef{tokens_, model_.config().d_model}));
        EXPECT_EQ(written.slice(0, to + 1).abs().sum().item<double>(), 0) << "later tokens";
        EXPECT_GT(written.abs().sum().item<double>(), 0);
        sum = sum + written.sum(0);
        if (mixing.skip.defined()) sum = sum + mixing.WrittenBySkip(to);
        if (mixing.out.bias.defined()) sum = sum + mixing.out.bias;
      }
      EXPECT_LT(MaxDifference(sum, want[to]), 1e-5 * want.abs().max().item<double>())
          << "layer " << l << " token " << to;
    }
  }
}

// A part of the matrix equals that part of the whole matrix, also within channels that share B and
// C.
TEST_P(MixingTest, PartsAreOfTheWhole) {
  ForEachMixer([&](const Layer&, const at::Tensor&, const Mixer&, const Mixing& mixing) {
    const int64_t begin = mixing.channels / 4, end = mixing.channels - 1;
    const at::Tensor whole = mixing.matrix(0, 0, mixing.channels),
                     part = mixing.matrix(4, begin, end);
    ExpectNear(part, whole.slice(0, 4).slice(2, begin, end), "rows from 4 on");
    EXPECT_EQ(whole[2].slice(0, 3).abs().max().item<double>(), 0) << "causal";
    EXPECT_GT(whole[5][2].abs().min().item<double>(), 0);
  });
}

TEST_P(MixingTest, DecayAndStepSizeAreTheScans) {
  ForEachMixer([&](const Layer&, const at::Tensor&, const Mixer& mixer, const Mixing& mixing) {
    const bool mamba = mixer.kind == MixerKind::kScan;
    const at::Tensor m = mixing.matrix(0, 0, mixing.channels);
    ASSERT_EQ(mixer.decay.defined(), mamba);
    ASSERT_EQ(mixing.step.defined(), mamba);
    if (!mamba) {
      EXPECT_LT(MaxDifference(m.sum(1), at::ones({tokens_, mixing.channels})), 1e-5);
      return;
    }
    EXPECT_EQ(mixing.step.sizes(), (at::IntArrayRef{tokens_, mixing.channels}));
    EXPECT_EQ(mixer.decay.size(1), mixing.channels);
    EXPECT_LT(mixer.decay.max().item<double>(), 0);
    EXPECT_GT(mixing.step.min().item<double>(), 0);
    if (model_.config().delta.heads > 0) return;  // a DeltaNet has no B and C
    // From a token to itself there is no decay. So M_tt / delta_t is C_t B_t, equal in all channels
    // of a group.
    const at::Tensor ratio = m.diagonal(0, 0, 1).t() / mixing.step;  // [token, channel]
    const at::Tensor group = ratio.slice(1, 0, mixing.channels / model_.config().ssm.groups);
    ExpectNear(group, group.slice(1, 0, 1).expand_as(group), "C_t B_t");
  });
}

// Compares every entry with the equation. Pairs of channels share one channel of the matrix, and
// three of these share B and C. Tests one decay per channel and one per state.
TEST(ScanMixingTest, MatrixIsTheEquation) {
  at::manual_seed(3);
  const int64_t tokens = 5, copies = 2, heads = 6, groups = 2, n = 4;
  for (int64_t decays : {int64_t{1}, n}) {
    const at::Tensor step = at::rand({tokens, heads}, at::kDouble),
                     a = -at::rand({decays, heads}, at::kDouble);
    const at::Tensor b = at::randn({tokens, groups, n}, at::kDouble),
                     c = at::randn({tokens, groups, n}, at::kDouble);
    const at::Tensor x = at::randn({tokens, heads * copies}, at::kDouble);
    const ScanInput in{x, step.repeat_interleave(copies, 1), a.repeat_interleave(copies, 1), b, c};
    const Mixing mixing = ScanMixing(in, copies, at::ones({heads * copies}, at::kDouble), {}, {});
    const at::Tensor m = mixing.matrix(1, 1, 5);
    ASSERT_EQ(m.sizes(), (at::IntArrayRef{tokens - 1, tokens, 4}));
    for (int64_t i = 1; i < tokens; ++i) {
      for (int64_t j = 0; j < tokens; ++j) {
        for (int64_t h = 1; h < 5; ++h) {
          const int64_t group = h / (heads / groups);
          at::Tensor want = at::zeros({}, at::kDouble);
          if (j <= i) {
            const at::Tensor decay =
                (step.slice(0, j + 1, i + 1).select(1, h).sum() * a.select(1, h))
                    .exp();  // [decays]
            want = (c[i][group] * decay * b[j][group]).sum() * step[j][h];
          }
          EXPECT_NEAR(m[i - 1][j][h - 1].item<double>(), want.item<double>(), 1e-12)
              << i << " " << j << " " << h;
        }
      }
    }
  }
}

TEST(AttentionMixingTest, MatrixIsTheSoftmax) {
  at::manual_seed(4);
  const int64_t tokens = 4, heads = 4, kv_heads = 2, head_dim = 3;
  const AttentionInput in{at::randn({tokens, heads, head_dim}),
                          at::randn({tokens, kv_heads, head_dim}),
                          at::randn({tokens, kv_heads, head_dim})};
  const Mixing mixing = AttentionMixing(in, {}, {});
  const at::Tensor m = mixing.matrix(0, 0, heads);
  for (int64_t h = 0; h < heads; ++h) {
    EXPECT_EQ(MaxDifference(mixing.values.slice(1, 3 * h, 3 * h + 3), in.v.select(1, h / 2)), 0);
    for (int64_t i = 0; i < tokens; ++i) {
      const at::Tensor scores =
          in.k.select(1, h / 2).slice(0, 0, i + 1).mv(in.q[i][h]) / std::sqrt(3.0);
      EXPECT_LT(MaxDifference(m[i].slice(0, 0, i + 1).select(1, h), scores.softmax(0)), 1e-6);
    }
  }
}

}  // namespace
}  // namespace mambascope
