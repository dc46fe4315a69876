// OLMo 2 (OLMo Team 2024): the norms follow attention and MLP, and queries and keys are normalised
// over all heads together.
//
//   m = h + RMSNorm1(Attn(h))        h' = m + RMSNorm2(W_down (SiLU(W_gate m) * W_up m))
#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadOlmo2(const Fields& f, Config& c) {
  ReadSizes(f, c, "rms_norm_eps", 1e-5, /*tied=*/false);
  f.Demand("attention_bias", false);  // a bias before a norm is not a part of the mixing matrix
  AttentionConfig& a = c.attention;
  a = ReadHeads(f, c, {.heads = 32});
  a.qk_norm = AttentionConfig::QkNorm::kWhole;
  a.rope = ReadRope(f, a.head_dim, 1.0);
  c.mlp = {.width = f.Size("intermediate_size", 11008),
           .activation = ReadActivation(f, "hidden_act", "silu")};
}

std::unique_ptr<Layer> MakeOlmo2Layer(const Config& config, const Weights& w, int64_t /*layer*/) {
  return MakeBlock(
      config.d_model,
      {{.kind = Sublayer::Kind::kMixer,
        .parts = {{LoadAttention({config.attention}, config, w.Scope("self_attn")),
                   Site::kMixerDown}},
        .post_norm = LoadPostNorm(w, "post_attention_layernorm", config)},
       {.kind = Sublayer::Kind::kMlp,
        .parts = {{LoadGatedMlp(config.mlp, config.d_model, w.Scope("mlp")), Site::kMlpDown}},
        .post_norm = LoadPostNorm(w, "post_feedforward_layernorm", config)}});
}

}  // namespace

const Family& Olmo2Family() {
  static const Family family{
      .model_types = {"olmo2"}, .read = ReadOlmo2, .make_layer = MakeOlmo2Layer};
  return family;
}

}  // namespace mambascope
