// Nemotron-H (NVIDIA 2025): each block has one part, which is a Mamba-2 mixer, attention without
// positions, or an MLP with squared ReLU.
//
//   h' = h + Part(RMSNorm(h))
#include "mambascope/error.h"
#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

// hybrid_override_pattern has a letter for each block: M, *, - and E (experts).
std::vector<LayerKind> ReadPattern(const Fields& f, const char* key) {
  std::vector<LayerKind> kinds;
  for (const char letter : f.Get<std::string>(key)) {
    if (letter == 'M') kinds.push_back(LayerKind::kMamba);
    else if (letter == '*') kinds.push_back(LayerKind::kAttention);
    else if (letter == '-') kinds.push_back(LayerKind::kMlp);
    else f.Refuse(key);
  }
  if (kinds.empty()) f.Refuse(key);
  return kinds;
}

void ReadNemotronH(const Fields& f, Config& c) {
  c.d_model = f.Size("hidden_size");
  if (f.Has("layers_block_type")) {
    c.layers = static_cast<int64_t>(f.Raw("layers_block_type").size());
    c.layer_kinds = ReadLayerKinds(f, "layers_block_type", c.layers,
                                   {LayerKind::kMamba, LayerKind::kAttention, LayerKind::kMlp});
  } else {
    c.layer_kinds = ReadPattern(f, "hybrid_override_pattern");
    c.layers = static_cast<int64_t>(c.layer_kinds.size());
  }
  c.norm_eps = f.Positive("layer_norm_epsilon", 1e-5);
  c.tied_embeddings = f.Get<bool>("tie_word_embeddings", false);
  SsmConfig& s = c.ssm;  // older files spell some fields in another way
  s.heads = f.Size("mamba_num_heads", 128);
  s.head_dim = f.Size("mamba_head_dim", 64);
  s.d_inner = s.heads * s.head_dim;
  s.d_state = f.Size("ssm_state_size", 128);
  s.d_conv = f.Size("mamba_d_conv", f.Size("conv_kernel", 4));
  s.groups = s.norm_groups = f.Size("mamba_n_groups", f.Size("n_groups", 8));
  s.norm_eps = c.norm_eps;
  s.in_bias = s.out_bias = f.Get<bool>("use_bias", false);
  s.conv_bias = f.Get<bool>("mamba_conv_bias", f.Get<bool>("use_conv_bias", true));
  ReadTimeStepLimit(f, f.Has("mamba_dt_limit") ? "mamba_dt_limit" : "time_step_limit", s);
  // The reference path of transformers also clamps the step size from below by time_step_min.
  s.dt_min =
      std::max(s.dt_min, f.Get<double>("mamba_dt_min", f.Get<double>("time_step_min", 0.001)));
  CheckSsmHeads(f, s);
  DemandSilu(f, "mamba_hidden_act");
  c.attention =
      ReadHeads(f, c, {.heads = 32, .kv_heads = 8, .head_dim = f.Size("attention_head_dim", 128)});
  c.mlp = {f.Size("intermediate_size"), ReadActivation(f, "mlp_hidden_act", "relu2"),
           f.Get<bool>("mlp_bias", false)};
}

std::unique_ptr<Part> LoadPart(const Config& config, LayerKind kind, const Weights& w) {
  switch (kind) {
    case LayerKind::kMamba: return MakeMamba2(config.ssm, config.d_model, w);
    case LayerKind::kAttention: return LoadAttention({.config = config.attention}, config, w);
    case LayerKind::kSliding:
    case LayerKind::kShared: break;
    case LayerKind::kMlp: return LoadMlp(config.mlp, config.d_model, w);
  }
  throw Error("unknown kind of layer");
}

std::unique_ptr<Layer> MakeNemotronHLayer(const Config& config, const Weights& w, int64_t layer) {
  const LayerKind kind = KindOf(config, layer);
  return MakeBlock(config.d_model, {{.kind = kind == LayerKind::kMlp ? Sublayer::Kind::kMlp
                                                                     : Sublayer::Kind::kMixer,
                                     .norm = LoadRmsNorm(w, "norm", config),
                                     .parts = {LoadPart(config, kind, w.Scope("mixer"))}}});
}

}  // namespace

const Family& NemotronHFamily() {
  static const Family family{
      .model_types = {"nemotron_h"},
      .read = ReadNemotronH,
      .names = {.prefix = "backbone.", .embedding = "embeddings", .norm = "norm_f"},
      .make_layer = MakeNemotronHLayer};
  return family;
}

}  // namespace mambascope
