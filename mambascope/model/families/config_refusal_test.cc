// A setting in config.json that is not supported is an Error that names the file and the field. No
// setting that changes the numbers is ignored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/mutation_test_support.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/model/families/config_test_support.h"
#include "mambascope/model/family.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct BadConfig {
  const char* name;
  const char* base;
  const char* changes;
  std::vector<const char*> says;
};

void PrintTo(const BadConfig& config, std::ostream* out) { *out << config.name; }

class BadConfigTest : public testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigTest, IsRefusedByField) {
  const std::string error = ErrorOf([] { ParseChanged(GetParam().base, GetParam().changes); });
  EXPECT_THAT(error, HasSubstr("x/config.json: "));
  for (const char* text : GetParam().says) EXPECT_THAT(error, HasSubstr(text));
}

const BadConfig kBadConfigs[] = {
    {"UnknownFamily",
     kMambaConfig,
     R"({"model_type":"rwkv"})",
     {"unknown model_type 'rwkv'",
      "supported: mamba, falcon_mamba, mamba2, gpt_neox, gpt2, gptj, llama, mistral, qwen2, qwen3, "
      "gemma2, gemma3_text, olmo2, phi, qwen3_next, qwen3_5_text, qwen3_5_moe_text, bamba, "
      "falcon_h1, granitemoehybrid, jamba, nemotron_h, zamba2"}},
    {"NoFamily",
     "{}",
     R"({"hidden_size":4})",
     {"expected the field 'model_type', or the fields 'd_model' and 'n_layer'"}},
    {"FamilyNotAString", kMambaConfig, R"({"model_type":3})", {"'model_type'", "wrong type"}},
    {"Quantised",
     kLlamaConfig,
     R"({"quantization_config":{"bits":4}})",
     {"quantised weights (field 'quantization_config') are not supported",
      "take the unquantised model"}},
    {"QuantisedByAMethod",
     kLlamaConfig,
     R"({"quantization_config":{"quant_method":"gptq","bits":4}})",
     {"quantised weights (field 'quantization_config', gptq) are not supported"}},
    {"Compressed",
     kLlamaConfig,
     R"({"compression_config":{"quant_method":3}})",
     {"quantised weights (field 'compression_config') are not supported"}},
    {"SizeAsText",
     kMambaConfig,
     R"({"hidden_size":"48"})",
     {"field 'hidden_size' has the value \"48\"", "wrong type"}},
    {"SizeAsFraction",
     kMambaConfig,
     R"({"num_hidden_layers":2.5})",
     {"field 'num_hidden_layers' has the value 2.5", "wrong type"}},
    {"FlagAsNumber",
     kMambaConfig,
     R"({"use_bias":1})",
     {"field 'use_bias' has the value 1", "wrong type"}},
    {"NumberAsText",
     kLlamaConfig,
     R"({"rms_norm_eps":"1e-6"})",
     {"field 'rms_norm_eps'", "wrong type"}},
    {"NoVocabulary",
     R"({"model_type":"mamba","hidden_size":40,"num_hidden_layers":3})",
     "{}",
     {"lacks the field 'vocab_size'"}},
    {"NoWidth", kMambaConfig, R"({"hidden_size":null})", {"lacks the field 'hidden_size'"}},
    {"NoHeads", kGpt2Config, R"({"n_head":null})", {"lacks the field 'n_head'"}},
    {"ZeroLayers",
     kMambaConfig,
     R"({"num_hidden_layers":0})",
     {"field 'num_hidden_layers' is 0", "positive"}},
    {"NegativeWidth",
     kMambaConfig,
     R"({"hidden_size":-48})",
     {"field 'hidden_size' is -48", "positive"}},
    {"EnormousWidth",
     kMambaConfig,
     R"({"hidden_size":9223372036854775807})",
     {"field 'hidden_size'"}},
    {"ZeroState", kMamba2Config, R"({"state_size":0})", {"field 'state_size' is 0"}},
    {"HeadsThatDoNotDivide", kNeoxConfig, R"({"num_attention_heads":5})", {"64", "5 heads"}},
    {"KeyHeadsThatDoNotDivide",
     kLlamaConfig,
     R"({"num_key_value_heads":5})",
     {"32 query heads", "5 key heads"}},
    {"Mamba2HeadsThatDoNotFill", kMamba2Config, R"({"num_heads":7})", {"7 heads of 16", "128"}},
    {"Mamba2HeadsThatDoNotGroup", kMamba2Config, R"({"n_groups":3})", {"8 heads", "3 groups"}},
    {"UnknownActivation",
     kNeoxConfig,
     R"({"hidden_act":"quick_gelu"})",
     {"field 'hidden_act'", "\"quick_gelu\"", "not supported"}},
    {"UnknownActivationOfGpt2",
     kGpt2Config,
     R"({"activation_function":"mish"})",
     {"field 'activation_function'", "\"mish\""}},
    {"MambaWithGelu", kMambaConfig, R"({"hidden_act":"gelu"})", {"field 'hidden_act'", "\"gelu\""}},
    {"Mamba2WithRelu",
     kMamba2Config,
     R"({"hidden_act":"relu"})",
     {"field 'hidden_act'", "\"relu\""}},
    {"LongRope",
     kLlamaConfig,
     R"({"rope_scaling":{"rope_type":"longrope","factor":4.0}})",
     {"field 'rope_scaling'", "rope type 'longrope'"}},
    {"LongRopeInNewSpelling",
     kLlamaConfig,
     R"({"rope_parameters":{"rope_type":"longrope","factor":4.0}})",
     {"field 'rope_parameters'", "rope type 'longrope'"}},
    {"RopeWithoutFactor",
     kLlamaConfig,
     R"({"rope_scaling":{"type":"linear"}})",
     {"field 'rope_scaling'", "lacks the field 'factor'"}},
    {"RopeNotAnObject",
     kLlamaConfig,
     R"({"rope_scaling":[1]})",
     {"field 'rope_scaling'", "not a JSON object"}},
    {"RopeOfOddWidth",
     kNeoxConfig,
     R"({"rotary_pct":0.2})",
     {"3 of 16 features per head are rotary"}},
    {"RopeOfTooMany", kNeoxConfig, R"({"rotary_pct":2})", {"the rotary fraction is 2"}},
    {"TimeStepLimitOfOne",
     kMamba2Config,
     R"({"time_step_limit":[0.0]})",
     {"field 'time_step_limit'"}},
    {"TimeStepLimitAsText",
     kMamba2Config,
     R"({"time_step_limit":[0.0,"Infinity"]})",
     {"field 'time_step_limit'"}},
    {"UnknownLetterInAPattern",
     kNemotronHConfig,
     R"({"hybrid_override_pattern":"M-MX*-"})",
     {"field 'hybrid_override_pattern' has the value \"M-MX*-\"", "not supported"}},
    {"UnknownNameInAList",
     kNemotronHConfig,
     R"({"layers_block_type":["mamba","rwkv","attention"]})",
     {"field 'layers_block_type' says \"rwkv\" for layer 1", "not supported"}},
    {"ExpertsInGroups",
     kNemotronHConfig,
     R"({"hybrid_override_pattern":"ME","n_group":2})",
     {"field 'n_group' has the value 2", "not supported"}},
    {"LatentExperts",
     kNemotronHConfig,
     R"({"hybrid_override_pattern":"ME","moe_latent_size":64})",
     {"field 'moe_latent_size' has the value 64", "not supported"}},
    {"WrapperWithoutTextConfig",
     kNemotronHConfig,
     R"({"model_type":"qwen3_5_moe"})",
     {"'qwen3_5_moe' is a multimodal model", "'text_config' is missing", "'qwen3_5_moe_text'"}},
    {"NoKindsOfLayers", kNemotronHConfig, "{}", {"lacks the field 'hybrid_override_pattern'"}},
    {"UnscaledAttention",
     kGpt2Config,
     R"({"scale_attn_weights":false})",
     {"field 'scale_attn_weights'", "not supported"}},
    {"AttentionScaledByLayer",
     kGpt2Config,
     R"({"scale_attn_by_inverse_layer_idx":true})",
     {"field 'scale_attn_by_inverse_layer_idx'"}},
    {"CrossAttention",
     kGpt2Config,
     R"({"add_cross_attention":true})",
     {"field 'add_cross_attention'"}},
    {"RopeOfOneKindOfLayer",
     kGemma3Config,
     R"({"rope_parameters":{"sliding_attention":{"rope_type":"longrope","factor":4.0}}})",
     {"field 'rope_parameters'", "field 'sliding_attention'", "rope type 'longrope'"}},
    {"YarnOfAnUnknownContext",
     kLlamaConfig,
     R"({"rope_scaling":{"rope_type":"yarn","factor":4.0}})",
     {"field 'rope_scaling'", "lacks the field 'original_max_position_embeddings'"}},
    {"DynamicRopeOfAnUnknownContext",
     kLlamaConfig,
     R"({"rope_scaling":{"rope_type":"dynamic","factor":4.0}})",
     {"field 'rope_scaling'", "'dynamic' needs the field 'max_position_embeddings'"}},
    {"NegativeAttentionFactor",
     kLlamaConfig,
     R"({"max_position_embeddings":64,"rope_scaling":{"rope_type":"yarn","factor":4.0,
           "attention_factor":-1}})",
     {"field 'attention_factor' is -1"}},
    {"BiasBeforeANorm",
     kGemma2Config,
     R"({"attention_bias":true})",
     {"field 'attention_bias' has the value true"}},
    {"BiasBeforeANormOfOlmo2",
     kOlmo2Config,
     R"({"attention_bias":true})",
     {"field 'attention_bias' has the value true"}},
    {"BothDirections",
     kGemma3Config,
     R"({"use_bidirectional_attention":true})",
     {"field 'use_bidirectional_attention' has the value true"}},
    {"NormsOfPhisQueries",
     kPhiConfig,
     R"({"qk_layernorm":true})",
     {"field 'qk_layernorm' has the value true"}},
    {"RotaryFeaturesOfGptj",
     kGptjConfig,
     R"({"rotary_dim":66})",
     {"field 'rotary_dim' has the value 66"}},
    {"OddRotaryFeaturesOfGptj",
     kGptjConfig,
     R"({"rotary_dim":31})",
     {"field 'rotary_dim' has the value 31"}},
    {"KindOfLayerOfQwen3",
     kQwen3Config,
     R"({"use_sliding_window":true,"layer_types":["full_attention","chunked_attention",
           "full_attention"]})",
     {"field 'layer_types'", "chunked_attention", "not supported"}},
    {"TooFewKindsOfLayers",
     kGemma2Config,
     R"({"layer_types":["full_attention","sliding_attention"]})",
     {"field 'layer_types' has 2 names, and the model has 3 layers"}},
    {"WindowBesideADeltaNet",
     kQwen3NextConfig,
     R"({"layer_types":["linear_attention","sliding_attention","full_attention"]})",
     {"field 'layer_types'", "sliding_attention"}},
    {"MoreExpertsOfATokenThanThereAre",
     kQwen3NextConfig,
     R"({"num_experts":8})",
     {"field 'num_experts_per_tok'"}},
    {"MlpInALayerThatIsNotThere",
     kQwen3NextConfig,
     R"({"mlp_only_layers":[3]})",
     {"field 'mlp_only_layers' has the value [3]"}},
    {"DeltaHeadsThatDoNotDivide",
     kQwen35Config,
     R"({"linear_num_key_heads":5})",
     {"field 'linear_num_value_heads'"}},
    {"TooFewMultipliers",
     kFalconH1Config,
     R"({"ssm_multipliers":[1,2]})",
     {"field 'ssm_multipliers' has the value [1,2]"}},
    {"MultiplierAsText",
     kFalconH1Config,
     R"({"mlp_multipliers":["1",2]})",
     {"field 'mlp_multipliers'"}},
    {"AttentionAfterThePeriod",
     kJambaConfig,
     R"({"attn_layer_period":2,"attn_layer_offset":2})",
     {"field 'attn_layer_offset' has the value 2"}},
    {"NegativeOffsetOfExperts",
     kJambaConfig,
     R"({"expert_layer_offset":-1})",
     {"field 'expert_layer_offset' has the value -1"}},
    {"MoreExpertsPerTokenThanThereAre",
     kJambaConfig,
     R"({"num_experts":2,"num_experts_per_tok":3})",
     {"field 'num_experts_per_tok' has the value 3"}},
    {"OriginalAttentionAboveTheTop",
     kOriginalMamba2Config,
     R"({"attn_layer_idx":[1,3],"attn_cfg":{"causal":true,"num_heads":4}})",
     {"field 'attn_layer_idx' has the value [1,3]"}},
    {"OriginalAttentionWithoutSizes",
     kOriginalMamba2Config,
     R"({"attn_layer_idx":[1]})",
     {"'attn_layer_idx'", "lacks the field 'attn_cfg'"}},
    {"OriginalAttentionInBothDirections",
     kOriginalMamba2Config,
     R"({"attn_layer_idx":[1],"attn_cfg":{"num_heads":4}})",
     {"field 'attn_cfg'", "field 'causal' is not true"}},
    {"OriginalAttentionWithoutHeads",
     kOriginalMamba2Config,
     R"({"attn_layer_idx":[1],"attn_cfg":{"causal":true}})",
     {"field 'attn_cfg'", "lacks the field 'num_heads'"}},
    {"OriginalAttentionBesideAnMlp",
     kOriginalMamba2Config,
     R"({"attn_layer_idx":[1],"attn_cfg":{"causal":true,"num_heads":4,"mlp_dim":64}})",
     {"field 'attn_cfg'", "field 'mlp_dim' has the value 64"}},
    {"OriginalKeyHeadsThatDoNotDivide",
     kOriginalMamba2Config,
     R"({"attn_layer_idx":[1],"attn_cfg":{"causal":true,"num_heads":4,"num_heads_kv":3}})",
     {"field 'attn_cfg'", "field 'num_heads_kv' has the value 3"}},
    {"OriginalRotaryFeatures",
     kOriginalMamba2Config,
     R"({"attn_layer_idx":[1],"attn_cfg":{"causal":true,"num_heads":4,"rotary_emb_dim":18}})",
     {"field 'attn_cfg'", "field 'rotary_emb_dim' has the value 18"}},
    {"OriginalWithNegativeMlp",
     kOriginalMamba2Config,
     R"({"d_intermediate":-1})",
     {"field 'd_intermediate' has the value -1"}},
    {"OriginalWithLayerNorm", kOriginalMambaConfig, R"({"rms_norm":false})", {"field 'rms_norm'"}},
    {"OriginalOfMamba3",
     kOriginalMambaConfig,
     R"({"ssm_cfg":{"layer":"Mamba3"}})",
     {"field 'ssm_cfg'", "field 'layer'", "\"Mamba3\""}},
    {"OriginalSkipPerFeature",
     kOriginalMamba2Config,
     R"({"ssm_cfg":{"layer":"Mamba2","D_has_hdim":true}})",
     {"'ssm_cfg'", "'D_has_hdim'"}},
    {"OriginalMlpBesideScan",
     kOriginalMamba2Config,
     R"({"ssm_cfg":{"layer":"Mamba2","d_ssm":64}})",
     {"'ssm_cfg'", "'d_ssm'"}},
    {"OriginalHeadsThatDoNotDivide",
     kOriginalMamba2Config,
     R"({"ssm_cfg":{"layer":"Mamba2","headdim":48}})",
     {"'ssm_cfg'", "128", "heads of 48"}}};

INSTANTIATE_TEST_SUITE_P(Configs, BadConfigTest, testing::ValuesIn(kBadConfigs),
                         [](const auto& info) { return info.param.name; });

// Each file is read or refused with an Error.
TEST(ConfigMutationTest, IsReadOrRefused) {
  for (const char* family : {"mamba2", "llama", "gpt2", "mamba2-original"}) {
    const std::string config = ReadFile(GoldenFolder() / family / "config.json");
    const Outcome outcome = Try(config, 5'000, [&](const std::string& text) {
      ParseConfig(ParseJson(text, "x.json"), "x.json");
    });
    EXPECT_GT(outcome.read, 100) << family;
    EXPECT_GT(outcome.refused, 1000) << family;
  }
}

class ConfigFileTest : public testing::Test {
 protected:
  std::string ErrorOfText(const std::string& text) const {
    WriteFile(folder_ / "config.json", text);
    return ErrorOf([&] { Read(); });
  }
  Config Read() const {
    const std::filesystem::path path = folder_ / "config.json";
    return ParseConfig(ReadJson(path), path.string());
  }
  TempFolder folder_;
};

TEST_F(ConfigFileTest, InvalidJsonIsRefusedWithItsByte) {
  EXPECT_THAT(ErrorOfText(R"({"model_type": oops})"),
              AllOf(HasSubstr("config.json: invalid JSON at byte 16"), HasSubstr("truncated")));
  EXPECT_THAT(ErrorOfText(R"({"model_type": "mamba", "hidden)"),
              HasSubstr("config.json: invalid JSON at byte 32"));
  EXPECT_THAT(ErrorOfText(""), HasSubstr("config.json: is not JSON"));
  EXPECT_THAT(ErrorOfText("[3]"), HasSubstr("config.json: not a JSON object"));
}

TEST_F(ConfigFileTest, ByteIsThatOfTheFileWhereNumbersAreBareWords) {
  EXPECT_THAT(ErrorOfText(R"({"a": [-Infinity, NaN], "b": oops})"),
              HasSubstr("config.json: invalid JSON at byte 30"));
  EXPECT_THAT(ErrorOfText(R"({"a": Infinit})"), HasSubstr("config.json: invalid JSON at byte 7"));
}

TEST_F(ConfigFileTest, NumberThatNoDoubleHoldsIsRefused) {
  EXPECT_THAT(ErrorOfText(R"({"model_type": "mamba", "layer_norm_epsilon": 1e999})"),
              HasSubstr("config.json: holds a number that is too large"));
}

TEST_F(ConfigFileTest, DeepNestingIsRefused) {
  const std::string deep(100'000, '[');
  EXPECT_THAT(ErrorOfText(R"({"hidden_size": )" + deep),
              HasSubstr("config.json: JSON is nested more than 500 levels"));
  EXPECT_THAT(
      ErrorOfText("{\"x\": NaN, \"hidden_size\": " + deep + std::string(deep.size(), ']') + "}"),
      HasSubstr("nested more than 500 levels"));
  EXPECT_THAT(ErrorOfText(R"({"model_type": "[[", "]": "\"[\\", "x": )" + std::string(400, '[') +
                          std::string(400, ']') + "}"),
              HasSubstr("unknown model_type"));
}

TEST_F(ConfigFileTest, MissingFileIsNamed) {
  EXPECT_THAT(ErrorOf([&] { Read(); }),
              AllOf(HasSubstr((folder_ / "config.json").string()), HasSubstr("No such file")));
}

}  // namespace
}  // namespace mambascope
