// Granite 4 (IBM 2025, model_type granitemoehybrid): each layer has a Mamba-2 mixer or attention,
// then a gated MLP, to which a mixture of experts may be added. Additions are scaled by r.
//
//   m = h + r Mixer(RMSNorm1(h))        h' = m + r (Experts(y) + MLP(y)),  y = RMSNorm2(m)
//
// Attention has no positions, unless the checkpoint says so. Its scores have a scale of their own.
#include <ATen/ATen.h>

#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/experts.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadGraniteHybrid(const Fields& f, Config& c) {
  ReadSizes(f, c, "rms_norm_eps", 1e-6, /*tied=*/false);
  c.embedding_scale = f.Positive("embedding_multiplier", 1);
  c.residual_scale = f.Positive("residual_multiplier", 1);
  c.logit_scale = 1 / f.Positive("logits_scaling", 1);
  c.layer_kinds =
      f.Has("layer_types")
          ? ReadLayerKinds(f, "layer_types", c.layers, {LayerKind::kMamba, LayerKind::kAttention})
          : std::vector<LayerKind>(static_cast<size_t>(c.layers), LayerKind::kMamba);
  ReadMambaOfHybrid(f, c, f.Size("mamba_expand", 2) * c.d_model);
  AttentionConfig& a = c.attention;
  a = ReadHeads(f, c, {.heads = 32});
  a.scale = f.Positive("attention_multiplier", 1);
  // Without "rope", the order of tokens reaches attention only through the Mamba layers.
  if (f.Get<std::string>("position_embedding_type", "nope") == "rope")
    a.rope = ReadRope(f, a.head_dim, 1.0);
  DemandSilu(f);
  c.mlp = {f.Size("shared_intermediate_size", 1024), Activation::kSilu, false};
  const auto experts = f.Get<int64_t>("num_local_experts", 8);
  if (experts < 0 || experts > 1 << 20) f.Refuse("num_local_experts");
  if (experts > 0)
    c.experts = {.count = experts,
                 .per_token = ReadExpertsPerToken(f, experts, 2),
                 .width = f.Size("intermediate_size")};
}

// input_linear [2 width, d_model] holds W_gate above W_up.
std::unique_ptr<Part> LoadSharedMlp(const Config& config, const Weights& w) {
  const int64_t d = config.d_model, width = config.mlp.width;
  const Projection in = Projection::Load(w, "input_linear", 2 * width, d, false);
  return MakeMlp(GatedHidden(config.mlp.activation, in.Rows(0, width), in.Rows(width, width)),
                 Projection::Load(w, "output_linear", d, width, false));
}

std::unique_ptr<Part> LoadExperts(const Config& config, const Weights& w) {
  const ExpertsConfig& e = config.experts;
  const int64_t d = config.d_model;
  return MakeExperts(e, {.router = w.Matrix("router.layer.weight", {e.count, d}),
                         .in = w.Matrix("input_linear.weight", {e.count, 2 * e.width, d}),
                         .down = w.Matrix("output_linear.weight", {e.count, d, e.width})});
}

std::unique_ptr<Layer> MakeGraniteHybridLayer(const Config& config, const Weights& w,
                                              int64_t layer) {
  const bool is_mamba = KindOf(config, layer) == LayerKind::kMamba;
  Sublayer mixer{.kind = Sublayer::Kind::kMixer,
                 .norm = LoadRmsNorm(w, "input_layernorm", config),
                 .parts = {is_mamba ? MakeMamba2(config.ssm, config.d_model, w.Scope("mamba"))
                                    : LoadAttention({.config = config.attention}, config,
                                                    w.Scope("self_attn"))},
                 .scale = config.residual_scale};
  Sublayer mlp{.kind = Sublayer::Kind::kMlp,
               .norm = LoadRmsNorm(w, "post_attention_layernorm", config),
               .parts = {},
               .scale = config.residual_scale};
  if (HasExperts(config, layer))
    mlp.parts.push_back(LoadExperts(config, w.Scope("block_sparse_moe")));
  mlp.parts.push_back(LoadSharedMlp(config, w.Scope("shared_mlp")));
  return MakeBlock(config.d_model, {std::move(mixer), std::move(mlp)});
}

}  // namespace

const Family& GraniteHybridFamily() {
  static const Family family{.model_types = {"granitemoehybrid"},
                             .read = ReadGraniteHybrid,
                             .make_layer = MakeGraniteHybridLayer};
  return family;
}

}  // namespace mambascope
