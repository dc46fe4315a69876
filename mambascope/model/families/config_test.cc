// Tests how the config.json of every family is read, in every spelling, with Hugging Face's
// defaults for missing fields.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/families/config_test_support.h"
#include "mambascope/model/family.h"
#include "mambascope/model/model.h"

namespace mambascope {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Case {
  const char* config;
  const Family* family;
  bool tied_embeddings;
  double norm_eps;
};

TEST(ConfigTest, EachFamilyHasItsDefaults) {
  const Case kCases[] = {{kMambaConfig, &Mamba1Family(), true, 1e-5},
                         {kFalconConfig, &Mamba1Family(), true, 1e-5},
                         {kMamba2Config, &Mamba2Family(), false, 1e-5},
                         {kNeoxConfig, &NeoxFamily(), false, 1e-5},
                         {kGpt2Config, &Gpt2Family(), true, 1e-5},
                         {kLlamaConfig, &LlamaFamily(), false, 1e-6},
                         {kMistralConfig, &LlamaFamily(), false, 1e-6},
                         {kQwen2Config, &LlamaFamily(), false, 1e-6},
                         {kQwen3Config, &LlamaFamily(), false, 1e-6},
                         {kGemma2Config, &GemmaFamily(), true, 1e-6},
                         {kGemma3Config, &GemmaFamily(), true, 1e-6},
                         {kOlmo2Config, &Olmo2Family(), false, 1e-5},
                         {kPhiConfig, &PhiFamily(), false, 1e-5},
                         {kGptjConfig, &GptjFamily(), false, 1e-5},
                         {kQwen3NextConfig, &Qwen3NextFamily(), false, 1e-6},
                         {kQwen35Config, &Qwen3NextFamily(), false, 1e-6},
                         {kFalconH1Config, &FalconH1Family(), false, 1e-5},
                         {kJambaConfig, &JambaFamily(), false, 1e-6},
                         {kOriginalMambaConfig, &StateSpacesFamily(), true, 1e-5},
                         {kOriginalMamba2Config, &StateSpacesFamily(), true, 1e-5}};
  for (const Case& each : kCases) {
    const Config c = ParseChanged(each.config);
    EXPECT_EQ(c.family, each.family) << each.config;
    EXPECT_EQ(c.tied_embeddings, each.tied_embeddings) << each.config;
    EXPECT_EQ(c.norm_eps, each.norm_eps) << each.config;
    EXPECT_EQ(c.layers, 3) << each.config;
  }
  for (const char* base :
       {kMambaConfig, kMamba2Config, kNeoxConfig, kGpt2Config, kLlamaConfig, kMistralConfig,
        kQwen2Config, kQwen3Config, kGemma2Config, kGemma3Config, kOlmo2Config, kPhiConfig,
        kGptjConfig, kQwen3NextConfig, kQwen35Config, kFalconH1Config, kJambaConfig}) {
    EXPECT_TRUE(ParseChanged(base, R"({"tie_word_embeddings":true})").tied_embeddings) << base;
    EXPECT_FALSE(ParseChanged(base, R"({"tie_word_embeddings":false})").tied_embeddings) << base;
  }
}

TEST(ConfigTest, MambaDefaultsAndFields) {
  const Config c = ParseChanged(kMambaConfig);
  EXPECT_EQ(c.ssm.d_inner, 80);
  EXPECT_EQ(c.ssm.d_state, 16);
  EXPECT_EQ(c.ssm.d_conv, 4);
  EXPECT_EQ(c.ssm.dt_rank, 3) << "40 / 16, rounded up";
  EXPECT_FALSE(c.ssm.in_bias);
  EXPECT_TRUE(c.ssm.conv_bias);
  EXPECT_FALSE(c.ssm.bcdt_norm_eps.has_value());
  const Config d =
      ParseChanged(kMambaConfig,
                   R"({"expand":3,"state_size":8,"conv_kernel":2,"time_step_rank":5,"use_bias":true,
                                                  "use_conv_bias":false,"layer_norm_epsilon":0.25})");
  EXPECT_EQ(d.ssm.d_inner, 120);
  EXPECT_EQ(d.ssm.d_state, 8);
  EXPECT_EQ(d.ssm.d_conv, 2);
  EXPECT_EQ(d.ssm.dt_rank, 5);
  EXPECT_TRUE(d.ssm.in_bias);
  EXPECT_FALSE(d.ssm.conv_bias);
  EXPECT_EQ(d.norm_eps, 0.25);
  EXPECT_EQ(
      ParseChanged(kMambaConfig, R"({"time_step_rank":"auto","intermediate_size":72})").ssm.d_inner,
      72);
  EXPECT_EQ(ParseChanged(kMambaConfig, R"({"time_step_rank":"auto"})").ssm.dt_rank, 3);
}

TEST(ConfigTest, FalconMambaNormalisesItsParameters) {
  EXPECT_EQ(ParseChanged(kFalconConfig).ssm.bcdt_norm_eps, 1e-6);
  EXPECT_EQ(ParseChanged(kFalconConfig, R"({"mixer_rms_eps":0.5})").ssm.bcdt_norm_eps, 0.5);
}

TEST(ConfigTest, Mamba2DefaultsAreHuggingFaces) {
  const Config c = ParseChanged(
      R"({"model_type":"mamba2","hidden_size":4096,"num_hidden_layers":64,"vocab_size":32768})");
  EXPECT_EQ(c.ssm.d_inner, 8192);
  EXPECT_EQ(c.ssm.heads, 128);
  EXPECT_EQ(c.ssm.head_dim, 64);
  EXPECT_EQ(c.ssm.groups, 8);
  EXPECT_EQ(c.ssm.d_state, 128);
  EXPECT_EQ(c.ssm.dt_min, 0);
  EXPECT_EQ(c.ssm.dt_max, kInfinity);
}

TEST(ConfigTest, TimeStepLimitIsReadInEverySpelling) {
  for (const char* infinity : {"Infinity", R"({"__float__":"Infinity"})"}) {
    const Config c =
        ParseChanged(kMamba2Config, std::string(R"({"time_step_limit":[0.5, )") + infinity + "]}");
    EXPECT_EQ(c.ssm.dt_min, 0.5) << infinity;
    EXPECT_EQ(c.ssm.dt_max, kInfinity) << infinity;
  }
  EXPECT_EQ(ParseChanged(kMamba2Config, R"({"time_step_limit":[0, 0.1]})").ssm.dt_max, 0.1);
  EXPECT_EQ(ParseChanged(kMamba2Config, R"({"time_step_limit":null})").ssm.dt_max, kInfinity);
  EXPECT_EQ(ParseChanged(kOriginalMamba2Config,
                         R"({"ssm_cfg":{"layer":"Mamba2","dt_limit":[0.01, 0.2]}})")
                .ssm.dt_min,
            0.01);
}

TEST(ConfigTest, OriginalMambaHasItsOwnFields) {
  const Config c = ParseChanged(kOriginalMambaConfig);
  EXPECT_EQ(c.model_type, "mamba");
  EXPECT_EQ(c.vocab, 50280) << "the next multiple of 8";
  EXPECT_EQ(c.ssm.d_inner, 80);
  EXPECT_EQ(c.ssm.d_state, 16);
  EXPECT_EQ(c.ssm.dt_rank, 3);
  const Config d =
      ParseChanged(kOriginalMambaConfig, R"({"pad_vocab_size_multiple":16,"tie_embeddings":false,
      "ssm_cfg":{"d_state":8,"d_conv":3,"expand":4,"dt_rank":7,"bias":true,"conv_bias":false}})");
  EXPECT_EQ(d.vocab, 50288);
  EXPECT_FALSE(d.tied_embeddings);
  EXPECT_EQ(d.ssm.d_inner, 160);
  EXPECT_EQ(d.ssm.d_state, 8);
  EXPECT_EQ(d.ssm.d_conv, 3);
  EXPECT_EQ(d.ssm.dt_rank, 7);
  EXPECT_TRUE(d.ssm.in_bias);
  EXPECT_FALSE(d.ssm.conv_bias);
  EXPECT_EQ(
      ParseChanged(kOriginalMambaConfig, R"({"vocab_size":50280,"ssm_cfg":{"dt_rank":"auto"}})")
          .vocab,
      50280);
}

TEST(ConfigTest, OriginalMamba2HasItsOwnFields) {
  const Config c = ParseChanged(kOriginalMamba2Config,
                                R"({"attn_layer_idx":[],"d_intermediate":0,"rms_norm":true})");
  EXPECT_EQ(c.model_type, "mamba2");
  EXPECT_EQ(c.ssm.d_state, 128);
  EXPECT_EQ(c.ssm.heads, 2) << "of the default 64 features";
  EXPECT_EQ(c.ssm.groups, 1);
  const Config d = ParseChanged(
      kOriginalMamba2Config,
      R"({"ssm_cfg":{"layer":"Mamba2","headdim":16,"d_state":32,"d_ssm":128,"ngroups":2,
      "D_has_hdim":false,"rmsnorm":true,"norm_before_gate":false,"activation":"swish"}})");
  EXPECT_EQ(d.ssm.heads, 8);
  EXPECT_EQ(d.ssm.head_dim, 16);
  EXPECT_EQ(d.ssm.groups, 2);
  EXPECT_EQ(d.ssm.norm_groups, 2);
  EXPECT_EQ(d.ssm.d_state, 32);
}

TEST(ConfigTest, NeoxDefaultsAndFields) {
  const Config c = ParseChanged(kNeoxConfig);
  EXPECT_TRUE(c.parallel_residual);
  EXPECT_EQ(c.attention.head_dim, 16);
  EXPECT_EQ(c.attention.rope.dims, 4) << "a quarter";
  EXPECT_EQ(c.attention.rope.theta, 10000);
  EXPECT_TRUE(c.attention.qkv_bias && c.attention.out_bias && c.mlp.bias);
  EXPECT_EQ(c.mlp.activation, Activation::kGelu);
  const Config d = ParseChanged(
      kNeoxConfig,
      R"({"use_parallel_residual":false,"attention_bias":false,"hidden_act":"gelu_fast"})");
  EXPECT_FALSE(d.parallel_residual || d.attention.qkv_bias || d.attention.out_bias);
  EXPECT_EQ(d.mlp.activation, Activation::kGeluTanh);
}

TEST(ConfigTest, Gpt2DefaultsAndFields) {
  const Config c = ParseChanged(kGpt2Config, R"({"n_inner":null})");
  EXPECT_EQ(c.positions, 1024);
  EXPECT_EQ(c.max_tokens, 1024);
  EXPECT_EQ(c.max_tokens_reason, "n_positions");
  EXPECT_EQ(c.mlp.width, 192);
  EXPECT_EQ(c.mlp.activation, Activation::kGeluTanh);
  EXPECT_EQ(c.attention.rope.dims, 0);
  const Config d =
      ParseChanged(kGpt2Config, R"({"n_positions":32,"n_inner":100,"activation_function":"relu"})");
  EXPECT_EQ(d.positions, 32);
  EXPECT_EQ(d.mlp.width, 100);
  EXPECT_EQ(d.mlp.activation, Activation::kRelu);
}

TEST(ConfigTest, LlamaMistralAndQwen2DifferInHeadsAndBiases) {
  const Config llama = ParseChanged(kLlamaConfig), mistral = ParseChanged(kMistralConfig),
               qwen2 = ParseChanged(kQwen2Config);
  EXPECT_EQ(llama.attention.kv_heads, 32) << "as many as heads";
  EXPECT_EQ(mistral.attention.kv_heads, 8);
  EXPECT_EQ(qwen2.attention.kv_heads, 32);
  EXPECT_EQ(ParseChanged(kQwen2Config, R"({"hidden_size":128,"num_attention_heads":64})")
                .attention.kv_heads,
            32);
  for (const char* base : {kLlamaConfig, kMistralConfig, kQwen2Config}) {
    EXPECT_EQ(ParseChanged(base, R"({"num_attention_heads":16,"num_key_value_heads":4})")
                  .attention.kv_heads,
              4)
        << base;
    EXPECT_EQ(ParseChanged(base, R"({"num_attention_heads":16,"num_key_value_heads":null})")
                  .attention.kv_heads,
              16)
        << base;
    EXPECT_EQ(ParseChanged(base, R"({"head_dim":10})").attention.head_dim, 10) << base;
    EXPECT_EQ(ParseChanged(base, R"({"head_dim":null})").attention.head_dim, 2) << base;
  }
  EXPECT_FALSE(llama.attention.qkv_bias || llama.attention.out_bias || llama.mlp.bias ||
               mistral.attention.qkv_bias);
  EXPECT_TRUE(qwen2.attention.qkv_bias && !qwen2.attention.out_bias);
  const Config biased = ParseChanged(kLlamaConfig, R"({"attention_bias":true,"mlp_bias":true})");
  EXPECT_TRUE(biased.attention.qkv_bias && biased.attention.out_bias && biased.mlp.bias);
}

TEST(ConfigTest, RopeIsReadInEverySpelling) {
  using Scaling = RopeConfig::Scaling;
  const struct {
    const char* base;
    const char* changes;
    int64_t dims;
    double theta;
    Scaling scaling;
    double factor;
  } kCases[] = {
      {kNeoxConfig, R"({"rotary_pct":0.5,"rotary_emb_base":500})", 8, 500, Scaling::kNone, 1},
      {kNeoxConfig,
       R"({"rope_parameters":{"rope_type":"default","rope_theta":300.0,"partial_rotary_factor":1.0}})",
       16, 300, Scaling::kNone, 1},
      {kNeoxConfig, R"({"partial_rotary_factor":0.5,"rope_theta":7})", 8, 7, Scaling::kNone, 1},
      {kLlamaConfig, R"({"head_dim":8,"rope_theta":500000.0})", 8, 500000, Scaling::kNone, 1},
      {kLlamaConfig, R"({"head_dim":8,"rope_scaling":null})", 8, 10000, Scaling::kNone, 1},
      {kLlamaConfig, R"({"head_dim":8,"rope_scaling":{"type":"default"}})", 8, 10000,
       Scaling::kNone, 1},
      {kLlamaConfig, R"({"head_dim":8,"rope_scaling":{"type":"linear","factor":4.0}})", 8, 10000,
       Scaling::kLinear, 4},
      {kLlamaConfig,
       R"({"head_dim":8,"rope_scaling":{"rope_type":"linear","type":"linear","factor":2}})", 8,
       10000, Scaling::kLinear, 2},
      {kLlamaConfig,
       R"({"head_dim":8,"rope_theta":9,"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":2.0,
                         "high_freq_factor":3.0,"original_max_position_embeddings":4096}})",
       8, 9, Scaling::kLlama3, 8},
      {kLlamaConfig,
       R"({"head_dim":8,"rope_parameters":{"rope_type":"linear","rope_theta":77.0,"factor":4.0}})",
       8, 77, Scaling::kLinear, 4},
      {kQwen3Config,
       R"({"rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":4096}})",
       128, 10000, Scaling::kYarn, 4},
      {kQwen3Config,
       R"({"max_position_embeddings":4096,"rope_parameters":{"rope_type":"yarn",
             "rope_theta":1e6,"factor":2.0}})",
       128, 1e6, Scaling::kYarn, 2},
      {kLlamaConfig,
       R"({"head_dim":8,"max_position_embeddings":64,"rope_scaling":{"type":"dynamic",
             "factor":3.0}})",
       8, 10000, Scaling::kNone, 3},
      {kGemma2Config,
       R"({"head_dim":8,"rope_theta":7,"rope_scaling":{"type":"linear","factor":2}})", 8, 7,
       Scaling::kLinear, 2},
      {kGemma2Config,
       R"({"head_dim":8,"rope_parameters":{"rope_type":"linear","rope_theta":7,"factor":2}})", 8, 7,
       Scaling::kLinear, 2},
      {kFalconH1Config, R"({"head_dim":8,"rope_theta":1e11})", 8, 1e11, Scaling::kNone, 1},
      {kFalconH1Config,
       R"({"head_dim":8,"rope_parameters":{"rope_type":"default","rope_theta":1e11}})", 8, 1e11,
       Scaling::kNone, 1}};
  for (const auto& [base, changes, dims, theta, scaling, factor] : kCases) {
    const RopeConfig rope = ParseChanged(base, changes).attention.rope;
    EXPECT_EQ(rope.dims, dims) << changes;
    EXPECT_EQ(rope.theta, theta) << changes;
    EXPECT_EQ(rope.scaling, scaling) << changes;
    EXPECT_EQ(rope.factor, factor) << changes;
    if (scaling == Scaling::kLlama3 || scaling == Scaling::kYarn)
      EXPECT_EQ(rope.original_context, 4096) << changes;
    if (scaling != Scaling::kLlama3) continue;
    EXPECT_EQ(rope.low_frequency_factor, 2);
    EXPECT_EQ(rope.high_frequency_factor, 3);
  }
}

// The scores' factor is the square of the magnitude of queries and keys.
TEST(ConfigTest, YarnsOptionsAreRead) {
  const auto rope = [](const char* options) {
    return ParseChanged(kQwen3Config,
                        std::string(
                            R"({"max_position_embeddings":4096,"rope_scaling":{"rope_type":"yarn",
                         "factor":4.0)") +
                            options + "}}")
        .attention.rope;
  };
  const RopeConfig plain = rope("");
  EXPECT_EQ(plain.beta_fast, 32);
  EXPECT_EQ(plain.beta_slow, 1);
  EXPECT_TRUE(plain.whole_pairs);
  EXPECT_NEAR(plain.magnitude, 0.1 * std::log(4) + 1, 1e-12);
  EXPECT_EQ(plain.max_tokens, 0);
  const RopeConfig said =
      rope(R"(,"beta_fast":16,"beta_slow":2,"truncate":false,"attention_factor":0.75)");
  EXPECT_EQ(said.beta_fast, 16);
  EXPECT_EQ(said.beta_slow, 2);
  EXPECT_FALSE(said.whole_pairs);
  EXPECT_EQ(said.magnitude, 0.75);
  EXPECT_NEAR(rope(R"(,"mscale":2,"mscale_all_dim":0.5)").magnitude,
              (0.2 * std::log(4) + 1) / (0.05 * std::log(4) + 1), 1e-12);
  EXPECT_NEAR(rope(R"(,"mscale":2)").magnitude, plain.magnitude, 1e-12) << "both or neither";
}

TEST(ConfigTest, DynamicRopeLimitsThePrompt) {
  const Config c = ParseChanged(
      kLlamaConfig,
      R"({"max_position_embeddings":64,"rope_scaling":{"rope_type":"dynamic","factor":3.0}})");
  EXPECT_EQ(c.max_tokens, 64);
  EXPECT_EQ(c.max_tokens_reason, "max_position_embeddings");
}

TEST(ConfigTest, NemotronHsKindsOfLayersAreReadInEverySpelling) {
  using enum LayerKind;
  for (const char* changes :
       {R"({"hybrid_override_pattern":"M-*E"})",
        R"({"layers_block_type":["mamba","mlp","attention","moe"]})",
        R"({"layers_block_type":["linear_attention","mlp","full_attention","moe"]})"}) {
    const Config c = ParseChanged(kNemotronHConfig, changes);
    EXPECT_EQ(c.layer_kinds, (std::vector<LayerKind>{kMamba, kMlp, kAttention, kExperts}))
        << changes;
    EXPECT_EQ(c.layers, 4) << changes;
  }
  const Config other = ParseChanged(kNemotronHConfig, R"({"hybrid_override_pattern":"*M-M"})");
  EXPECT_EQ(other.layer_kinds, (std::vector<LayerKind>{kAttention, kMamba, kMlp, kMamba}));
}

// The golden checkpoint lists the kinds of its layers by name.
TEST(NemotronHTest, LettersInsteadOfNamesGiveTheSameLogits) {
  const c10::NoGradGuard no_grad;
  const std::filesystem::path golden = GoldenFolder() / "nemotron_h";
  const TempFolder folder;
  std::filesystem::copy(golden / "model.safetensors", folder.path());
  const auto load = [&](const char* letters) {
    Json config = Json::parse(ReadFile(golden / "config.json"));  // "Infinity" stays text
    config.erase("layers_block_type");
    config["hybrid_override_pattern"] = letters;
    WriteFile(folder / "config.json", config.dump());
    return Model::Load(folder.path());
  };
  const auto logits = [](const Model& model) {
    return model.Unembed(
        model.Forward(std::vector<int64_t>{7, 300, 21, 150, 9}, Packing::Whole({5})));
  };
  EXPECT_TRUE(at::equal(logits(load("M-M*-")), logits(Model::Load(golden))));
  EXPECT_THAT(ErrorOf([&] { load("M-MM-"); }),
              testing::HasSubstr("layers.3.mixer.in_proj.weight' is missing"))
      << "the letters are not read";
}

}  // namespace
}  // namespace mambascope
