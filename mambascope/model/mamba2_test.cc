// Compares the norm of Mamba-2 before W_o, in each of its forms, with a plain formula.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/changed_checkpoint_test_support.h"
#include "mambascope/model/layer.h"

namespace mambascope {
namespace {

// A state-spaces folder of Mamba-2 whose heads have two groups and whose norms have random weights.
class Mamba2NormTest : public testing::Test {
 protected:
  static constexpr int64_t kInner = 96, kGroups = 2, kConv = kInner + 2 * kGroups * 16;

  Mamba2NormTest() {
    at::manual_seed(21);
    checkpoint_.config["ssm_cfg"]["ngroups"] = kGroups;
    for (auto& [name, tensor] : checkpoint_.tensors) {
      if (name.ends_with("mixer.in_proj.weight"))
        tensor = 0.2 * at::randn({kInner + kConv + 12, 48});
      if (name.ends_with("mixer.conv1d.weight")) tensor = 0.5 * at::randn({kConv, 1, 4});
      if (name.ends_with("mixer.conv1d.bias")) tensor = 0.2 * at::randn({kConv});
      if (name.ends_with("mixer.norm.weight")) tensor = at::randn({kInner});
    }
  }
  at::Tensor WeightOf(const std::string& name) const {
    return checkpoint_.tensors.at("backbone.layers.1.mixer." + name);
  }
  // x / sqrt(mean(x^2) + eps) * weight, where each group has its own mean.
  at::Tensor Normed(const at::Tensor& x) const {
    std::vector<at::Tensor> parts;
    for (const at::Tensor& part : x.chunk(kGroups, 1))
      parts.push_back(part / ((part * part).mean(1, true) + 1e-5).sqrt());
    return at::cat(parts, 1) * WeightOf("norm.weight");
  }
  // Expects that the mixer of layer 1 mixes as `formula` says of s and SiLU(z), and that its matrix
  // form gives the same output. Returns what is mixed.
  template <typename Formula>
  at::Tensor ExpectMixed(const Formula& formula) const {
    const Model model = checkpoint_.Load();
    const at::Tensor h = model.Forward(std::vector<int64_t>{7, 300, 21, 150, 9},
                                       Packing::Whole({5}), nullptr, nullptr, nullptr, 0);
    const auto states = LayerStates(model.layer(1), {h, {}});
    const at::Tensor z = states.at(Site::kGateIn),
                     mixed = formula(states.at(Site::kSsmOut), z * at::sigmoid(z)),
                     out = mixed.mm(WeightOf("out_proj.weight").t());
    EXPECT_LT(MaxDifference(states.at(Site::kMixed), mixed),
              1e-5 * mixed.abs().max().item<double>());
    EXPECT_LT(MaxDifference(states.at(Site::kMixerOut), out),
              1e-5 * out.abs().max().item<double>());
    const Mixing mixing = model.layer(1).Mix({h, {}}).at(0);
    EXPECT_LT(MaxDifference(mixing.Written(4).sum(0) + mixing.WrittenBySkip(4), out[4]),
              1e-5 * out.abs().max().item<double>());
    return mixed;
  }

  const c10::NoGradGuard no_grad_;
  ChangedCheckpoint checkpoint_{"mamba2-original"};
};

TEST_F(Mamba2NormTest, FollowsTheGateUnlessConfigSaysOtherwise) {
  ExpectMixed([&](const at::Tensor& s, const at::Tensor& g) { return Normed(s * g); });
}

TEST_F(Mamba2NormTest, MayComeBeforeTheGate) {
  const at::Tensor after =
      ExpectMixed([&](const at::Tensor& s, const at::Tensor& g) { return Normed(s * g); });
  checkpoint_.config["ssm_cfg"]["norm_before_gate"] = true;
  const at::Tensor before =
      ExpectMixed([&](const at::Tensor& s, const at::Tensor& g) { return Normed(s) * g; });
  EXPECT_GT(MaxDifference(before, after), 0.1);
}

TEST_F(Mamba2NormTest, MayBeMissing) {
  checkpoint_.config["ssm_cfg"]["rmsnorm"] = false;
  std::erase_if(checkpoint_.tensors,
                [](const auto& tensor) { return tensor.first.ends_with("mixer.norm.weight"); });
  ExpectMixed([&](const at::Tensor& s, const at::Tensor& g) { return s * g; });
}

}  // namespace
}  // namespace mambascope
