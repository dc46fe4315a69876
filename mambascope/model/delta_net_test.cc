// Compares the gated DeltaNets of golden checkpoints with a plain computation from their weights:
// the convolution by loops, the recurrence one token at a time, and the mixing matrix by its
// formula with an explicit inverse.
#include "mambascope/model/delta_net.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/layers_test_support.h"
#include "mambascope/model/model.h"

namespace mambascope {
namespace {

// What a DeltaNet computes before its recurrence, in float64: q, k [token, head, d_key], v [token,
// head, d_value], log_a and beta [token, head], z [token, head * d_value].
struct PlainDelta {
  at::Tensor q, k, v, log_a, beta, z;
};

class DeltaNetTest : public testing::TestWithParam<std::string> {
 protected:
  at::Tensor WeightOf(int layer, const std::string& name) const {
    return weights_.at("model.layers." + std::to_string(layer) + ".linear_attn." + name)
        .to(at::kDouble);
  }

  // Splits the rows of Qwen3-Next's joined matrices by key head; those of Qwen3.5 by kind.
  std::vector<at::Tensor> Projections(int layer, const at::Tensor& x) const {
    const DeltaConfig& c = model_.config().delta;
    const auto times = [&](const std::string& name) {
      return x.mm(WeightOf(layer, name + ".weight").t());
    };
    if (GetParam() == "qwen3_5")
      return {times("in_proj_qkv"), times("in_proj_z"), times("in_proj_b"), times("in_proj_a")};
    const int64_t shared = c.heads / c.key_heads, values = shared * c.d_value;
    const at::Tensor all = times("in_proj_qkvz"), ba = times("in_proj_ba");
    std::vector<at::Tensor> q, k, v, z, b, a;
    for (int64_t h = 0; h < c.key_heads; ++h) {
      int64_t at = h * (2 * c.d_key + 2 * values);
      const auto next = [&](int64_t width) {
        at += width;
        return all.slice(1, at - width, at);
      };
      q.push_back(next(c.d_key));
      k.push_back(next(c.d_key));
      v.push_back(next(values));
      z.push_back(next(values));
      b.push_back(ba.slice(1, 2 * shared * h, 2 * shared * h + shared));
      a.push_back(ba.slice(1, 2 * shared * h + shared, 2 * shared * (h + 1)));
    }
    return {at::cat({at::cat(q, 1), at::cat(k, 1), at::cat(v, 1)}, 1), at::cat(z, 1), at::cat(b, 1),
            at::cat(a, 1)};
  }

  // `x` [token, d_model] is the mixer's input.
  PlainDelta Plain(int layer, const at::Tensor& x) const {
    const DeltaConfig& c = model_.config().delta;
    const std::vector<at::Tensor> in = Projections(layer, x.to(at::kDouble));
    const at::Tensor taps = WeightOf(layer, "conv1d.weight").squeeze(1);  // [width, d_conv]
    at::Tensor conv = at::zeros_like(in[0]);
    for (int64_t t = 0; t < x.size(0); ++t) {
      for (int64_t back = 0; back < c.d_conv && back <= t; ++back)
        conv[t] += taps.select(1, c.d_conv - 1 - back) * in[0][t - back];
    }
    conv = conv * at::sigmoid(conv);
    const int64_t keys = c.key_heads * c.d_key, shared = c.heads / c.key_heads;
    const auto heads = [&](const at::Tensor& y) {  // one query and key for `shared` heads
      return y.view({-1, c.key_heads, 1, c.d_key})
          .expand({-1, c.key_heads, shared, c.d_key})
          .reshape({-1, c.heads, c.d_key});
    };
    const auto unit = [](const at::Tensor& y) {
      return y / (y.square().sum(-1, true) + 1e-6).sqrt();
    };
    const at::Tensor rate = WeightOf(layer, "A_log").exp(),
                     step = (1 + (in[3] + WeightOf(layer, "dt_bias")).exp()).log();
    return {unit(heads(conv.slice(1, 0, keys))) / std::sqrt(static_cast<double>(c.d_key)),
            unit(heads(conv.slice(1, keys, 2 * keys))),
            conv.slice(1, 2 * keys).reshape({-1, c.heads, c.d_value}),
            -rate * step,
            at::sigmoid(in[2]),
            in[1]};
  }

  // s [token, head * d_value], one token after the other.
  static at::Tensor Recurrence(const PlainDelta& in) {
    std::vector<at::Tensor> out;
    at::Tensor state = at::zeros({in.v.size(1), in.k.size(2), in.v.size(2)}, at::kDouble);
    for (int64_t t = 0; t < in.v.size(0); ++t) {
      state = state * in.log_a[t].exp().view({-1, 1, 1});
      const at::Tensor held = at::einsum("hkv,hk->hv", {state, in.k[t]}),
                       written = in.beta[t].unsqueeze(1) * (in.v[t] - held);
      state = state + at::einsum("hk,hv->hkv", {in.k[t], written});
      out.push_back(at::einsum("hkv,hk->hv", {state, in.q[t]}).flatten());
    }
    return at::stack(out);
  }

  // Calls use(layer, states of the layer, its plain computation) for every DeltaNet.
  template <typename Use>
  void ForEachDeltaNet(const Use& use) const {
    int nets = 0;
    for (int l = 0; l < model_.layers(); ++l) {
      if (!HasScan(model_.layer(l))) continue;
      SCOPED_TRACE("layer " + std::to_string(l));
      const std::vector<int64_t> ids = {7, 300, 21, 150, 9, 88, 3, 3, 210, 64, 5};
      const at::Tensor h =
          model_.Forward(ids, Packing::Whole({11}), nullptr, nullptr, nullptr, l - 1);
      const auto states = LayerStates(model_.layer(l), {h, {}});
      use(l, h, states, Plain(l, states.at(Site::kMixerIn)));
      ++nets;
    }
    EXPECT_EQ(nets, 3);
  }
  static void ExpectClose(const at::Tensor& got, const at::Tensor& want, const char* what) {
    EXPECT_LT(MaxDifference(got.to(at::kDouble), want), 1e-5 * want.abs().max().item<double>())
        << what;
  }

  const c10::NoGradGuard no_grad_;
  const Model model_ = Model::Load(GoldenFolder() / GetParam());
  const std::map<std::string, at::Tensor> weights_ =
      Checkpoint::Open(GoldenFolder() / GetParam()).All();
};

INSTANTIATE_TEST_SUITE_P(Models, DeltaNetTest, testing::Values("qwen3_5", "qwen3_next"), TestName);

TEST_P(DeltaNetTest, StatesAreThoseOfAPlainComputation) {
  ForEachDeltaNet([&](int l, const at::Tensor&, const auto& states, const PlainDelta& in) {
    const int64_t heads = in.v.size(1), d_value = in.v.size(2);
    const at::Tensor s = Recurrence(in), by_head = s.view({-1, heads, d_value}),
                     normed = by_head / (by_head.square().mean(-1, true) + 1e-6).sqrt() *
                              WeightOf(l, "norm.weight"),
                     mixed = normed.flatten(1) * in.z * at::sigmoid(in.z);
    ExpectClose(states.at(Site::kSsmIn), in.v.flatten(1), "ssm_in");
    ExpectClose(states.at(Site::kSsmOut), s, "ssm_out");
    ExpectClose(states.at(Site::kGateIn), in.z, "gate_in");
    ExpectClose(states.at(Site::kMixed), mixed, "mixed");
    ExpectClose(states.at(Site::kMixerOut), mixed.mm(WeightOf(l, "out_proj.weight").t()),
                "mixer_out");
  });
}

// M = (tril(Q K^T) * D) (I + diag(beta) (tril(K K^T, -1) * D))^-1 diag(beta).
TEST_P(DeltaNetTest, MixingMatrixIsTheFormula) {
  ForEachDeltaNet([&](int l, const at::Tensor& h, const auto&, const PlainDelta& in) {
    const Mixing mixing = model_.layer(l).Mix({h, {}}).at(0);
    const Mixer mixer = model_.layer(l).mixers().at(0);
    ExpectClose(mixing.values, in.v.flatten(1), "values");
    ExpectClose(mixing.step * mixer.decay, in.log_a, "step size times decay");
    const int64_t tokens = in.v.size(0), heads = in.v.size(1);
    ASSERT_EQ(mixing.channels, heads);
    const at::Tensor m = mixing.matrix(0, 0, heads);
    for (int64_t head = 0; head < heads; ++head) {
      const at::Tensor q = in.q.select(1, head), k = in.k.select(1, head),
                       beta = in.beta.select(1, head);
      at::Tensor d = at::zeros({tokens, tokens}, at::kDouble);
      for (int64_t i = 0; i < tokens; ++i) {
        for (int64_t j = 0; j <= i; ++j)
          d[i][j] = in.log_a.select(1, head).slice(0, j + 1, i + 1).sum().exp();
      }
      const at::Tensor erased =
          at::eye(tokens, at::kDouble) + at::diag(beta).mm(k.mm(k.t()).tril(-1) * d);
      ExpectClose(m.select(2, head),
                  (q.mm(k.t()).tril() * d).mm(at::linalg_inv(erased)).mm(at::diag(beta)), "M");
    }
  });
}

}  // namespace
}  // namespace mambascope
