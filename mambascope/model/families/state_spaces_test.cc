// Tests the folders of the state-spaces repositories that have attention and MLPs: a transformer
// against Llama, and a layer of attention after a convolution against a plain computation.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/changed_checkpoint_test_support.h"
#include "mambascope/model/layer.h"
#include "mambascope/model/state_spaces_test_support.h"

namespace mambascope {
namespace {

// Adds rows of zeros to x [row, ..] up to `rows`.
at::Tensor Padded(const at::Tensor& x, int64_t rows) {
  return at::cat({x, at::zeros({rows - x.size(0), x.size(1)})});
}

// Gives Llama's weights the names and forms of a state-spaces transformer. An MLP of 96 features
// becomes one of 128 features, of which 32 are 0.
void MakeTransformerPp(ChangedCheckpoint& llama) {
  const std::map<std::string, at::Tensor> old = llama.tensors;
  auto& tensors = llama.tensors;
  tensors = {{"backbone.embedding.weight", old.at("model.embed_tokens.weight")},
             {"backbone.norm_f.weight", old.at("model.norm.weight")},
             {"lm_head.weight", old.at("lm_head.weight")}};
  for (int l = 0; l < 4; ++l) {
    const std::string to = "backbone.layers." + std::to_string(l) + ".";
    const auto from = [&](const std::string& name) {
      return old.at("model.layers." + std::to_string(l) + "." + name + ".weight");
    };
    tensors[to + "norm.weight"] = from("input_layernorm");
    tensors[to + "norm2.weight"] = from("post_attention_layernorm");
    tensors[to + "mixer.in_proj.weight"] =
        at::cat({from("self_attn.q_proj"), from("self_attn.k_proj"), from("self_attn.v_proj")});
    tensors[to + "mixer.out_proj.weight"] = from("self_attn.o_proj");
    tensors[to + "mlp.fc1.weight"] =
        at::cat({Padded(from("mlp.up_proj"), 128), Padded(from("mlp.gate_proj"), 128)});
    tensors[to + "mlp.fc2.weight"] = Padded(from("mlp.down_proj").t(), 128).t().contiguous();
  }
  llama.config = {{"d_model", 48},
                  {"d_intermediate", 96},
                  {"n_layer", 4},
                  {"vocab_size", 384},
                  {"attn_layer_idx", {0, 1, 2, 3}},
                  {"attn_cfg",
                   {{"causal", true},
                    {"num_heads", 4},
                    {"num_heads_kv", 2},
                    {"head_dim", 12},
                    {"rotary_emb_dim", 12},
                    {"qkv_proj_bias", false},
                    {"out_proj_bias", false}}},
                  {"tie_embeddings", false}};
}

TEST(TransformerPpTest, LlamasWeightsGiveLlamasLogits) {
  ChangedCheckpoint checkpoint("llama");
  checkpoint.config["rms_norm_eps"] = 1e-5;  // as in the authors' code
  const at::Tensor want = SomeLogits(checkpoint.Load());
  MakeTransformerPp(checkpoint);
  const Model model = checkpoint.Load();
  EXPECT_EQ(model.config().model_type, "transformerpp");
  EXPECT_TRUE(model.warnings().empty());
  const double scale = want.abs().max().item<double>();
  EXPECT_LT(MaxDifference(SomeLogits(model), want), 1e-5 * scale);
  checkpoint.config["attn_cfg"]["rotary_emb_interleaved"] = true;
  EXPECT_GT(MaxDifference(SomeLogits(checkpoint.Load()), want), 1e-3 * scale);
}

TEST(TransformerPpTest, BiasesAreSplitAsTheirMatrix) {
  at::manual_seed(41);
  ChangedCheckpoint checkpoint("llama");
  checkpoint.config["rms_norm_eps"] = 1e-5;
  checkpoint.config["attention_bias"] = true;
  ChangedCheckpoint joined("llama");
  MakeTransformerPp(joined);
  for (const char* key : {"qkv_proj_bias", "out_proj_bias"}) joined.config["attn_cfg"][key] = true;
  for (int l = 0; l < 4; ++l) {
    const at::Tensor qkv = at::randn({96}), o = at::randn({48});
    const std::string own = "model.layers." + std::to_string(l) + ".self_attn.",
                      other = "backbone.layers." + std::to_string(l) + ".mixer.";
    checkpoint.tensors[own + "q_proj.bias"] = qkv.slice(0, 0, 48).clone();
    checkpoint.tensors[own + "k_proj.bias"] = qkv.slice(0, 48, 72).clone();
    checkpoint.tensors[own + "v_proj.bias"] = qkv.slice(0, 72).clone();
    checkpoint.tensors[own + "o_proj.bias"] = o;
    joined.tensors[other + "in_proj.bias"] = qkv;
    joined.tensors[other + "out_proj.bias"] = o;
  }
  const at::Tensor want = SomeLogits(checkpoint.Load());
  EXPECT_LT(MaxDifference(SomeLogits(joined.Load()), want), 1e-5 * want.abs().max().item<double>());
}

class Mamba2AttnTest : public testing::Test {
 protected:
  using Of = Mamba2AttnCheckpoint;
  at::Tensor WeightOf(const std::string& part) const {
    return checkpoint_.tensors.at(Of::Name(part));
  }

  // W x after the convolution, [token, kWidth].
  at::Tensor Convolved(const at::Tensor& x) const {
    const at::Tensor in = x.mm(WeightOf("in_proj.weight").t()), taps = WeightOf("conv1d.weight");
    at::Tensor out = at::zeros_like(in);
    const auto from = in.accessor<float, 2>();
    const auto tap = taps.accessor<float, 3>();
    auto to = out.accessor<float, 2>();
    for (int64_t t = 0; t < in.size(0); ++t) {
      for (int64_t c = 0; c < Of::kWidth; ++c) {
        double sum = WeightOf("conv1d.bias")[c].item<double>();
        for (int64_t back = 0; back < Of::kTaps && back <= t; ++back)
          sum += tap[c][0][Of::kTaps - 1 - back] * from[t - back][c];
        to[t][c] = static_cast<float>(sum);
      }
    }
    return out;
  }
  // Turns the features i and i + 3 of one head x [10] by t / 10000^(2i / 6), for i < 3.
  static at::Tensor TurnedByHand(const at::Tensor& x, int64_t t) {
    at::Tensor out = x.clone();
    for (int64_t i = 0; i < 3; ++i) {
      const double angle =
                       static_cast<double>(t) * std::pow(10000, -static_cast<double>(2 * i) / 6),
                   a = x[i].item<double>(), b = x[i + 3].item<double>();
      out[i] = a * std::cos(angle) - b * std::sin(angle);
      out[i + 3] = b * std::cos(angle) + a * std::sin(angle);
    }
    return out;
  }
  // The output of attention before W_o, [token, heads * head_dim].
  at::Tensor AttendedByHand(const at::Tensor& x) const {
    const at::Tensor qkv = Convolved(x);
    at::Tensor out = at::zeros({x.size(0), Of::kHeads * Of::kHeadDim});
    for (int64_t h = 0; h < Of::kHeads; ++h) {
      for (int64_t t = 0; t < x.size(0); ++t) {
        const at::Tensor q = TurnedByHand(qkv[t].slice(0, 10 * h, 10 * h + 10), t);
        std::vector<at::Tensor> scores, values;
        for (int64_t s = 0; s <= t; ++s) {
          scores.push_back(q.dot(TurnedByHand(qkv[s].slice(0, 30, 40), s)) / std::sqrt(10.0));
          values.push_back(qkv[s].slice(0, 40, 50));
        }
        const at::Tensor weights = at::stack(scores).softmax(0);
        for (size_t s = 0; s < values.size(); ++s)
          out[t].slice(0, 10 * h, 10 * h + 10) += weights[static_cast<int64_t>(s)] * values[s];
      }
    }
    return out;
  }

  const c10::NoGradGuard no_grad_;
  const Mamba2AttnCheckpoint checkpoint_;
  const Model model_ = checkpoint_.Load();
  const std::vector<int64_t> ids_ = {7, 300, 21, 150, 9, 88, 3, 3, 210, 64, 5};
};

TEST_F(Mamba2AttnTest, AttentionIsThatOfAPlainComputation) {
  EXPECT_EQ(model_.config().model_type, "mamba2attn");
  EXPECT_TRUE(model_.warnings().empty());
  const at::Tensor h =
      model_.Forward(ids_, Packing::Whole({11}), nullptr, nullptr, nullptr, Of::kLayer - 1);
  const auto states = LayerStates(model_.layer(Of::kLayer), {h, {}});
  const at::Tensor x = states.at(Site::kMixerIn), want = AttendedByHand(x),
                   out = want.mm(WeightOf("out_proj.weight").t());
  EXPECT_LT(MaxDifference(states.at(Site::kMixed), want), 1e-5 * want.abs().max().item<double>());
  EXPECT_LT(MaxDifference(states.at(Site::kMixerOut), out), 1e-5 * out.abs().max().item<double>());
  EXPECT_LT(MaxDifference(states.at(Site::kResid), h + out), 1e-5 * h.abs().max().item<double>());
  const Mixer mixer = model_.layer(Of::kLayer).mixers().at(0);
  EXPECT_EQ(mixer.kind, MixerKind::kAttention);
  EXPECT_TRUE(mixer.has_conv);
  // The values are those after the convolution.
  const Mixing mixing = model_.layer(Of::kLayer).Mix({h, {}}).at(0);
  EXPECT_LT(MaxDifference(mixing.Written(10).sum(0), out[10]),
            1e-5 * out.abs().max().item<double>());
}

// The carry of the layer of attention also holds the convolution's last inputs.
TEST_F(Mamba2AttnTest, PromptsSplitAnywhereContinueFromTheCarry) {
  const at::Tensor whole = model_.Unembed(model_.Forward(ids_, Packing::Whole({11})));
  std::vector<Carry> carries, before, after;
  Packing first = Packing::Whole({11});
  for (int64_t t = 0; t < 11; ++t) first.kept.push_back(t);
  model_.Forward(ids_, first, nullptr, nullptr, &carries);
  const double tolerance = 2e-5 * whole.abs().max().item<double>();
  for (int64_t split = 1; split < 11; ++split) {
    const std::vector<int64_t> rest(ids_.begin() + split, ids_.end());
    const Packing packing{.segments = {{0, 11 - split, split, split - 1}}, .kept = {}};
    EXPECT_LT(MaxDifference(model_.Unembed(model_.Forward(rest, packing, nullptr, &carries)),
                            whole.slice(0, split)),
              tolerance)
        << split;
  }
  for (int64_t t = 0; t < 11; ++t) {  // token by token
    const Packing packing{.segments = {{0, 1, t, t == 0 ? -1 : 0}}, .kept = {0}};
    const at::Tensor logits =
        model_.Unembed(model_.Forward(std::span(ids_).subspan(static_cast<size_t>(t), 1), packing,
                                      nullptr, t == 0 ? nullptr : &before, &after));
    EXPECT_LT(MaxDifference(logits[0], whole[t]), tolerance) << t;
    std::swap(before, after);
  }
}

}  // namespace
}  // namespace mambascope
