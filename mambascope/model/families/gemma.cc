// Gemma 2 and Gemma 3 (Gemma Team 2024, 2025): norms before and after attention and MLP, whose
// stored weights lack 1. Some layers read a window of tokens. Gemma 2 caps scores and logits; Gemma
// 3 normalises the queries and keys of each head instead.
//
//   m = h + RMSNorm2(Attn(RMSNorm1(h)))
//   h' = m + RMSNorm4(W_down (gelu(W_gate y) * W_up y)),  y = RMSNorm3(m)
#include <cmath>

#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

// Without layer_types, every `period`-th layer reads all tokens, and the others read a window.
void ReadGemmaWindows(const Fields& f, Config& c, int64_t period) {
  c.attention.window = f.Size("sliding_window", 4096);
  c.layer_kinds =
      f.Has("layer_types")
          ? ReadLayerKinds(f, "layer_types", c.layers, {LayerKind::kAttention, LayerKind::kSliding})
          : EveryNth(c.layers, period, LayerKind::kAttention, LayerKind::kSliding);
}

// Older files have rope_theta, rope_scaling and rope_local_base_freq. Newer ones have one object of
// rope_parameters for each kind of layer.
void ReadGemma3Ropes(const Fields& f, Config& c) {
  RopeConfig &all = c.attention.rope, &sliding = c.sliding_rope;
  all.dims = sliding.dims = c.attention.head_dim;
  all.original_context = sliding.original_context = f.Positive("max_position_embeddings", 131072);
  all.theta = f.Positive("rope_theta", 1e6);
  sliding.theta = f.Positive("rope_local_base_freq", 10000);
  if (f.Has("rope_scaling")) ReadRopeScaling(f.Sub("rope_scaling"), all);
  if (!f.Has("rope_parameters")) return;
  const Fields ropes = f.Sub("rope_parameters");
  if (ropes.Has("full_attention")) ReadRopeScaling(ropes.Sub("full_attention"), all);
  if (ropes.Has("sliding_attention")) ReadRopeScaling(ropes.Sub("sliding_attention"), sliding);
}

void ReadGemma(const Fields& f, Config& c) {
  const bool is_gemma2 = c.model_type == "gemma2";
  ReadSizes(f, c, "rms_norm_eps", 1e-6, /*tied=*/true);
  c.norm_offset = 1;
  c.embedding_scale = std::sqrt(static_cast<double>(c.d_model));
  f.Demand("attention_bias", false);  // a bias before a norm is not a part of the mixing matrix
  f.Demand("use_bidirectional_attention", false);
  AttentionConfig& a = c.attention;
  a = ReadHeads(f, c, {.heads = 8, .kv_heads = 4, .head_dim = 256});
  a.scale = 1 / std::sqrt(f.Positive("query_pre_attn_scalar", 256));
  if (is_gemma2) {
    a.softcap = f.IsNull("attn_logit_softcapping") ? 0 : f.Positive("attn_logit_softcapping", 50);
    c.logit_softcap =
        f.IsNull("final_logit_softcapping") ? 0 : f.Positive("final_logit_softcapping", 30);
    a.rope = ReadRope(f, a.head_dim, 1.0);
    ReadGemmaWindows(f, c, 2);
  } else {
    a.softcap = f.Positive("attn_logit_softcapping", 0);
    c.logit_softcap = f.Positive("final_logit_softcapping", 0);
    a.qk_norm = AttentionConfig::QkNorm::kHead;
    ReadGemma3Ropes(f, c);
    ReadGemmaWindows(f, c, f.Size("sliding_window_pattern", f.Size("_sliding_window_pattern", 6)));
  }
  c.mlp = {.width = f.Size("intermediate_size", 9216),
           .activation = ReadActivation(f, "hidden_activation", "gelu_pytorch_tanh")};
}

std::unique_ptr<Layer> MakeGemmaLayer(const Config& config, const Weights& w, int64_t layer) {
  return MakeBlock(
      config.d_model,
      {{.kind = Sublayer::Kind::kMixer,
        .norm = LoadRmsNorm(w, "input_layernorm", config),
        .parts = {{LoadAttention({AttentionOf(config, layer)}, config, w.Scope("self_attn")),
                   Site::kMixerDown}},
        .post_norm = LoadPostNorm(w, "post_attention_layernorm", config)},
       {.kind = Sublayer::Kind::kMlp,
        .norm = LoadRmsNorm(w, "pre_feedforward_layernorm", config),
        .parts = {{LoadGatedMlp(config.mlp, config.d_model, w.Scope("mlp")), Site::kMlpDown}},
        .post_norm = LoadPostNorm(w, "post_feedforward_layernorm", config)}});
}

}  // namespace

const Family& GemmaFamily() {
  static const Family family{
      .model_types = {"gemma2", "gemma3_text"}, .read = ReadGemma, .make_layer = MakeGemmaLayer};
  return family;
}

}  // namespace mambascope
