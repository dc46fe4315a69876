// Phi-1, Phi-1.5 and Phi-2 (Gunasekar et al. 2023): attention and MLP read the same normed input,
// and are added together. Attention rotates a part of each head's features.
//
//   x = LN(h)        h' = h + Attn(x) + W_down gelu(W_up x)
#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadPhi(const Fields& f, Config& c) {
  ReadSizes(f, c, "layer_norm_eps", 1e-5, /*tied=*/false);
  f.Demand("qk_layernorm", false);
  c.unembedding_bias = true;
  AttentionConfig& a = c.attention;
  a = ReadHeads(f, c, {.heads = 32});
  a.qkv_bias = a.out_bias = true;
  a.rope = ReadRope(f, a.head_dim, 0.5);
  c.mlp = {.width = f.Size("intermediate_size", 8192),
           .activation = ReadActivation(f, "hidden_act", "gelu_new"),
           .bias = true};
}

std::unique_ptr<Layer> MakePhiLayer(const Config& config, const Weights& w, int64_t /*layer*/) {
  const int64_t d = config.d_model, width = config.mlp.width;
  const Norm norm = LoadLayerNorm(w, "input_layernorm", config);
  return MakeBlock(
      d, {{.kind = Sublayer::Kind::kMixer,
           .norm = norm,
           .parts = {LoadAttention({.config = config.attention, .out = "dense"}, config,
                                   w.Scope("self_attn"))}},
          {.kind = Sublayer::Kind::kMlp,
           .reads = Sublayer::Reads::kBlockInput,
           .norm = norm,
           .parts = {MakeMlp(
               PlainHidden(config.mlp.activation, Projection::Load(w, "mlp.fc1", width, d, true)),
               Projection::Load(w, "mlp.fc2", d, width, true))}}});
}

}  // namespace

const Family& PhiFamily() {
  static const Family family{.model_types = {"phi"},
                             .read = ReadPhi,
                             .names = {.norm = "final_layernorm"},
                             .final_norm = NormKind::kLayer,
                             .make_layer = MakePhiLayer};
  return family;
}

}  // namespace mambascope
