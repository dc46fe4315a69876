// Compares a mixture of experts with its formula, expert by expert.
#include "mambascope/model/experts.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/changed_checkpoint_test_support.h"
#include "mambascope/model/family.h"
#include "mambascope/model/hooks.h"

namespace mambascope {
namespace {

using Scores = ExpertsConfig::Scores;

// The router's scores, and whether the shares of a token's experts add up to 1. Experts chosen by
// sigmoids have no gate.
class ExpertsTest : public testing::TestWithParam<std::tuple<Scores, bool>> {
 protected:
  at::Tensor Output(const at::Tensor& y) const {
    Hooks hooks;
    Carry dropped;
    return MakeExperts(config_, weights_)
        ->Forward(y, Packing::Whole({y.size(0)}), {}, dropped, {hooks, 0});
  }
  static bool IsSigmoid() { return std::get<0>(GetParam()) == Scores::kSigmoid; }
  at::Tensor ScoresOf(const at::Tensor& y) const {
    const at::Tensor logits = weights_.router.mv(y);
    return IsSigmoid() ? logits.sigmoid() : logits.softmax(0);
  }
  // The experts of one row, the first choice first.
  at::Tensor Route(const at::Tensor& y) const {
    return (ScoresOf(y) + weights_.choice_bias)
        .argsort(0, /*descending=*/true)
        .slice(0, 0, config_.per_token);
  }
  // The output of one row, if it goes to these experts.
  at::Tensor Expected(const at::Tensor& y, const at::Tensor& route) const {
    at::Tensor shares = ScoresOf(y).index_select(0, route);
    if (std::get<1>(GetParam())) shares = shares / shares.sum();
    at::Tensor sum = at::zeros_like(y);
    for (int64_t i = 0; i < route.size(0); ++i) {
      const auto e = route[i].item<int64_t>();
      const at::Tensor in = weights_.in[e].mv(y), gate = in.slice(0, 0, 7), up = in.slice(0, 7);
      const at::Tensor hidden =
          IsSigmoid() ? in.clamp_min(0).square() : gate * at::sigmoid(gate) * up;
      sum = sum + 2.5 * shares[i] * weights_.down[e].mv(hidden);
    }
    return sum;
  }

  ExpertsTest() { at::manual_seed(3); }
  const ExpertsConfig config_{.count = 4,
                              .per_token = 2,
                              .width = 7,
                              .scores = std::get<0>(GetParam()),
                              .shares_add_to_one = std::get<1>(GetParam()),
                              .share_scale = 2.5,
                              .activation = IsSigmoid() ? Activation::kRelu2 : Activation::kSilu,
                              .has_gate = !IsSigmoid()};
  const ExpertWeights weights_{at::randn({4, 5}), at::randn({4, IsSigmoid() ? 7 : 14, 5}),
                               at::randn({4, 5, 7}), 0.1 * at::randn({4})};
};

INSTANTIATE_TEST_SUITE_P(Shares, ExpertsTest,
                         testing::Combine(testing::Values(Scores::kSoftmax, Scores::kSigmoid),
                                          testing::Bool()));

TEST_P(ExpertsTest, IsTheSumOfTheChosenExperts) {
  const at::Tensor y = at::randn({30, 5}), got = Output(y);
  for (int64_t row = 0; row < y.size(0); ++row)
    EXPECT_LT(MaxDifference(got[row], Expected(y[row], Route(y[row]))), 1e-4) << row;
}

// The bias moves tokens to other experts.
TEST(ExpertChoiceTest, BiasChangesTheChoiceAndNotTheShares) {
  at::manual_seed(3);
  const ExpertsConfig config{
      .count = 2, .per_token = 1, .width = 3, .scores = Scores::kSigmoid, .has_gate = false};
  ExpertWeights weights{at::zeros({2, 4}), at::randn({2, 3, 4}), at::randn({2, 4, 3})};
  Hooks hooks;
  Carry dropped;
  const at::Tensor y = at::randn({1, 4});
  for (int64_t e = 0; e < 2; ++e) {
    weights.choice_bias = at::zeros({2});
    weights.choice_bias[e] = 0.1;
    const at::Tensor got =
        MakeExperts(config, weights)->Forward(y, Packing::Whole({1}), {}, dropped, {hooks, 0});
    const at::Tensor in = weights.in[e].mv(y[0]);
    EXPECT_LT(MaxDifference(got[0], weights.down[e].mv(in * in.sigmoid())), 1e-6) << e;
  }
}

// Some folders hold the matrices of all experts in two tensors.
TEST(ExpertWeightsTest, MatricesOfAllExpertsInTwoTensorsAreRead) {
  const c10::NoGradGuard no_grad;
  ChangedCheckpoint checkpoint("qwen3_5_moe");
  const at::Tensor want = SomeLogits(checkpoint.Load());
  const auto take = [&](const std::string& name) {
    at::Tensor weight = checkpoint.tensors.at(name);
    checkpoint.tensors.erase(name);
    return weight;
  };
  const Config config = ParseConfig(checkpoint.config, "config.json");
  for (int64_t l = 0; l < config.layers; ++l) {
    const std::string experts = fmt::format("model.layers.{}.mlp.experts.", l);
    std::vector<at::Tensor> gate_up, down;
    for (int64_t e = 0; e < config.experts.count; ++e) {
      const auto weight = [&](const char* name) {
        return take(fmt::format("{}{}.{}_proj.weight", experts, e, name));
      };
      gate_up.push_back(at::cat({weight("gate"), weight("up")}));
      down.push_back(weight("down"));
    }
    checkpoint.tensors[experts + "gate_up_proj"] = at::stack(gate_up);
    checkpoint.tensors[experts + "down_proj"] = at::stack(down);
  }
  EXPECT_TRUE(at::equal(SomeLogits(checkpoint.Load()), want));
}

// A changed state takes its own route, and not that of the state before the change.
TEST_P(ExpertsTest, InterventionChangesTheRoute) {
  const at::Tensor before = at::randn({5}), after = before - 2 * before;
  ASSERT_FALSE(Route(before).equal(Route(after)));
  const at::Tensor got = Output(after.unsqueeze(0))[0];
  EXPECT_LT(MaxDifference(got, Expected(after, Route(after))), 1e-4);
  EXPECT_GT(MaxDifference(got, Expected(after, Route(before))), 1e-2);
}

}  // namespace
}  // namespace mambascope
