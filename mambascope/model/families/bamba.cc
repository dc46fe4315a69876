// Bamba (IBM, Princeton, CMU, UIUC 2024): each layer has a Mamba-2 mixer or attention, then a gated
// MLP. Attention rotates half of each head's features.
//
//   m = h + Mixer(RMSNorm1(h))        h' = m + MLP(RMSNorm2(m))
#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {

std::unique_ptr<Layer> MakeBambaLayer(const Config& config, const Weights& w, int64_t layer) {
  const int64_t d = config.d_model;
  const bool is_mamba = config.layer_kinds.at(static_cast<size_t>(layer)) == LayerKind::kMamba;
  return MakeBlock(
      d, {{.kind = Sublayer::Kind::kMixer,
           .norm = LoadRmsNorm(w, "input_layernorm", config),
           .parts = {is_mamba ? MakeMamba2(config.ssm, d, w.Scope("mamba"))
                              : LoadAttention({.config = config.attention, .edits_output = true}, d,
                                              w.Scope("self_attn"))}},
          {.kind = Sublayer::Kind::kMlp,
           .norm = LoadRmsNorm(w, "pre_ff_layernorm", config),
           .parts = {LoadGatedMlp(config.mlp, d, w.Scope("feed_forward"))}}});
}

}  // namespace mambascope
