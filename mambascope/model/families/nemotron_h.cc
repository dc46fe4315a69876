// Nemotron-H (NVIDIA 2025): each block has one part, which is a Mamba-2 mixer, attention without
// positions, an MLP with squared ReLU, or experts of that kind beside such an MLP.
//
//   h' = h + Part(RMSNorm(h))
#include <algorithm>

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

// hybrid_override_pattern has a letter for each block: M, *, - and E (experts).
std::vector<LayerKind> ReadPattern(const Fields& f, const char* key) {
  std::vector<LayerKind> kinds;
  for (const char letter : f.Get<std::string>(key)) {
    if (letter == 'M') kinds.push_back(LayerKind::kMamba);
    else if (letter == '*') kinds.push_back(LayerKind::kAttention);
    else if (letter == '-') kinds.push_back(LayerKind::kMlp);
    else if (letter == 'E') kinds.push_back(LayerKind::kExperts);
    else f.Refuse(key);
  }
  if (kinds.empty()) f.Refuse(key);
  return kinds;
}

void ReadNemotronExperts(const Fields& f, Config& c) {
  const int64_t count = f.Size("n_routed_experts", 8);
  c.experts = {.count = count,
               .per_token = ReadExpertsPerToken(f, count, 2),
               .width = f.Size("moe_intermediate_size", 7688),
               .scores = ExpertsConfig::Scores::kSigmoid,
               .shares_add_to_one = f.Get<bool>("norm_topk_prob", true),
               .share_scale = f.Get<double>("routed_scaling_factor", 1.0),
               .activation = c.mlp.activation,
               .has_gate = false,
               .shared_expert = {f.Size("moe_shared_expert_intermediate_size", 7688),
                                 c.mlp.activation, c.mlp.bias}};
  f.Demand("n_group", 1);
  if (f.Has("moe_latent_size")) f.Refuse("moe_latent_size");
}

void ReadNemotronH(const Fields& f, Config& c) {
  c.d_model = f.Size("hidden_size");
  if (f.Has("layers_block_type")) {
    c.layers = static_cast<int64_t>(f.Raw("layers_block_type").size());
    c.layer_kinds = ReadLayerKinds(
        f, "layers_block_type", c.layers,
        {LayerKind::kMamba, LayerKind::kAttention, LayerKind::kMlp, LayerKind::kExperts});
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
  if (std::find(c.layer_kinds.begin(), c.layer_kinds.end(), LayerKind::kExperts) !=
      c.layer_kinds.end())
    ReadNemotronExperts(f, c);
}

std::vector<Branch> LoadParts(const Config& config, LayerKind kind, const Weights& w) {
  const int64_t d = config.d_model;
  if (kind == LayerKind::kMamba) return {MakeMamba2(config.ssm, d, w)};
  if (kind == LayerKind::kAttention)
    return {LoadAttention({.config = config.attention}, config, w)};
  if (kind == LayerKind::kMlp) return {LoadMlp(config.mlp, d, w)};
  const ExpertsConfig& e = config.experts;
  ExpertWeights weights =
      ExpertWeights::Load(e, d, w.Float("gate.weight", {e.count, d}), w.Scope("experts"));
  weights.choice_bias = w.Float("gate.e_score_correction_bias", {e.count});
  return {MakeExperts(e, weights), LoadMlp(e.shared_expert, d, w.Scope("shared_experts"))};
}

std::unique_ptr<Layer> MakeNemotronHLayer(const Config& config, const Weights& w, int64_t layer) {
  const LayerKind kind = KindOf(config, layer);
  const bool is_mixer = kind == LayerKind::kMamba || kind == LayerKind::kAttention;
  return MakeBlock(config.d_model,
                   {{.kind = is_mixer ? Sublayer::Kind::kMixer : Sublayer::Kind::kMlp,
                     .norm = LoadRmsNorm(w, "norm", config),
                     .parts = LoadParts(config, kind, w.Scope("mixer"))}});
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
