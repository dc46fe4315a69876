// Jamba (AI21 2024): each layer has a Mamba-1 mixer, which also normalises B, C and dt, or
// attention without positions. Then it has a gated MLP or a mixture of experts.
//
//   m = h + Mixer(RMSNorm1(h))        h' = m + (MLP or Experts)(RMSNorm2(m))
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

// Reads the layers offset, offset + period, offset + 2 period, ..
std::vector<bool> ReadEvery(const Fields& f, const char* period_key, int64_t period,
                            const char* offset_key, int64_t offset, int64_t layers) {
  period = f.Size(period_key, period);
  offset = f.Get<int64_t>(offset_key, offset);
  if (offset < 0 || offset >= period) f.Refuse(offset_key);
  std::vector<bool> is_one;
  for (int64_t l = 0; l < layers; ++l) is_one.push_back(l % period == offset);
  return is_one;
}

void ReadJamba(const Fields& f, Config& c) {
  ReadSizes(f, c, "rms_norm_eps", 1e-6, /*tied=*/false);
  c.layer_kinds =
      KindsByAttention(ReadEvery(f, "attn_layer_period", 8, "attn_layer_offset", 4, c.layers));
  SsmConfig& s = c.ssm;
  s.d_inner = f.Size("mamba_expand", 2) * c.d_model;
  s.d_state = f.Size("mamba_d_state", 16);
  s.d_conv = f.Size("mamba_d_conv", 4);
  s.dt_rank = ReadDtRank(f, "mamba_dt_rank", c.d_model);
  s.in_bias = s.out_bias = f.Get<bool>("mamba_proj_bias", false);
  s.conv_bias = f.Get<bool>("mamba_conv_bias", true);
  s.bcdt_norm_eps = c.norm_eps;
  s.bcdt_norm_weights = true;
  c.attention = ReadHeads(f, c, {.heads = 32, .kv_heads = 8});
  c.attention.qkv_bias = c.attention.out_bias = false;
  DemandSilu(f);
  c.mlp = {.width = f.Size("intermediate_size", 14336)};
  const int64_t experts = f.Size("num_experts", 16);
  if (experts == 1) return;
  c.experts = {
      .count = experts,
      .per_token = ReadExpertsPerToken(f, experts, 2),
      .width = c.mlp.width,
      .shares_add_to_one = false,
      .layers = ReadEvery(f, "expert_layer_period", 2, "expert_layer_offset", 1, c.layers)};
}

std::unique_ptr<Part> LoadJambaMlp(const Config& config, const Weights& w, int64_t layer) {
  const ExpertsConfig& e = config.experts;
  const int64_t d = config.d_model;
  if (!HasExperts(config, layer)) return LoadGatedMlp(config.mlp, d, w);
  return MakeExperts(
      e, ExpertWeights::Load(e, d, w.Matrix("router.weight", {e.count, d}), w.Scope("experts")));
}

std::unique_ptr<Layer> MakeJambaLayer(const Config& config, const Weights& w, int64_t layer) {
  const int64_t d = config.d_model;
  const bool is_mamba = KindOf(config, layer) == LayerKind::kMamba;
  return MakeBlock(
      d, {{.kind = Sublayer::Kind::kMixer,
           .norm = LoadRmsNorm(w, "input_layernorm", config),
           .parts = {is_mamba ? MakeMamba1(config.ssm, d, w.Scope("mamba"))
                              : LoadAttention({config.attention}, config, w.Scope("self_attn"))}},
          {.kind = Sublayer::Kind::kMlp,
           .norm = LoadRmsNorm(w, "pre_ff_layernorm", config),
           .parts = {LoadJambaMlp(config, w.Scope("feed_forward"), layer)}}});
}

}  // namespace

const Family& JambaFamily() {
  static const Family family{.model_types = {"jamba"},
                             .read = ReadJamba,
                             .names = {.norm = "final_layernorm"},
                             .make_layer = MakeJambaLayer};
  return family;
}

}  // namespace mambascope
