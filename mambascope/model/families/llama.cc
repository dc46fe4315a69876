// Llama (Touvron et al. 2023), Mistral and Qwen2: RMS norms, rotary grouped-query attention and a
// gated MLP (SwiGLU).
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

// Mistral uses its sliding window unless it is null. Qwen2 uses it only if use_sliding_window is
// true. The default width is 4096. A prompt that fits in the window gives the same result without
// it.
void ReadSlidingWindow(const Fields& f, Config& c) {
  const bool used = c.model_type == "mistral" ||
                    (c.model_type == "qwen2" && f.Get<bool>("use_sliding_window", false));
  if (!used || f.IsNull("sliding_window")) return;
  c.max_tokens = f.Size("sliding_window", 4096);
  c.max_tokens_reason = "sliding_window";
}

void ReadLlama(const Fields& f, Config& c) {
  ReadSizes(f, c, "rms_norm_eps", 1e-6, /*tied=*/false);
  AttentionConfig& a = c.attention;
  a.heads = f.Size("num_attention_heads");
  const int64_t kv_default = c.model_type == "mistral" ? 8 : c.model_type == "qwen2" ? 32 : a.heads;
  a.kv_heads =
      f.Size("num_key_value_heads", f.IsNull("num_key_value_heads") ? a.heads : kv_default);
  a.head_dim = f.Has("head_dim") ? f.Size("head_dim") : HeadDim(f, c.d_model, a.heads);
  CheckKeyHeads(f, a);
  const bool attention_bias = c.model_type == "llama" && f.Get<bool>("attention_bias", false);
  a.qkv_bias = attention_bias || c.model_type == "qwen2";
  a.out_bias = attention_bias;
  a.rope = ReadRope(f, a.head_dim, 1.0);
  c.mlp = {f.Size("intermediate_size"), ReadActivation(f, "hidden_act", "silu"),
           c.model_type == "llama" && f.Get<bool>("mlp_bias", false)};
  ReadSlidingWindow(f, c);
}

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

}  // namespace

const Family& LlamaFamily() {
  static const Family family{.model_types = {"llama", "mistral", "qwen2"},
                             .read = ReadLlama,
                             .make_layer = MakeLlamaLayer};
  return family;
}

}  // namespace mambascope
