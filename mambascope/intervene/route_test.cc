// Tests that an intervention changes the route of a token through a mixture of experts.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

class RouteTest : public testing::Test {
 protected:
  static constexpr int kLayer = 1;
  static constexpr int64_t kToken = 3;

  at::Tensor WeightOf(const std::string& name) const {
    return weights_.at("model.layers.1." + name + ".weight");
  }
  // The input of the experts for one token, [d_model].
  at::Tensor Input(const RunResult& run) const {
    const at::Tensor m = run.State({Site::kResid, kLayer - 1}, 0)[kToken] +
                         run.State({Site::kMixerOut, kLayer}, 0)[kToken];
    return m / (m.square().mean() + 1e-6).sqrt() * WeightOf("pre_ff_layernorm");
  }
  // The share of each expert for the input y, [expert].
  at::Tensor Shares(const at::Tensor& y) const {
    return WeightOf("feed_forward.router").mv(y).softmax(0);
  }
  // The two experts with the largest shares, in ascending order.
  at::Tensor Route(const at::Tensor& y) const {
    return std::get<0>(std::get<1>(Shares(y).topk(2)).sort());
  }
  // The output for the input y, if it goes to these experts.
  at::Tensor Output(const at::Tensor& y, const at::Tensor& route) const {
    at::Tensor out = at::zeros_like(y);
    for (int64_t i = 0; i < 2; ++i) {
      const auto e = route[i].item<int64_t>();
      const auto of = [&](const char* name) {
        return WeightOf(fmt::format("feed_forward.experts.{}.{}", e, name));
      };
      const at::Tensor gate = of("gate_proj").mv(y);
      out = out + Shares(y)[e] * of("down_proj").mv(gate * at::sigmoid(gate) * of("up_proj").mv(y));
    }
    return out;
  }
  RunResult RunWith(const Variant& variant) const {
    return mambascope::Run(
        model_, {{7, 300, 21, 150, 9, 88}},
        {.variants = {variant},
         .keep = {{Site::kResid, kLayer - 1}, {Site::kMixerOut, kLayer}, {Site::kMlpOut, kLayer}}});
  }

  const c10::NoGradGuard no_grad_;
  const Model model_ = Model::Load(GoldenFolder() / "jamba");
  const std::map<std::string, at::Tensor> weights_ =
      Checkpoint::Open(GoldenFolder() / "jamba").All();
};

TEST_F(RouteTest, AChangedStateTakesItsOwnRoute) {
  const RunResult base = RunWith({});
  const at::Tensor route = Route(Input(base));
  EXPECT_LT(
      MaxDifference(base.State({Site::kMlpOut, kLayer}, 0)[kToken], Output(Input(base), route)),
      1e-5);
  at::manual_seed(5);
  int rerouted = 0;
  for (int i = 0; i < 10; ++i) {
    const RunResult changed = RunWith(
        {Set{{Site::kResid, kLayer - 1, kToken}, 0.3 * at::randn({model_.config().d_model})}});
    const at::Tensor y = Input(changed), out = changed.State({Site::kMlpOut, kLayer}, 0)[kToken];
    const double scale = out.abs().max().item<double>();
    EXPECT_LT(MaxDifference(out, Output(y, Route(y))), 1e-5 * scale);
    if (Route(y).equal(route)) continue;
    EXPECT_GT(MaxDifference(out, Output(y, route)), 1e-2 * scale) << "the base run's route";
    ++rerouted;
  }
  EXPECT_GT(rerouted, 2);
}

}  // namespace
}  // namespace mambascope
