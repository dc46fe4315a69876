// Bamba (IBM, Princeton, CMU, UIUC 2024): each layer has a Mamba-2 mixer or attention, then a gated
// MLP. Attention rotates half of each head's features.
//
//   m = h + Mixer(RMSNorm1(h))        h' = m + MLP(RMSNorm2(m))
#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadBamba(const Fields& f, Config& c) {
  ReadSizes(f, c, "rms_norm_eps", 1e-5, /*tied=*/false);
  c.layer_kinds = KindsByAttention(ReadLayerIndices(f, "attn_layer_indices", c.layers));
  ReadMambaOfHybrid(f, c, f.Size("mamba_expand", 2) * c.d_model);
  c.attention = ReadHeads(f, c, {.heads = 32, .kv_heads = 8});
  c.attention.rope = ReadRope(f, c.attention.head_dim, 0.5);
  DemandSilu(f);
  c.mlp = {f.Size("intermediate_size"), Activation::kSilu, f.Get<bool>("mlp_bias", false)};
}

std::unique_ptr<Layer> MakeBambaLayer(const Config& config, const Weights& w, int64_t layer) {
  const int64_t d = config.d_model;
  const bool is_mamba = KindOf(config, layer) == LayerKind::kMamba;
  return MakeBlock(d, {{.kind = Sublayer::Kind::kMixer,
                        .norm = LoadRmsNorm(w, "input_layernorm", config),
                        .parts = {is_mamba ? MakeMamba2(config.ssm, d, w.Scope("mamba"))
                                           : LoadAttention({.config = config.attention}, config,
                                                           w.Scope("self_attn"))}},
                       {.kind = Sublayer::Kind::kMlp,
                        .norm = LoadRmsNorm(w, "pre_ff_layernorm", config),
                        .parts = {LoadGatedMlp(config.mlp, d, w.Scope("feed_forward"))}}});
}

}  // namespace

const Family& BambaFamily() {
  static const Family family{.model_types = {"bamba"},
                             .read = ReadBamba,
                             .names = {.norm = "final_layernorm"},
                             .make_layer = MakeBambaLayer};
  return family;
}

}  // namespace mambascope
