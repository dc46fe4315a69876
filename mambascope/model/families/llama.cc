// Llama (Touvron et al. 2023), Mistral, Qwen2 and Qwen3: RMS norms, rotary grouped-query attention
// and a gated MLP (SwiGLU). Qwen3 normalises the queries and keys of each head.
//
//   m = h + Attn(RMSNorm1(h))        h' = m + W_down (act(W_gate y) * W_up y),  y = RMSNorm2(m)
#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

// Mistral uses its sliding window unless it is null. Qwen uses it only if use_sliding_window is
// true, from the layer max_window_layers on, or in the layers that layer_types names. The default
// width is 4096.
void ReadSlidingWindow(const Fields& f, Config& c) {
  const bool is_mistral = c.model_type == "mistral";
  if (!is_mistral && !f.Get<bool>("use_sliding_window", false)) return;
  if (c.model_type == "llama" || f.IsNull("sliding_window")) return;
  c.attention.window = f.Size("sliding_window", 4096);
  if (is_mistral) {
    c.layer_kinds.assign(static_cast<size_t>(c.layers), LayerKind::kSliding);
  } else if (f.Has("layer_types")) {
    c.layer_kinds =
        ReadLayerKinds(f, "layer_types", c.layers, {LayerKind::kAttention, LayerKind::kSliding});
  } else {
    const int64_t first = f.Get<int64_t>("max_window_layers", 28);
    for (int64_t l = 0; l < c.layers; ++l)
      c.layer_kinds.push_back(l < first ? LayerKind::kAttention : LayerKind::kSliding);
  }
}

void ReadLlama(const Fields& f, Config& c) {
  ReadSizes(f, c, "rms_norm_eps", 1e-6, /*tied=*/false);
  const std::string& type = c.model_type;
  const bool is_qwen3 = type == "qwen3";
  AttentionConfig& a = c.attention;
  a = ReadHeads(f, c,
                {.kv_heads = type == "mistral"             ? 8
                             : type == "qwen2" || is_qwen3 ? 32
                                                           : 0,
                 .head_dim = is_qwen3 ? 128 : 0});
  if (type == "mistral") a.qkv_bias = a.out_bias = false;
  if (type == "qwen2") a.qkv_bias = true, a.out_bias = false;
  if (is_qwen3) a.qk_norm = AttentionConfig::QkNorm::kHead;
  a.rope = ReadRope(f, a.head_dim, 1.0);
  c.mlp = {.width = f.Size("intermediate_size"),
           .activation = ReadActivation(f, "hidden_act", "silu"),
           .bias = type == "llama" && f.Get<bool>("mlp_bias", false)};
  ReadSlidingWindow(f, c);
}

std::unique_ptr<Layer> MakeLlamaLayer(const Config& config, const Weights& w, int64_t layer) {
  return MakeBlock(config.d_model,
                   {{.kind = Sublayer::Kind::kMixer,
                     .norm = LoadRmsNorm(w, "input_layernorm", config),
                     .parts = {LoadAttention({AttentionOf(config, layer), CutKind::kBidirectional},
                                             config, w.Scope("self_attn"))}},
                    {.kind = Sublayer::Kind::kMlp,
                     .norm = LoadRmsNorm(w, "post_attention_layernorm", config),
                     .parts = {LoadGatedMlp(config.mlp, config.d_model, w.Scope("mlp"))}}});
}

}  // namespace

const Family& LlamaFamily() {
  static const Family family{.model_types = {"llama", "mistral", "qwen2", "qwen3"},
                             .read = ReadLlama,
                             .make_layer = MakeLlamaLayer};
  return family;
}

}  // namespace mambascope
