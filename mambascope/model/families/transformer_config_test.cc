// Tests how the config.json of the newer transformers is read, in old and new spellings, and which
// layers have a window.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/model/families/config_test_support.h"
#include "mambascope/model/family.h"

namespace mambascope {
namespace {

using testing::DoubleEq;
using QkNorm = AttentionConfig::QkNorm;

// The window of each layer; 0: the layer reads all tokens.
std::vector<int64_t> Windows(const Config& c) {
  std::vector<int64_t> windows;
  for (int64_t l = 0; l < c.layers; ++l) windows.push_back(AttentionOf(c, l).window);
  return windows;
}

TEST(WindowConfigTest, LayersHaveAWindowWhereItActs) {
  const struct {
    const char* base;
    const char* changes;
    std::vector<int64_t> windows;
  } kCases[] = {{kMistralConfig, "{}", {4096, 4096, 4096}},
                {kMistralConfig, R"({"sliding_window":null})", {0, 0, 0}},
                {kMistralConfig, R"({"sliding_window":512})", {512, 512, 512}},
                {kLlamaConfig, R"({"sliding_window":512,"use_sliding_window":true})", {0, 0, 0}},
                {kGemma2Config, "{}", {4096, 0, 4096}},
                {kGemma2Config, R"({"sliding_window":8})", {8, 0, 8}},
                {kGemma2Config,
                 R"({"layer_types":["full_attention","full_attention","sliding_attention"]})",
                 {0, 0, 4096}},
                {kGemma3Config,
                 R"({"num_hidden_layers":7,"sliding_window":512})",
                 {512, 512, 512, 512, 512, 0, 512}},
                {kGemma3Config, R"({"sliding_window_pattern":2})", {4096, 0, 4096}},
                {kGemma3Config, R"({"_sliding_window_pattern":3})", {4096, 4096, 0}},
                {kGemma3Config,
                 R"({"sliding_window_pattern":2,"sliding_window":16,
           "layer_types":["full_attention","sliding_attention","full_attention"]})",
                 {0, 16, 0}}};
  for (const auto& [base, changes, windows] : kCases) {
    const Config c = ParseChanged(base, changes);
    EXPECT_EQ(Windows(c), windows) << c.model_type << changes;
    EXPECT_EQ(c.max_tokens, 0) << "a window does not limit the prompt";
  }
}

TEST(WindowConfigTest, QwenHasAWindowOnlyWhereItIsAskedFor) {
  const struct {
    const char* changes;
    std::vector<int64_t> windows;
  } kCases[] = {
      {R"({"sliding_window":512,"max_window_layers":0})", {0, 0, 0}},
      {R"({"sliding_window":512,"max_window_layers":0,"use_sliding_window":false})", {0, 0, 0}},
      {R"({"sliding_window":512,"use_sliding_window":true})", {0, 0, 0}},  // from layer 28 on
      {R"({"sliding_window":512,"use_sliding_window":true,"max_window_layers":1})", {0, 512, 512}},
      {R"({"use_sliding_window":true,"max_window_layers":2})", {0, 0, 4096}},
      {R"({"use_sliding_window":true,"max_window_layers":0,"sliding_window":null})", {0, 0, 0}},
      {R"({"use_sliding_window":true,"max_window_layers":0,"sliding_window":9,
           "layer_types":["full_attention","sliding_attention","full_attention"]})",
       {0, 9, 0}},
      {R"({"layer_types":["sliding_attention","sliding_attention","full_attention"]})", {0, 0, 0}}};
  for (const char* base : {kQwen2Config, kQwen3Config}) {
    for (const auto& [changes, windows] : kCases)
      EXPECT_EQ(Windows(ParseChanged(base, changes)), windows) << base << changes;
  }
}

TEST(TransformerConfigTest, Qwen3NormalisesQueriesAndKeys) {
  const Config c = ParseChanged(kQwen3Config);
  EXPECT_EQ(c.attention.head_dim, 128) << "not 64 / 32";
  EXPECT_EQ(c.attention.kv_heads, 32);
  EXPECT_EQ(c.attention.qk_norm, QkNorm::kHead);
  EXPECT_FALSE(c.attention.qkv_bias || c.attention.out_bias);
  EXPECT_EQ(c.attention.rope.dims, 128);
  EXPECT_EQ(c.attention.rope.theta, 10000);
  EXPECT_EQ(c.mlp.activation, Activation::kSilu);
  const Config d = ParseChanged(
      kQwen3Config,
      R"({"head_dim":8,"num_attention_heads":16,"num_key_value_heads":4,"attention_bias":true})");
  EXPECT_EQ(d.attention.head_dim, 8);
  EXPECT_EQ(d.attention.kv_heads, 4);
  EXPECT_TRUE(d.attention.qkv_bias && d.attention.out_bias);
}

TEST(TransformerConfigTest, Gemma2CapsScoresAndLogits) {
  const Config c = ParseChanged(kGemma2Config);
  EXPECT_EQ(c.attention.heads, 8);
  EXPECT_EQ(c.attention.kv_heads, 4);
  EXPECT_EQ(c.attention.head_dim, 256);
  EXPECT_EQ(c.attention.scale, 1.0 / 16);
  EXPECT_EQ(c.attention.softcap, 50);
  EXPECT_EQ(c.logit_softcap, 30);
  EXPECT_EQ(c.attention.qk_norm, QkNorm::kNone);
  EXPECT_EQ(c.attention.rope.dims, 256);
  EXPECT_EQ(c.attention.rope.theta, 10000);
  EXPECT_EQ(c.norm_offset, 1);
  EXPECT_EQ(c.embedding_scale, 8) << "sqrt(64)";
  EXPECT_EQ(c.mlp.width, 9216);
  EXPECT_EQ(c.mlp.activation, Activation::kGeluTanh);
  const Config d = ParseChanged(
      kGemma2Config,
      R"({"query_pre_attn_scalar":144,"attn_logit_softcapping":20.0,"final_logit_softcapping":null,
          "hidden_activation":"gelu","intermediate_size":32})");
  EXPECT_THAT(d.attention.scale, DoubleEq(1.0 / 12));
  EXPECT_EQ(d.attention.softcap, 20);
  EXPECT_EQ(d.logit_softcap, 0);
  EXPECT_EQ(d.mlp.activation, Activation::kGelu);
  EXPECT_EQ(d.mlp.width, 32);
  EXPECT_EQ(ParseChanged(kGemma2Config, R"({"attn_logit_softcapping":null})").attention.softcap, 0);
}

TEST(TransformerConfigTest, Gemma3NormalisesQueriesAndKeysInstead) {
  const Config c = ParseChanged(kGemma3Config);
  EXPECT_EQ(c.attention.heads, 8);
  EXPECT_EQ(c.attention.kv_heads, 4);
  EXPECT_EQ(c.attention.head_dim, 256);
  EXPECT_EQ(c.attention.scale, 1.0 / 16);
  EXPECT_EQ(c.attention.softcap, 0);
  EXPECT_EQ(c.logit_softcap, 0);
  EXPECT_EQ(c.attention.qk_norm, QkNorm::kHead);
  EXPECT_EQ(c.norm_offset, 1);
  EXPECT_EQ(c.mlp.width, 9216);
}

// The layers with a window have rotary positions of their own, whatever the spelling.
TEST(TransformerConfigTest, Gemma3sRopesAreReadInEverySpelling) {
  const struct {
    const char* changes;
    double theta, sliding_theta, factor, sliding_factor;
  } kCases[] = {
      {"{}", 1e6, 10000, 1, 1},
      {R"({"rope_theta":500.0,"rope_local_base_freq":20.0})", 500, 20, 1, 1},
      {R"({"rope_scaling":{"rope_type":"linear","factor":8.0}})", 1e6, 10000, 8, 1},
      {R"({"rope_theta":500.0,"rope_local_base_freq":20.0,
           "rope_scaling":{"rope_type":"linear","factor":8.0}})",
       500, 20, 8, 1},
      {R"({"rope_parameters":{"full_attention":{"rope_type":"linear","rope_theta":500.0,
            "factor":8.0},
                              "sliding_attention":{"rope_type":"default","rope_theta":20.0}}})",
       500, 20, 8, 1},
      {R"({"rope_parameters":{"full_attention":{"rope_type":"default"},
                              "sliding_attention":{"rope_type":"linear","factor":3.0}}})",
       1e6, 10000, 1, 3},
      {R"({"rope_parameters":{"full_attention":null,"sliding_attention":{"rope_theta":7.0}}})", 1e6,
       7, 1, 1}};
  for (const auto& each : kCases) {
    const Config c = ParseChanged(kGemma3Config, each.changes);
    for (int64_t l = 0; l < c.layers; ++l) {
      const AttentionConfig a = AttentionOf(c, l);
      ASSERT_GT(a.window, 0) << "layers 0 to 4 slide";
      EXPECT_EQ(a.rope.theta, each.sliding_theta) << each.changes;
      EXPECT_EQ(a.rope.factor, each.sliding_factor) << each.changes;
      EXPECT_EQ(a.rope.dims, 256);
    }
    Json no_windows = Json::parse(each.changes);
    no_windows["layer_types"] = Json::array({"full_attention", "full_attention", "full_attention"});
    const Config all = ParseChanged(kGemma3Config, no_windows.dump());
    for (int64_t l = 0; l < all.layers; ++l) {
      const AttentionConfig a = AttentionOf(all, l);
      EXPECT_EQ(a.window, 0);
      EXPECT_EQ(a.rope.theta, each.theta) << each.changes;
      EXPECT_EQ(a.rope.factor, each.factor) << each.changes;
      EXPECT_EQ(a.rope.dims, 256);
    }
  }
}

TEST(TransformerConfigTest, Olmo2NormalisesAllHeadsTogether) {
  const Config c = ParseChanged(kOlmo2Config);
  EXPECT_EQ(c.attention.heads, 32);
  EXPECT_EQ(c.attention.kv_heads, 32);
  EXPECT_EQ(c.attention.head_dim, 2);
  EXPECT_EQ(c.attention.qk_norm, QkNorm::kWhole);
  EXPECT_EQ(c.attention.rope.dims, 2);
  EXPECT_EQ(c.mlp.width, 11008);
  EXPECT_EQ(c.mlp.activation, Activation::kSilu);
  const Config d = ParseChanged(
      kOlmo2Config, R"({"num_attention_heads":8,"num_key_value_heads":2,"intermediate_size":32,
                        "rope_parameters":{"rope_type":"default","rope_theta":5e5}})");
  EXPECT_EQ(d.attention.kv_heads, 2);
  EXPECT_EQ(d.attention.head_dim, 8);
  EXPECT_EQ(d.attention.rope.theta, 5e5);
  EXPECT_EQ(d.mlp.width, 32);
}

TEST(TransformerConfigTest, PhiRotatesAPart) {
  const Config c = ParseChanged(kPhiConfig);
  EXPECT_EQ(c.attention.heads, 32);
  EXPECT_EQ(c.attention.kv_heads, 32);
  EXPECT_EQ(c.attention.head_dim, 4);
  EXPECT_EQ(c.attention.rope.dims, 2) << "a half";
  EXPECT_FALSE(c.attention.rope.interleaved);
  EXPECT_TRUE(c.attention.qkv_bias && c.attention.out_bias && c.mlp.bias && c.unembedding_bias);
  EXPECT_EQ(c.mlp.width, 8192);
  EXPECT_EQ(c.mlp.activation, Activation::kGeluTanh);
  for (const char* changes :
       {R"({"num_attention_heads":4,"partial_rotary_factor":0.25,"rope_theta":7.0})",
        R"({"num_attention_heads":4,"rope_parameters":{"rope_type":"default","rope_theta":7.0,
             "partial_rotary_factor":0.25}})"}) {
    const RopeConfig rope = ParseChanged(kPhiConfig, changes).attention.rope;
    EXPECT_EQ(rope.dims, 8) << changes;
    EXPECT_EQ(rope.theta, 7) << changes;
  }
}

TEST(TransformerConfigTest, GptjRotatesNeighbouringFeatures) {
  const Config c = ParseChanged(kGptjConfig);
  EXPECT_EQ(c.d_model, 256);
  EXPECT_EQ(c.attention.heads, 4);
  EXPECT_EQ(c.attention.kv_heads, 4);
  EXPECT_EQ(c.attention.head_dim, 64);
  EXPECT_EQ(c.attention.rope.dims, 64);
  EXPECT_EQ(c.attention.rope.theta, 10000);
  EXPECT_TRUE(c.attention.rope.interleaved);
  EXPECT_FALSE(c.attention.qkv_bias || c.attention.out_bias);
  EXPECT_TRUE(c.mlp.bias && c.unembedding_bias);
  EXPECT_EQ(c.mlp.width, 1024);
  EXPECT_EQ(c.mlp.activation, Activation::kGeluTanh);
  EXPECT_EQ(ParseChanged(kGptjConfig, R"({"rotary_dim":16})").attention.rope.dims, 16);
  EXPECT_EQ(ParseChanged(kGptjConfig, R"({"n_head":2,"rotary_dim":null})").attention.rope.dims, 128)
      << "the whole head";
  const Config d = ParseChanged(kGptjConfig, R"({"n_inner":100,"activation_function":"relu"})");
  EXPECT_EQ(d.mlp.width, 100);
  EXPECT_EQ(d.mlp.activation, Activation::kRelu);
}

}  // namespace
}  // namespace mambascope
