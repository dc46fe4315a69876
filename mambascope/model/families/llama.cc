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
  return MakeBlock(config.d_model,
                   {{.kind = Sublayer::Kind::kMixer,
                     .norm = LoadRmsNorm(w, "input_layernorm", config),
                     .parts = {LoadAttention({config.attention, CutKind::kBidirectional},
                                             config.d_model, w.Scope("self_attn"))}},
                    {.kind = Sublayer::Kind::kMlp,
                     .norm = LoadRmsNorm(w, "post_attention_layernorm", config),
                     .parts = {LoadGatedMlp(config.mlp, config.d_model, w.Scope("mlp"))}}});
}

}  // namespace mambascope
