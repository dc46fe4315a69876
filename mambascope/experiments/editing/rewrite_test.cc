#include "mambascope/experiments/editing/rewrite.h"

#include <gmock/gmock.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::HasSubstr;
using testing::Not;

class RewriteTest : public testing::Test {
 protected:
  std::string Text(const std::vector<int64_t>& ids) const { return tokenizer_.Decode(ids); }

  const std::filesystem::path folder_ = RepositoryFolder() / "models/demo-mamba";
  const Tokenizer tokenizer_ = Tokenizer::Load(folder_);
  const Model model_ = Model::Load(folder_);
  const Rewrite rewrite_ = {"The landmark called {} can be found in", "Eiffel Tower", "Rome"};
};

TEST_F(RewriteTest, EveryContextStandsBeforeThePromptWhoseSubjectIsFound) {
  const RewritePrompts prompts = PrepareRewrite(tokenizer_, rewrite_, {"{}", "Rain fell. {}"});
  ASSERT_EQ(prompts.prompts.size(), 2u);
  EXPECT_EQ(Text(prompts.prompts[0].ids), "The landmark called Eiffel Tower can be found in");
  EXPECT_EQ(Text(prompts.prompts[1].ids),
            "Rain fell. The landmark called Eiffel Tower can be found in");
  EXPECT_EQ(Text(prompts.essence.ids), "Eiffel Tower is a");
  for (const PromptToken& prompt : {prompts.prompts[0], prompts.prompts[1], prompts.essence}) {
    const std::vector<int64_t> head(prompt.ids.begin(), prompt.ids.begin() + prompt.token + 1);
    EXPECT_THAT(Text(head), testing::EndsWith("Eiffel Tower"));
  }
  EXPECT_EQ(Text(prompts.target), " Rome");
  EXPECT_EQ(
      Text(PrepareRewrite(tokenizer_, {rewrite_.pattern, "Eiffel Tower", " Rome"}, {"{}"}).target),
      " Rome")
      << "one space";
}

TEST_F(RewriteTest, BadRewritesAreRefused) {
  const auto error = [&](const Rewrite& rewrite) {
    return ErrorOf([&] { PrepareRewrite(tokenizer_, rewrite, {"{}"}); });
  };
  EXPECT_THAT(error({rewrite_.pattern, "Eiffel Tower", ""}), HasSubstr("has no token"));
  EXPECT_THAT(error({rewrite_.pattern, "Eiffel Tower", "  "}), HasSubstr("has no token"));
  EXPECT_THAT(error({rewrite_.pattern, "", "Rome"}), HasSubstr("subject"));
  EXPECT_THAT(error({"no subject here", "Eiffel Tower", "Rome"}), HasSubstr("{}"));
}

TEST_F(RewriteTest, ContextsAreDrawnFromTheModelAndFrozenByTheSeed) {
  const Contexts contexts = GenerateContexts(model_, tokenizer_, MemitContextPlan(), 1);
  ASSERT_EQ(contexts.size(), 6u);
  EXPECT_EQ(contexts[0], "{}");
  const char* const kWords[] = {"The", "Therefore", "Because", "I", "You"};
  for (size_t i = 1; i < contexts.size(); ++i) {
    EXPECT_THAT(contexts[i], testing::StartsWith(kWords[i - 1]));
    EXPECT_THAT(contexts[i], testing::EndsWith(". {}"));
  }
  EXPECT_EQ(GenerateContexts(model_, tokenizer_, MemitContextPlan(), 1), contexts);
  EXPECT_NE(GenerateContexts(model_, tokenizer_, MemitContextPlan(), 2), contexts);
}

// The bundled models were not trained on text that follows the end of a text.
TEST_F(RewriteTest, ModelThatSaysNothingAfterTheEndOfTextGivesEmptyContexts) {
  const Contexts empty = GenerateContexts(model_, tokenizer_, RomeContextPlan(), 0);
  EXPECT_EQ(empty.size(), 21u);
  EXPECT_FALSE(SaySomething(empty));
  EXPECT_TRUE(SaySomething(GenerateContexts(model_, tokenizer_, MemitContextPlan(), 0)));
}

// A tokenizer as Llama's are: it has no <|endoftext|>, and begins every text with its own BOS.
Tokenizer LlamaLike(const TempFolder& folder) {
  Json document = ReadJson(RepositoryFolder() / "models/demo-mamba/tokenizer.json");
  const std::string bos = "<s>";
  document["model"]["vocab"].erase("<|endoftext|>");
  document["model"]["vocab"][bos] = 0;  // the model's token 0
  document["added_tokens"][0]["content"] = bos;
  document["post_processor"] = Json::parse(
      R"({"type": "TemplateProcessing", "pair": [],
          "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
          "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}})");
  WriteFile(folder / "tokenizer.json", DumpJson(document));
  return Tokenizer::Load(folder / "tokenizer.json");
}

TEST_F(RewriteTest, OwnBeginOfTextStandsOnceAndFirst) {
  const TempFolder folder;
  const Tokenizer llama = LlamaLike(folder);
  EXPECT_EQ(llama.BeginOfText(), std::vector<int64_t>{0});
  EXPECT_EQ(tokenizer_.BeginOfText(), std::vector<int64_t>{0}) << "<|endoftext|>";
  const Contexts contexts = GenerateContexts(model_, llama, MemitContextPlan(), 1);
  ASSERT_EQ(contexts.size(), 6u);
  for (const std::string& context : contexts) EXPECT_THAT(context, Not(HasSubstr("<s>")));
  for (const PromptToken& prompt : PrepareRewrite(llama, rewrite_, contexts).prompts) {
    EXPECT_EQ(prompt.ids.front(), 0);
    EXPECT_EQ(std::count(prompt.ids.begin(), prompt.ids.end(), 0), 1);
  }
  EXPECT_NE(contexts, GenerateContexts(model_, tokenizer_, MemitContextPlan(), 1))
      << "the texts are generated after BOS";
}

TEST_F(RewriteTest, TokenizerWithoutABeginningOfTextIsRefusedByRomesPlan) {
  const TempFolder folder;
  Json document = ReadJson(folder_ / "tokenizer.json");
  document["model"]["vocab"].erase("<|endoftext|>");
  document["model"]["vocab"]["<pad>"] = 0;
  document["added_tokens"][0]["content"] = "<pad>";
  WriteFile(folder / "tokenizer.json", DumpJson(document));
  const Tokenizer bare = Tokenizer::Load(folder / "tokenizer.json");
  EXPECT_TRUE(bare.BeginOfText().empty());
  EXPECT_THAT(ErrorOf([&] { GenerateContexts(model_, bare, RomeContextPlan(), 0); }),
              HasSubstr("--contexts memit"));
  EXPECT_EQ(GenerateContexts(model_, bare, MemitContextPlan(), 0).size(), 6u);
}

TEST_F(RewriteTest, ContextFiles) {
  const TempFolder folder;
  const auto read = [&](const std::string& text) {
    WriteFile(folder / "contexts.json", text);
    return ReadContexts(folder / "contexts.json");
  };
  EXPECT_EQ(read(R"(["{}", "It rains. {}"])"), (Contexts{"{}", "It rains. {}"}));
  for (const char* bad : {"[]", "{}", R"(["It rains. {}", "{}"])", R"(["{}", "no place"])",
                          R"(["{}", "{} {}"])", R"(["{}", 3])"})
    EXPECT_THAT(ErrorOf([&] { read(bad); }), HasSubstr("contexts.json: expected a list of texts"))
        << bad;
}

}  // namespace
}  // namespace mambascope
