// Tests how the config.json of models with a recurrence and attention is read, with the defaults of
// transformers, or of the authors' code for the state-spaces repositories.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "mambascope/model/families/config_test_support.h"
#include "mambascope/model/family.h"

namespace mambascope {
namespace {

using testing::DoubleEq;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using enum LayerKind;
using GatedNorm = SsmConfig::GatedNorm;

TEST(FalconH1ConfigTest, Defaults) {
  const Config c = ParseChanged(kFalconH1Config);
  EXPECT_THAT(c.layer_kinds, IsEmpty()) << "all layers are alike";
  EXPECT_EQ(c.ssm.d_inner, 1024) << "not twice the width";
  EXPECT_EQ(c.ssm.heads, 128);
  EXPECT_EQ(c.ssm.head_dim, 8);
  EXPECT_EQ(c.ssm.d_state, 256);
  EXPECT_EQ(c.ssm.d_conv, 4);
  EXPECT_EQ(c.ssm.groups, 1);
  EXPECT_EQ(c.ssm.gated_norm, GatedNorm::kNone);
  EXPECT_THAT(c.ssm.multipliers, Each(1.0));
  EXPECT_FALSE(c.ssm.in_bias || c.ssm.out_bias);
  EXPECT_TRUE(c.ssm.conv_bias);
  EXPECT_EQ(c.attention.heads, 32);
  EXPECT_EQ(c.attention.kv_heads, 8);
  EXPECT_EQ(c.attention.head_dim, 2);
  EXPECT_EQ(c.attention.rope.dims, 2);
  EXPECT_THAT(c.attention.scale, DoubleEq(1 / std::sqrt(2.0)));
  EXPECT_EQ(c.mlp.gate_scale, 1);
  for (const double scale :
       {c.branches.ssm_in, c.branches.ssm_out, c.branches.attention_in, c.branches.attention_out,
        c.branches.mlp_out, c.embedding_scale, c.logit_scale})
    EXPECT_EQ(scale, 1);
}

TEST(FalconH1ConfigTest, Fields) {
  const Config c =
      ParseChanged(kFalconH1Config,
                   R"({"mamba_d_ssm":null,"mamba_n_heads":16,"mamba_n_groups":2,"mamba_d_state":32,
          "mamba_proj_bias":true,"projectors_bias":false,"mamba_rms_norm":true,"head_dim":16,
          "mamba_norm_before_gate":false,"key_multiplier":0.5,"ssm_multipliers":[1,2,3,4,5],
          "mlp_multipliers":[6,7],"ssm_in_multiplier":8,"ssm_out_multiplier":9,"mlp_bias":true,
          "attention_in_multiplier":10,"attention_out_multiplier":11,"embedding_multiplier":12,
          "lm_head_multiplier":13,"time_step_limit":[0.5,2.0]})");
  EXPECT_EQ(c.ssm.d_inner, 128) << "null: twice the width";
  EXPECT_EQ(c.ssm.head_dim, 8);
  EXPECT_EQ(c.ssm.groups, 2);
  EXPECT_EQ(c.ssm.norm_groups, 2);
  EXPECT_EQ(c.ssm.gated_norm, GatedNorm::kAfterGate);
  EXPECT_TRUE(c.ssm.in_bias && !c.ssm.out_bias);
  EXPECT_EQ(c.ssm.dt_min, 0.5);
  EXPECT_EQ(c.ssm.dt_max, 2);
  EXPECT_THAT(c.ssm.multipliers, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(c.attention.scale, DoubleEq(0.5 / 4));
  EXPECT_TRUE(c.mlp.bias);
  EXPECT_EQ(c.mlp.gate_scale, 6);
  EXPECT_EQ(c.branches.mlp_out, 7);
  EXPECT_EQ(c.branches.ssm_in, 8);
  EXPECT_EQ(c.branches.ssm_out, 9);
  EXPECT_EQ(c.branches.attention_in, 10);
  EXPECT_EQ(c.branches.attention_out, 11);
  EXPECT_EQ(c.embedding_scale, 12);
  EXPECT_EQ(c.logit_scale, 13);
  EXPECT_EQ(ParseChanged(kFalconH1Config, R"({"mamba_rms_norm":true})").ssm.gated_norm,
            GatedNorm::kBeforeGate);
  EXPECT_TRUE(ParseChanged(kFalconH1Config, R"({"projectors_bias":true})").ssm.out_bias);
}

TEST(JambaConfigTest, Defaults) {
  const Config c = ParseChanged(kJambaConfig, R"({"num_hidden_layers":16})");
  for (int64_t l = 0; l < 16; ++l) {
    EXPECT_EQ(c.layer_kinds[static_cast<size_t>(l)], l == 4 || l == 12 ? kAttention : kMamba) << l;
    EXPECT_EQ(c.experts.layers[static_cast<size_t>(l)], l % 2 == 1) << l;
  }
  EXPECT_EQ(c.ssm.d_inner, 128);
  EXPECT_EQ(c.ssm.d_state, 16);
  EXPECT_EQ(c.ssm.d_conv, 4);
  EXPECT_EQ(c.ssm.dt_rank, 4);
  EXPECT_EQ(c.ssm.heads, 0) << "Mamba-1";
  EXPECT_EQ(c.ssm.bcdt_norm_eps, 1e-6);
  EXPECT_TRUE(c.ssm.bcdt_norm_weights && c.ssm.conv_bias);
  EXPECT_EQ(c.attention.heads, 32);
  EXPECT_EQ(c.attention.kv_heads, 8);
  EXPECT_EQ(c.attention.rope.dims, 0) << "no positions";
  EXPECT_EQ(c.mlp.width, 14336);
  EXPECT_EQ(c.experts.count, 16);
  EXPECT_EQ(c.experts.per_token, 2);
  EXPECT_EQ(c.experts.width, 14336);
  EXPECT_FALSE(c.experts.shares_add_to_one);
}

TEST(JambaConfigTest, Fields) {
  const Config c =
      ParseChanged(kJambaConfig,
                   R"({"attn_layer_period":2,"attn_layer_offset":0,"expert_layer_period":3,
          "expert_layer_offset":2,"num_experts":4,"num_experts_per_tok":1,"intermediate_size":32,
          "mamba_expand":3,"mamba_d_state":8,"mamba_dt_rank":5,"mamba_proj_bias":true,
          "mamba_conv_bias":false,"rms_norm_eps":0.25})");
  EXPECT_THAT(c.layer_kinds, ElementsAre(kAttention, kMamba, kAttention));
  EXPECT_THAT(c.experts.layers, ElementsAre(false, false, true));
  EXPECT_EQ(c.experts.count, 4);
  EXPECT_EQ(c.experts.per_token, 1);
  EXPECT_EQ(c.experts.width, 32);
  EXPECT_EQ(c.ssm.d_inner, 192);
  EXPECT_EQ(c.ssm.d_state, 8);
  EXPECT_EQ(c.ssm.dt_rank, 5);
  EXPECT_EQ(c.ssm.bcdt_norm_eps, 0.25);
  EXPECT_TRUE(c.ssm.in_bias && c.ssm.out_bias && !c.ssm.conv_bias);
  EXPECT_EQ(ParseChanged(kJambaConfig, R"({"num_experts":1})").experts.count, 0)
      << "one expert is an MLP";
  EXPECT_EQ(ParseChanged(kJambaConfig, R"({"mamba_dt_rank":"auto"})").ssm.dt_rank, 4);
}

TEST(Qwen3NextConfigTest, Defaults) {
  for (const char* base : {kQwen3NextConfig, kQwen35Config}) {
    const Config c = ParseChanged(base, R"({"num_hidden_layers":5})");
    EXPECT_THAT(c.layer_kinds, ElementsAre(kMamba, kMamba, kMamba, kAttention, kMamba));
    EXPECT_EQ(c.delta.key_heads, 16);
    EXPECT_EQ(c.delta.heads, 32);
    EXPECT_EQ(c.delta.d_key, 128);
    EXPECT_EQ(c.delta.d_value, 128);
    EXPECT_EQ(c.delta.d_conv, 4);
    EXPECT_EQ(c.delta.norm_eps, 1e-6);
    EXPECT_EQ(c.attention.heads, 16);
    EXPECT_EQ(c.attention.kv_heads, base == kQwen3NextConfig ? 2 : 4);
    EXPECT_EQ(c.attention.head_dim, 256);
    EXPECT_EQ(c.attention.rope.dims, 64) << "a quarter";
    EXPECT_EQ(c.attention.qk_norm, AttentionConfig::QkNorm::kHead);
    EXPECT_TRUE(c.attention.has_gate);
    EXPECT_EQ(c.norm_offset, 1);
    EXPECT_EQ(c.experts.count, base == kQwen3NextConfig ? 512 : 0);
  }
}

TEST(Qwen3NextConfigTest, Fields) {
  const Config c = ParseChanged(
      kQwen35Config,
      R"({"layer_types":["full_attention","linear_attention","full_attention"],"head_dim":16,
          "linear_num_key_heads":2,"linear_num_value_heads":4,"linear_key_head_dim":8,
          "linear_value_head_dim":12,"linear_conv_kernel_dim":3,
          "rope_parameters":{"rope_theta":1e7,"partial_rotary_factor":0.5,
                "rope_type":"default"}})");
  EXPECT_THAT(c.layer_kinds, ElementsAre(kAttention, kMamba, kAttention));
  EXPECT_EQ(c.delta.key_heads, 2);
  EXPECT_EQ(c.delta.heads, 4);
  EXPECT_EQ(c.delta.d_key, 8);
  EXPECT_EQ(c.delta.d_value, 12);
  EXPECT_EQ(c.delta.d_conv, 3);
  EXPECT_EQ(c.attention.rope.dims, 8);
  EXPECT_EQ(c.attention.rope.theta, 1e7);
  const Config d = ParseChanged(kQwen3NextConfig,
                                R"({"full_attention_interval":2,"partial_rotary_factor":1.0,
                                    "rope_theta":5.0,"head_dim":16,"num_experts":0})");
  EXPECT_THAT(d.layer_kinds, ElementsAre(kMamba, kAttention, kMamba));
  EXPECT_EQ(d.attention.rope.dims, 16);
  EXPECT_EQ(d.attention.rope.theta, 5);
  EXPECT_EQ(d.experts.count, 0);
}

TEST(Qwen3NextConfigTest, HasItsExperts) {
  const Config c = ParseChanged(kQwen3NextConfig,
                                R"({"num_experts":8,"num_experts_per_tok":3,"norm_topk_prob":false,
                                    "moe_intermediate_size":24,"mlp_only_layers":[0],
                                    "shared_expert_intermediate_size":40})");
  EXPECT_EQ(c.experts.count, 8);
  EXPECT_EQ(c.experts.per_token, 3);
  EXPECT_EQ(c.experts.width, 24);
  EXPECT_EQ(c.experts.shared_expert.width, 40);
  EXPECT_FALSE(c.experts.shares_add_to_one);
  EXPECT_THAT(c.experts.layers, ElementsAre(false, true, true));
  EXPECT_EQ(c.mlp.width, 96);
  const Config d = ParseChanged(kQwen3NextConfig, R"({"decoder_sparse_step":2})");
  EXPECT_EQ(d.experts.count, 512);
  EXPECT_EQ(d.experts.per_token, 10);
  EXPECT_TRUE(d.experts.shares_add_to_one);
  EXPECT_THAT(d.experts.layers, ElementsAre(false, true, false));
}

// The config.json of state-spaces/mamba2attn-2.7b.
constexpr const char* kMamba2AttnConfig =
    R"({"d_model":2560,"d_intermediate":0,"n_layer":64,"vocab_size":50277,
        "ssm_cfg":{"layer":"Mamba2"},"attn_layer_idx":[9,18,27,36,45,56],
        "attn_cfg":{"causal":true,"d_conv":4,"head_dim":128,"num_heads":30,"out_proj_bias":false,
                    "qkv_proj_bias":false,"rotary_emb_dim":64},
        "rms_norm":true,"residual_in_fp32":true,"fused_add_norm":true,
        "pad_vocab_size_multiple":16,"tie_embeddings":true})";

TEST(StateSpacesConfigTest, Mamba2AttnHasItsSizes) {
  const Config c = ParseChanged(kMamba2AttnConfig);
  EXPECT_EQ(c.model_type, "mamba2attn");
  EXPECT_EQ(c.family, &StateSpacesFamily());
  EXPECT_EQ(c.d_model, 2560);
  EXPECT_EQ(c.layers, 64);
  EXPECT_EQ(c.vocab, 50288) << "the next multiple of 16";
  EXPECT_TRUE(c.tied_embeddings);
  EXPECT_EQ(c.mlp.width, 0);
  for (const int64_t l : {9, 18, 27, 36, 45, 56})
    EXPECT_EQ(c.layer_kinds[static_cast<size_t>(l)], kAttention) << l;
  EXPECT_EQ(std::count(c.layer_kinds.begin(), c.layer_kinds.end(), kMamba), 58);
  EXPECT_EQ(c.ssm.d_inner, 5120);
  EXPECT_EQ(c.ssm.heads, 80);
  EXPECT_EQ(c.ssm.head_dim, 64);
  EXPECT_EQ(c.ssm.d_state, 128);
  EXPECT_EQ(c.ssm.groups, 1);
  EXPECT_EQ(c.ssm.gated_norm, GatedNorm::kAfterGate);
  const AttentionConfig& a = c.attention;
  EXPECT_EQ(a.heads, 30);
  EXPECT_EQ(a.kv_heads, 30);
  EXPECT_EQ(a.head_dim, 128) << "so the heads are wider than the model";
  EXPECT_EQ(a.d_conv, 4);
  EXPECT_EQ(a.rope.dims, 64);
  EXPECT_EQ(a.rope.theta, 10000);
  EXPECT_FALSE(a.rope.interleaved || a.qkv_bias || a.out_bias);
}

TEST(StateSpacesConfigTest, TransformerHasAttentionInEveryLayer) {
  const Config c = ParseChanged(
      R"({"d_model":64,"d_intermediate":200,"n_layer":2,"vocab_size":100,"attn_layer_idx":[0,1],
          "attn_cfg":{"causal":true,"num_heads":8,"num_heads_kv":2,"softmax_scale":0.5,
                      "rotary_emb_dim":4,"rotary_emb_base":50,"rotary_emb_interleaved":true}})");
  EXPECT_EQ(c.model_type, "transformerpp");
  EXPECT_EQ(c.mlp.width, 256) << "the next multiple of 128";
  EXPECT_EQ(c.attention.heads, 8);
  EXPECT_EQ(c.attention.kv_heads, 2);
  EXPECT_EQ(c.attention.head_dim, 8);
  EXPECT_EQ(c.attention.scale, 0.5);
  EXPECT_EQ(c.attention.d_conv, 0);
  EXPECT_EQ(c.attention.rope.dims, 4);
  EXPECT_EQ(c.attention.rope.theta, 50);
  EXPECT_TRUE(c.attention.rope.interleaved && c.attention.qkv_bias && c.attention.out_bias);
}

TEST(StateSpacesConfigTest, Mamba2sNormHasOptions) {
  const auto norm = [](const char* fields) {
    return ParseChanged(kOriginalMamba2Config,
                        std::string(R"({"ssm_cfg":{"layer":"Mamba2")") + fields + "}}")
        .ssm.gated_norm;
  };
  EXPECT_EQ(norm(""), GatedNorm::kAfterGate);
  EXPECT_EQ(norm(R"(,"norm_before_gate":true)"), GatedNorm::kBeforeGate);
  EXPECT_EQ(norm(R"(,"rmsnorm":false)"), GatedNorm::kNone);
  EXPECT_EQ(norm(R"(,"rmsnorm":false,"norm_before_gate":true)"), GatedNorm::kNone);
}

}  // namespace
}  // namespace mambascope
