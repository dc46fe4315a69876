// Compares a mixture of experts with its formula, expert by expert.
#include "mambascope/model/experts.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/hooks.h"

namespace mambascope {
namespace {

// The parameter is whether the shares of a token's experts add up to 1.
class ExpertsTest : public testing::TestWithParam<bool> {
 protected:
  at::Tensor Output(const at::Tensor& y) const {
    Hooks hooks;
    Carry dropped;
    return MakeExperts(config_, weights_)
        ->Forward(y, Packing::Whole({y.size(0)}), {}, dropped, {hooks, 0});
  }
  // The experts of one row, those with the largest scores first.
  at::Tensor Route(const at::Tensor& y) const {
    return weights_.router.mv(y).argsort(0, /*descending=*/true).slice(0, 0, config_.per_token);
  }
  // The output of one row, if it goes to these experts.
  at::Tensor Expected(const at::Tensor& y, const at::Tensor& route) const {
    const at::Tensor scores = weights_.router.mv(y);
    at::Tensor shares = scores.softmax(0).index_select(0, route);
    if (GetParam()) shares = shares / shares.sum();
    at::Tensor sum = at::zeros_like(y);
    for (int64_t i = 0; i < route.size(0); ++i) {
      const auto e = route[i].item<int64_t>();
      const at::Tensor in = weights_.gate_up[e].mv(y), gate = in.slice(0, 0, 7),
                       up = in.slice(0, 7);
      sum = sum + shares[i] * weights_.down[e].mv(gate * at::sigmoid(gate) * up);
    }
    return sum;
  }

  ExpertsTest() { at::manual_seed(3); }
  const ExpertsConfig config_{
      .count = 4, .per_token = 2, .width = 7, .shares_add_to_one = GetParam()};
  const ExpertWeights weights_{at::randn({4, 5}), at::randn({4, 14, 5}), at::randn({4, 5, 7})};
};

INSTANTIATE_TEST_SUITE_P(Shares, ExpertsTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "OfTheChosen" : "OfAll"; });

TEST_P(ExpertsTest, IsTheSumOfTheChosenExperts) {
  const at::Tensor y = at::randn({30, 5}), got = Output(y);
  for (int64_t row = 0; row < y.size(0); ++row)
    EXPECT_LT(MaxDifference(got[row], Expected(y[row], Route(y[row]))), 1e-4) << row;
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
