// The text model of a multimodal checkpoint is read, and its other parts are not.
#include "mambascope/model/text_config.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/model/changed_checkpoint_test_support.h"
#include "mambascope/model/families/config_test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Where a class of transformers has its text model.
struct Names {
  const char* prefix;  // in place of "model."
  const char* head;
};

class WrapperTest : public testing::Test {
 protected:
  void Wrap(const Names& names) {
    checkpoint_.Rename([&](const std::string& name) {
      return name == "lm_head.weight" ? names.head + name
                                      : names.prefix + name.substr(std::string("model.").size());
    });
    checkpoint_.config = {{"model_type", "mistral3"}, {"text_config", checkpoint_.config}};
    for (const char* part : {"vision_tower.a.weight", "model.multi_modal_projector.b.bias"})
      checkpoint_.tensors[part] = at::ones({2});
  }

  const Model plain_ = Model::Load(GoldenFolder() / "llama");
  ChangedCheckpoint checkpoint_{"llama"};
};

TEST_F(WrapperTest, TextModelIsReadUnderEveryPrefix) {
  for (const Names& names :
       {Names{"language_model.model.", "language_model."}, Names{"language_model.model.", ""},
        Names{"model.language_model.", ""}, Names{"model.language_model.", "model.language_model."},
        Names{"language_model.", ""}, Names{"language_model.", "language_model."},
        Names{"model.text_model.", ""}, Names{"model.", ""}}) {
    SCOPED_TRACE(std::string(names.prefix) + " " + names.head);
    checkpoint_.Read("llama");
    Wrap(names);
    const Model model = checkpoint_.Load();
    EXPECT_TRUE(at::equal(SomeLogits(model), SomeLogits(plain_)));
    EXPECT_EQ(model.parameters(), plain_.parameters());
    EXPECT_EQ(model.config().model_type, "llama");
    EXPECT_THAT(model.warnings(),
                ElementsAre("only the text model of this mistral3 checkpoint is used; 2 tensors of "
                            "its other parts are not read"));
  }
}

TEST_F(WrapperTest, UnreadTensorsOfTheTextModelAreNamed) {
  Wrap({"model.language_model.", ""});
  checkpoint_.tensors["model.language_model.layers.0.mlp.router.weight"] = at::ones({2});
  EXPECT_THAT(checkpoint_.Load().warnings(),
              ElementsAre(HasSubstr("2 tensors of its other parts"),
                          HasSubstr("'model.language_model.layers.0.mlp.router.weight'")));
}

// As transformers 5 saves the text model that was taken out of a multimodal one.
TEST_F(WrapperTest, ConfigMayBeThatOfTheTextModelAlone) {
  const Json config = checkpoint_.config;
  Wrap({"model.language_model.", ""});
  checkpoint_.config = config;
  const Model model = checkpoint_.Load();
  EXPECT_TRUE(at::equal(SomeLogits(model), SomeLogits(plain_)));
  EXPECT_THAT(model.warnings(),
              ElementsAre(HasSubstr("only the text model of this multimodal checkpoint is used")));
}

TEST(WrapperOfMambaTest, KeepsTheFamilysOwnPrefix) {
  ChangedCheckpoint checkpoint("mamba");
  checkpoint.Wrap();
  EXPECT_TRUE(
      at::equal(SomeLogits(checkpoint.Load()), SomeLogits(Model::Load(GoldenFolder() / "mamba"))));
}

TEST_F(WrapperTest, EitherLevelTiesTheEmbeddings) {
  for (const auto& [top, text, tied] :
       std::vector<std::tuple<Json, Json, bool>>{{true, false, true},
                                                 {false, true, true},
                                                 {nullptr, true, true},
                                                 {true, nullptr, true},
                                                 {false, false, false},
                                                 {nullptr, nullptr, false}}) {
    SCOPED_TRACE(top.dump() + " " + text.dump());
    checkpoint_.Read("llama");
    Wrap({"model.language_model.", ""});
    checkpoint_.config["tie_word_embeddings"] = top;
    checkpoint_.config["text_config"]["tie_word_embeddings"] = text;
    EXPECT_TRUE(at::equal(SomeLogits(checkpoint_.Load()), SomeLogits(plain_)))
        << "a stored unembedding is used in any case";
    checkpoint_.tensors.erase("lm_head.weight");
    if (tied) EXPECT_FALSE(at::equal(SomeLogits(checkpoint_.Load()), SomeLogits(plain_)));
    else EXPECT_THAT(checkpoint_.ErrorOfLoading(), HasSubstr("has no unembedding"));
  }
}

// A config.json of transformers 4 leaves the sizes of its class out of text_config.
TEST(TextConfigTest, MissingSizesAreThoseOfTheClass) {
  const Config llama = ParseChanged(
      R"({"model_type":"llava","text_config":{"model_type":"llama","vocab_size":32064,
            "rms_norm_eps":1e-05}})");
  EXPECT_EQ(llama.wrapper, "llava");
  EXPECT_EQ(llama.vocab, 32064);
  EXPECT_EQ(llama.d_model, 4096);
  EXPECT_EQ(llama.layers, 32);
  EXPECT_EQ(llama.mlp.width, 11008);
  EXPECT_EQ(llama.attention.kv_heads, 32);
  EXPECT_EQ(llama.norm_eps, 1e-5);
  const Config mistral = ParseChanged(
      R"({"model_type":"llava_next","text_config":{"model_type":"mistral",
            "sliding_window":null}})");
  EXPECT_EQ(mistral.mlp.width, 14336);
  EXPECT_EQ(mistral.attention.kv_heads, 8);
  EXPECT_EQ(mistral.vocab, 32000);
  const Config qwen2 =
      ParseChanged(R"({"model_type":"x","llm_config":{"model_type":"qwen2","hidden_size":1024}})");
  EXPECT_EQ(qwen2.mlp.width, 22016);
  EXPECT_EQ(qwen2.vocab, 151936);
  EXPECT_EQ(qwen2.d_model, 1024);
  const Config qwen3 = ParseChanged(
      R"({"model_type":"x","text_config":{"model_type":"qwen3","rope_scaling":{
            "rope_type":"yarn","factor":2.0}}})");
  EXPECT_EQ(qwen3.vocab, 151936);
  EXPECT_EQ(qwen3.layers, 32);
  EXPECT_EQ(qwen3.mlp.width, 22016);
  EXPECT_EQ(qwen3.attention.head_dim, 128);
  EXPECT_EQ(qwen3.attention.rope.original_context, 32768);
  const Config qwen35 =
      ParseChanged(R"({"model_type":"qwen3_5","text_config":{"model_type":"qwen3_5_text"}})");
  EXPECT_EQ(qwen35.vocab, 248320);
  EXPECT_EQ(qwen35.d_model, 4096);
  EXPECT_EQ(qwen35.mlp.width, 12288);
  EXPECT_EQ(qwen35.attention.heads, 16);
  const Config gemma2 = ParseChanged(R"({"model_type":"x","text_config":{"model_type":"gemma2"}})");
  EXPECT_EQ(gemma2.vocab, 256000);
  EXPECT_EQ(gemma2.d_model, 2304);
  EXPECT_EQ(gemma2.layers, 26);
  EXPECT_EQ(gemma2.mlp.width, 9216);
  EXPECT_TRUE(gemma2.tied_embeddings);
  // The config.json of google/gemma-3-4b-it has these fields.
  const Config gemma3 = ParseChanged(
      R"({"model_type":"gemma3","text_config":{"model_type":"gemma3_text","hidden_size":2560,
          "intermediate_size":10240,"num_hidden_layers":34,"sliding_window":1024,
          "rope_scaling":{"factor":8.0,"rope_type":"linear"}}})");
  EXPECT_EQ(gemma3.vocab, 262208);
  EXPECT_EQ(gemma3.d_model, 2560);
  EXPECT_EQ(gemma3.layers, 34);
  EXPECT_EQ(gemma3.mlp.width, 10240);
  EXPECT_EQ(gemma3.attention.heads, 8);
  EXPECT_EQ(gemma3.attention.kv_heads, 4);
  EXPECT_EQ(gemma3.attention.head_dim, 256);
  EXPECT_EQ(AttentionOf(gemma3, 0).window, 1024);
  EXPECT_EQ(AttentionOf(gemma3, 5).rope.factor, 8);
  EXPECT_TRUE(gemma3.tied_embeddings);
  EXPECT_THAT(ErrorOf([] { ParseChanged(R"({"model_type":"llama"})"); }),
              HasSubstr("lacks the field 'vocab_size'"))
      << "a config.json of text alone is complete";
}

TEST(TextConfigTest, ErrorsNameTheField) {
  const std::string at = "x/config.json: field 'text_config'";
  const auto error = [](const char* config) { return ErrorOf([&] { ParseChanged(config); }); };
  EXPECT_THAT(error(R"({"model_type":"clip","text_config":{"model_type":"clip_text_model"}})"),
              HasSubstr(at + ": unknown model_type 'clip_text_model'; supported: mamba"));
  EXPECT_THAT(error(R"({"model_type":"llava","text_config":{}})"),
              HasSubstr(at + ": expected the field 'model_type'"));
  EXPECT_THAT(error(R"({"model_type":"llava","text_config":3})"),
              HasSubstr(at + ": not a JSON object"));
  EXPECT_THAT(error(R"({"model_type":"paligemma","text_config":{"model_type":"llama"}})"),
              HasSubstr("'paligemma' reads a prompt in both directions"));
  EXPECT_THAT(error(R"({"model_type":"rwkv","text_config":null})"),
              HasSubstr("unknown model_type 'rwkv'"));
}

TEST(TextConfigTest, QuantisedWeightsAreRefusedAtBothLevels) {
  const auto error = [](const char* config) { return ErrorOf([&] { ParseChanged(config); }); };
  EXPECT_THAT(
      error(
          R"({"model_type":"llava","quantization_config":{"quant_method":"fp8"},"text_config":{
                "model_type":"llama"}})"),
      HasSubstr("x/config.json: quantised weights (field 'quantization_config', fp8)"));
  EXPECT_THAT(
      error(
          R"({"model_type":"llava","text_config":{"model_type":"llama","quantization_config":{
                "quant_method":"awq"}}})"),
      HasSubstr("field 'text_config': quantised weights (field 'quantization_config', awq)"));
}

}  // namespace
}  // namespace mambascope
