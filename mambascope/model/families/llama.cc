// Llama (Touvron et al. 2023), Mistral and Qwen2: RMS norms, rotary grouped-query attention and a
// gated MLP (SwiGLU).
//
//   m = h + Attn(RMSNorm1(h))        h' = m + W_down (act(W_gate y) * W_up y),  y = RMSNorm2(m)
#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {

std::unique_ptr<Layer> MakeLlamaLayer(const Config& config, const Weights& w, int64_t /*layer*/) {
  const int64_t d = config.d_model, width = config.mlp.width;
  const AttentionConfig& a = config.attention;
  const Weights attention = w.Scope("self_attn"), mlp = w.Scope("mlp");
  const int64_t queries = a.heads * a.head_dim, keys = a.kv_heads * a.head_dim;
  const ProjectHeads heads =
      SeparateHeads(a.head_dim, Projection::Load(attention, "q_proj", queries, d, a.qkv_bias),
                    Projection::Load(attention, "k_proj", keys, d, a.qkv_bias),
                    Projection::Load(attention, "v_proj", keys, d, a.qkv_bias));
  return MakeBlock(
      d, {{.kind = Sublayer::Kind::kMixer,
           .norm = LoadRmsNorm(w, "input_layernorm", config),
           .parts = {MakeAttention({a, CutKind::kBidirectional}, heads,
                                   Projection::Load(attention, "o_proj", d, queries, a.out_bias))}},
          {.kind = Sublayer::Kind::kMlp,
           .norm = LoadRmsNorm(w, "post_attention_layernorm", config),
           .parts = {MakeGatedMlp(
               config.mlp.activation, Projection::Load(mlp, "gate_proj", width, d, config.mlp.bias),
               Projection::Load(mlp, "up_proj", width, d, config.mlp.bias),
               Projection::Load(mlp, "down_proj", d, width, config.mlp.bias))}}});
}

}  // namespace mambascope
