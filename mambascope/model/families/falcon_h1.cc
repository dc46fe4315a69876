// Falcon-H1 (TII 2025): each layer has a Mamba-2 mixer and attention side by side, then a gated
// MLP. Everything has a multiplier.
//
//   x = RMSNorm1(h)      m = h + c_ssm' Mamba2(c_ssm x) + c_attn' Attn(c_attn x)
//   y = RMSNorm2(m)      h' = m + c_down W_down (SiLU(c_gate W_gate y) * W_up y)
#include <algorithm>
#include <cmath>

#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadMultipliers(const Fields& f, Config& c) {
  c.embedding_scale = f.Positive("embedding_multiplier", 1);
  c.logit_scale = f.Positive("lm_head_multiplier", 1);
  c.branches = {.ssm_in = f.Positive("ssm_in_multiplier", 1),
                .ssm_out = f.Positive("ssm_out_multiplier", 1),
                .attention_in = f.Positive("attention_in_multiplier", 1),
                .attention_out = f.Positive("attention_out_multiplier", 1)};
  // The keys' multiplier is one of the scores.
  c.attention.scale =
      f.Positive("key_multiplier", 1) / std::sqrt(static_cast<double>(c.attention.head_dim));
  const std::vector<double> ssm = f.Numbers("ssm_multipliers", {1, 1, 1, 1, 1});
  std::copy(ssm.begin(), ssm.end(), c.ssm.multipliers.begin());
  const std::vector<double> mlp = f.Numbers("mlp_multipliers", {1, 1});
  c.mlp.gate_scale = mlp[0];
  c.branches.mlp_out = mlp[1];
}

void ReadFalconH1(const Fields& f, Config& c) {
  ReadSizes(f, c, "rms_norm_eps", 1e-5, /*tied=*/false);
  ReadMambaOfHybrid(f, c, 1024);
  c.ssm.out_bias = f.Get<bool>("projectors_bias", false);
  if (f.Get<bool>("mamba_rms_norm", false))
    c.ssm.gated_norm = f.Get<bool>("mamba_norm_before_gate", true)
                           ? SsmConfig::GatedNorm::kBeforeGate
                           : SsmConfig::GatedNorm::kAfterGate;
  else c.ssm.gated_norm = SsmConfig::GatedNorm::kNone;
  c.ssm.norm_groups = c.ssm.groups;
  c.attention = ReadHeads(f, c, {.heads = 32, .kv_heads = 8});
  c.attention.rope = ReadRope(f, c.attention.head_dim, 1.0);
  c.mlp = {.width = f.Size("intermediate_size"),
           .activation = ReadActivation(f, "hidden_act", "silu"),
           .bias = f.Get<bool>("mlp_bias", false)};
  ReadMultipliers(f, c);
}

std::unique_ptr<Layer> MakeFalconH1Layer(const Config& config, const Weights& w,
                                         int64_t /*layer*/) {
  const int64_t d = config.d_model;
  const BranchScales& scales = config.branches;
  return MakeBlock(
      d,
      {{.kind = Sublayer::Kind::kMixer,
        .norm = LoadRmsNorm(w, "input_layernorm", config),
        .parts = {{MakeMamba2(config.ssm, d, w.Scope("mamba")), scales.ssm_in, scales.ssm_out,
                   Site::kMambaOut},
                  {LoadAttention(
                       {.config = config.attention, .mixed = Site::kAttnMixed, .w_o = "attn_W_o"},
                       config, w.Scope("self_attn")),
                   scales.attention_in, scales.attention_out, Site::kAttnOut}}},
       {.kind = Sublayer::Kind::kMlp,
        .norm = LoadRmsNorm(w, "pre_ff_layernorm", config),
        .parts = {{LoadGatedMlp(config.mlp, d, w.Scope("feed_forward")), 1, scales.mlp_out}}}});
}

}  // namespace

const Family& FalconH1Family() {
  static const Family family{.model_types = {"falcon_h1"},
                             .read = ReadFalconH1,
                             .names = {.norm = "final_layernorm"},
                             .make_layer = MakeFalconH1Layer};
  return family;
}

}  // namespace mambascope
