// Compares the Jacobians of all layers at once with one backward pass per layer and row through a
// whole run, and with finite differences.
#include "mambascope/experiments/lre/jacobian.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <torch/csrc/autograd/autograd.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/layers_test_support.h"

namespace mambascope {
namespace {

std::vector<int> AllLayers(const Model& model) {
  std::vector<int> layers;
  for (int l = kEmbedLayer; l < model.layers(); ++l) layers.push_back(l);
  return layers;
}

// Returns z of a whole run with `delta` added to the output of block `layer`, [d_model].
at::Tensor LastState(const Model& model, const PromptToken& prompt, int layer,
                     const at::Tensor& delta) {
  const Place at = BlockOutput(layer), top = BlockOutput(model.layers() - 1);
  const RunOptions options{.variants = {{Add{{at.site, at.layer, prompt.token}, delta}}},
                           .keep = {top}};
  return mambascope::Run(model, {prompt.ids}, options).State(top, 0)[-1];
}

class JacobianTest : public testing::TestWithParam<std::string> {
 protected:
  static double Tolerance() { return 1e-5 * Amplification(GetParam()); }
  const Model model_ = Model::Load(GoldenFolder() / GetParam());
  const int64_t d_ = model_.config().d_model;
  // The tokens are in the middle of the prompt, at its start, and at its end.
  const std::vector<PromptToken> prompts_ = {
      {{7, 30, 21, 150, 9, 4}, 2}, {{12, 33, 4}, 0}, {{12, 33, 4}, 2}};
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, JacobianTest, testing::ValuesIn(TinyCheckpoints()), TestName);

TEST_P(JacobianTest, AreThoseOfOneBackwardPassPerLayerAndRow) {
  for (const PromptToken& prompt : prompts_) {
    const StateJacobians got = Jacobians(model_, prompt, AllLayers(model_));
    for (int l = kEmbedLayer; l < model_.layers(); ++l) {
      const at::Tensor delta = at::zeros({d_}).requires_grad_();
      const at::Tensor z = LastState(model_, prompt, l, delta);
      std::vector<at::Tensor> rows;
      for (int64_t a = 0; a < d_; ++a)
        rows.push_back(torch::autograd::grad({z[a]}, {delta}, {}, /*retain_graph=*/true)[0]);
      const at::Tensor want = at::stack(rows);
      EXPECT_LT(MaxDifference(got.w[l + 1], want),
                Tolerance() * (1 + want.abs().max().item<double>()))
          << "layer " << l << " token " << prompt.token;
      EXPECT_LT(MaxDifference(got.z, z.detach()), Tolerance() * (1 + z.abs().max().item<double>()));
    }
    EXPECT_FALSE(got.w.requires_grad());
  }
}

// Above the last mixer, only the last token's state has an effect.
TEST_P(JacobianTest, PredictWhatASmallChangeDoes) {
  c10::NoGradGuard no_grad;
  at::manual_seed(1);
  for (size_t i : {0, 2}) {
    const PromptToken& prompt = prompts_[i];
    const bool last = i == 2;
    const StateJacobians got = Jacobians(model_, prompt, AllLayers(model_));
    for (int l = kEmbedLayer; l + 1 < model_.layers(); ++l) {
      const at::Tensor direction = at::randn({d_});
      const at::Tensor step =
          direction * (5e-3 / Amplification(GetParam()) * got.h[l + 1].norm() / direction.norm());
      const at::Tensor want =
          (LastState(model_, prompt, l, step) - LastState(model_, prompt, l, -step)) / 2;
      EXPECT_LE((got.w[l + 1].mv(step) - want).norm().item<double>(),
                0.01 * want.norm().item<double>())
          << "layer " << l << " token " << prompt.token;
      EXPECT_EQ(want.norm().item<double>() > 0, last || l < MixerLayers(model_).back())
          << "layer " << l << " token " << prompt.token;
    }
  }
}

// At the last token, the top block's output is z itself. At other tokens it has no effect on z.
TEST_P(JacobianTest, AtTheTopAreTheIdentityOrNothing) {
  const int top = model_.layers() - 1;
  EXPECT_EQ(MaxDifference(Jacobians(model_, prompts_[2], {top}).w[0], at::eye(d_)), 0);
  EXPECT_EQ(Jacobians(model_, prompts_[0], {top}).w.abs().max().item<double>(), 0);
}

// The Jacobians do not depend on how many rows fit together, or on which layers are requested.
TEST_P(JacobianTest, DoNotDependOnTheMemoryOrTheLayersBeside) {
  const StateJacobians all = Jacobians(model_, prompts_[0], AllLayers(model_));
  int64_t enough = 1 << 14;  // bytes; raised until one row or a few fit
  while (ErrorOf([&] { Jacobians(model_, prompts_[0], {0}, {.memory = enough}); }) != "no error")
    enough += enough / 8;
  const StateJacobians some = Jacobians(model_, prompts_[0], {0}, {.memory = enough});
  EXPECT_LT(MaxDifference(some.w[0], all.w[1]),
            Tolerance() * (1 + all.w[1].abs().max().item<double>()));
  EXPECT_LT(MaxDifference(some.h[0], all.h[1]), 1e-5);
}

TEST_P(JacobianTest, RefuseWhatIsNotThere) {
  EXPECT_THAT(ErrorOf([&] { Jacobians(model_, {{1, 2}, 2}, {0}); }), testing::HasSubstr("token 2"));
  EXPECT_THAT(ErrorOf([&] {
                Jacobians(model_, {{1, 2}, 0}, {99});
              }),
              testing::HasSubstr("layer 99"));
  EXPECT_THAT(ErrorOf([&] {
                Jacobians(model_, {{1, 2}, 0}, {0}, {.memory = 1000});
              }),
              testing::HasSubstr("--memory"));
}

}  // namespace
}  // namespace mambascope
