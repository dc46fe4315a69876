// Compares the tokenizer with the Hugging Face library: ids, spellings, offsets and decoded text,
// for the golden files and for changed copies.
#include "mambascope/tokenizer/tokenizer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kRoot = MAMBASCOPE_ROOT;
const fs::path kDemo = kRoot / "models/demo-mamba";
const fs::path kNeox = kRoot / "../shared/data/gpt-neox-20b-tokenizer.json";

std::vector<int64_t> Ids(const std::vector<Token>& tokens) {
  std::vector<int64_t> ids;
  for (const Token& token : tokens) ids.push_back(token.id);
  return ids;
}

const fs::path kSentencePiece = kRoot / "tests/golden/tokenizer-sentencepiece.json";

// A test with its own folder and a copy of the demo's tokenizer.json to change.
class TokenizerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::path(testing::TempDir()) /
        fmt::format("tokenizer_{}", testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    document_ = ReadJson(kDemo / "tokenizer.json");
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path Write(const std::string& name, const std::string& bytes) const {
    WriteFile(folder_ / name, bytes);
    return folder_ / name;
  }
  Tokenizer LoadDocument() const {
    return Tokenizer::Load(Write("tokenizer.json", document_.dump()));
  }
  Json& model() { return document_["model"]; }
  // Calls `act` with every changed tokenizer of `golden`, a file of tests/golden, and its cases.
  void ForEachChange(const std::string& golden,
                     const std::function<void(const Tokenizer&, const Json& cases)>& act) {
    const Json original = document_, parts = ReadJson(kRoot / "tests/golden" / golden);
    for (const auto& [name, part] : parts.items()) {
      if (name == "source") continue;
      SCOPED_TRACE(name);
      document_ = original;
      for (const auto& [field, value] : part["change"].items()) {
        if (field == "model") model().update(value);
        else document_[field] = value;
      }
      act(LoadDocument(), part["cases"]);
    }
  }

  fs::path folder_;
  Json document_;
};

std::string ErrorText(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e.what();
  }
  return "no Error";
}

void ExpectCase(const Tokenizer& tokenizer, const Json& expected) {
  SCOPED_TRACE(expected["text"].dump());
  const std::vector<Token> tokens = tokenizer.Encode(expected["text"].get<std::string>());
  Json texts = Json::array();
  Json offsets = Json::array();
  for (const Token& token : tokens) {
    texts.push_back(token.text);
    offsets.push_back({token.chars.begin, token.chars.end});
  }
  EXPECT_EQ(Json(Ids(tokens)), expected["ids"]);
  EXPECT_EQ(texts, expected["tokens"]);
  EXPECT_EQ(offsets, expected["offsets"]);
  EXPECT_EQ(tokenizer.Decode(Ids(tokens)), expected["decoded"].get<std::string>());
}

void ExpectCases(const Tokenizer& tokenizer, const Json& cases) {
  ASSERT_FALSE(cases.empty());
  for (const Json& expected : cases) ExpectCase(tokenizer, expected);
}

void ExpectGolden(const fs::path& file, const std::string& half) {
  const Tokenizer tokenizer = Tokenizer::Load(file);
  const Json cases = ReadJson(kRoot / "tests/golden/tokens-demo-and-neox.json")[half];
  ExpectCases(tokenizer, cases);
}

TEST_F(TokenizerTest, EqualsHuggingFaceOnTheDemo) { ExpectGolden(kDemo, "demo"); }

TEST_F(TokenizerTest, EqualsHuggingFaceOnGptNeox) {
  if (!fs::exists(kNeox)) GTEST_SKIP() << kNeox << " is not here";
  ExpectGolden(kNeox, "gpt-neox");
  EXPECT_EQ(Tokenizer::Load(kNeox).vocab_size(), 50277);
}

// The pre-tokenizers of Llama-3, Qwen2, Falcon and Nemotron, every behaviour of Split, and added
// tokens of every kind.
TEST_F(TokenizerTest, EqualsHuggingFaceOnOtherPatterns) {
  ForEachChange("tokens-split-patterns.json", ExpectCases);
}

// The tokenizers of Llama-2, Mistral and Gemma, every scheme of Metaspace, every normaliser and
// decoder, and added tokens of every kind.
TEST_F(TokenizerTest, EqualsHuggingFaceOnSentencePiece) {
  document_ = ReadJson(kSentencePiece);
  ForEachChange("tokens-sentencepiece.json", ExpectCases);
}

void ExpectContinuations(const Tokenizer& tokenizer, const Json&) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"The city is", " Paris"},
      {"The city was", " in  Z\u00fcrich,\nCaf\u00e9"},
      {"Two", "  spaces "},
      {"The", " \u5317\u4eac \U0001F600"},
      {"The city of Par", "ma"}};
  for (const auto& [prompt, answer] : texts) {
    SCOPED_TRACE(answer);
    const std::vector<int64_t> whole = Ids(tokenizer.Encode(prompt + answer)),
                               tail = Ids(tokenizer.EncodeContinuation(answer));
    ASSERT_FALSE(tail.empty());
    ASSERT_LT(tail.size(), whole.size());
    EXPECT_EQ(std::vector(whole.end() - static_cast<int64_t>(tail.size()), whole.end()), tail);
    std::vector<int64_t> joined = Ids(tokenizer.Encode(prompt));
    joined.insert(joined.end(), tail.begin(), tail.end());
    EXPECT_EQ(joined, whole);
  }
}

TEST_F(TokenizerTest, AContinuationHasTheTokensThatEndTheWholeText) {
  ForEachChange("tokens-split-patterns.json", ExpectContinuations);
  document_ = ReadJson(kSentencePiece);
  ForEachChange("tokens-sentencepiece.json", ExpectContinuations);
}

TEST_F(TokenizerTest, ASentencePieceAnswerHasOneSpace) {
  document_ = ReadJson(kSentencePiece);
  const auto texts = [](const std::vector<Token>& tokens) {
    std::vector<std::string> out;
    for (const Token& token : tokens) out.push_back(token.text);
    return out;
  };
  const std::string space = "\u2581";
  for (const char* scheme : {"prepend", "always", "first", "never"}) {
    SCOPED_TRACE(scheme);
    if (scheme != std::string("prepend")) {
      document_["normalizer"] = nullptr;
      document_["pre_tokenizer"] = {
          {"type", "Metaspace"}, {"replacement", space}, {"prepend_scheme", scheme}};
    }
    const Tokenizer tokenizer = LoadDocument();
    EXPECT_THAT(texts(tokenizer.EncodeAnswer("city")), ElementsAre(space + "city"));
    EXPECT_EQ(texts(tokenizer.EncodeContinuation("city")).front().find(space), std::string::npos);
    const bool prepends = scheme != std::string("never");
    EXPECT_EQ(texts(tokenizer.EncodeBare("city")).front().starts_with(space), prepends);
    EXPECT_EQ(texts(tokenizer.Encode("city")).front(), "<s>");
    EXPECT_THAT(tokenizer.BeginOfText(), ElementsAre(1));
  }
}

TEST_F(TokenizerTest, DecodesSentencePieceAtTheBeginningAndInTheMiddle) {
  document_ = ReadJson(kSentencePiece);
  for (const char* decoder : {"Sequence", "Metaspace"}) {
    SCOPED_TRACE(decoder);
    if (decoder == std::string("Metaspace")) {
      document_["decoder"] = {
          {"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "always"}};
    }
    const Tokenizer tokenizer = LoadDocument();
    const std::vector<int64_t> ids = Ids(tokenizer.EncodeBare("The city is"));
    EXPECT_EQ(tokenizer.Decode(ids), "The city is");
    EXPECT_EQ(tokenizer.DecodeKnown(ids), "The city is");
    EXPECT_EQ(tokenizer.DecodeContinuation(ids), " The city is");
    EXPECT_EQ(tokenizer.DecodeToken(ids[0]), " The");
    EXPECT_EQ(tokenizer.DecodeToken(1), "<s>");
    EXPECT_EQ(tokenizer.DecodeToken(tokenizer.vocab_size()), std::nullopt);
  }
}

TEST_F(TokenizerTest, DecodesByteTokens) {
  document_ = ReadJson(kSentencePiece);
  const Tokenizer tokenizer = LoadDocument();
  const std::vector<Token> tokens = tokenizer.EncodeContinuation("\u5317\n");
  const std::vector<int64_t> ids = Ids(tokens);
  ASSERT_EQ(ids.size(), 4U);
  EXPECT_EQ(tokens[0].text, "<0xE5>");
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(tokens[i].chars, (Span{0, 1}));
    EXPECT_EQ(tokenizer.DecodeToken(ids[i]), "\uFFFD");
  }
  EXPECT_EQ(tokens[3].chars, (Span{1, 2}));
  EXPECT_EQ(tokenizer.DecodeToken(ids[3]), "\n");
  EXPECT_EQ(tokenizer.Decode(ids), "\u5317\n");
  EXPECT_EQ(tokenizer.Decode(std::span(ids).first(2)), "\uFFFD\uFFFD");
}

TEST_F(TokenizerTest, AddsTheBosOfTheConfigUnlessTheTemplateAddsSpecialTokens) {
  document_ = ReadJson(kSentencePiece);
  const std::vector<int64_t> with_bos = Ids(LoadDocument().Encode("The city"));
  ASSERT_EQ(with_bos[0], 1);
  const std::vector<int64_t> bare(with_bos.begin() + 1, with_bos.end());
  const auto encode = [&](const Json& config) {
    Write("tokenizer_config.json", config.dump());
    return Ids(LoadDocument().Encode("The city"));
  };
  const Json adds = {{"add_bos_token", true}, {"bos_token", "<s>"}};
  EXPECT_EQ(encode(adds), with_bos) << "once";
  document_["post_processor"] = nullptr;
  EXPECT_EQ(encode(adds), with_bos);
  EXPECT_THAT(Tokenizer::Files(folder_),
              ElementsAre(folder_ / "tokenizer.json", folder_ / "tokenizer_config.json"));
  EXPECT_THAT(LoadDocument().BeginOfText(), ElementsAre(1));
  EXPECT_TRUE(LoadDocument().IsSpecial(1));
  EXPECT_EQ(Ids(LoadDocument().EncodeBare("The city")), bare);
  EXPECT_EQ(encode({{"add_bos_token", true}, {"bos_token", {{"content", "<s>"}}}}), with_bos);
  EXPECT_EQ(encode({{"add_bos_token", false}, {"bos_token", "<s>"}}), bare);
  EXPECT_THAT(Tokenizer::Files(folder_), ElementsAre(folder_ / "tokenizer.json"));
  EXPECT_EQ(encode({{"bos_token", "<s>"}}), bare);
  EXPECT_EQ(encode({{"add_bos_token", true}, {"bos_token", nullptr}}), bare);
  EXPECT_THAT(ErrorText([&] {
                encode({{"add_bos_token", true}, {"bos_token", "<bos>"}});
              }),
              AllOf(HasSubstr("tokenizer_config.json"), HasSubstr("<bos>")));
}

TEST_F(TokenizerTest, ReadsBothSpellingsOfMerges) {
  const auto expected = Ids(LoadDocument().Encode("The Eiffel Tower"));
  EXPECT_LT(expected.size(), 10U);
  for (Json& merge : model()["merges"]) {
    ASSERT_TRUE(merge.is_array());
    merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  }
  EXPECT_EQ(Ids(LoadDocument().Encode("The Eiffel Tower")), expected);
}

TEST_F(TokenizerTest, ReadsGpt2Files) {
  const Tokenizer demo = LoadDocument();
  std::string merges;
  for (const Json& merge : model()["merges"]) {
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  }
  const std::string text = "The Eiffel Tower<|endoftext|> isn't\n in  Z\u00fcrich";
  fs::remove(folder_ / "tokenizer.json");
  EXPECT_FALSE(Tokenizer::Exists(folder_));
  Write("vocab.json", model()["vocab"].dump());
  for (const std::string header : {"", "#version: 0.2\n"}) {
    Write("merges.txt", header + merges);
    EXPECT_TRUE(Tokenizer::Exists(folder_));
    EXPECT_THAT(Tokenizer::Files(folder_),
                ElementsAre(folder_ / "vocab.json", folder_ / "merges.txt"));
    const Tokenizer tokenizer = Tokenizer::Load(folder_);
    EXPECT_EQ(Ids(tokenizer.Encode(text)), Ids(demo.Encode(text)));
    EXPECT_EQ(Ids(Tokenizer::Load(folder_ / "vocab.json").Encode(text)), Ids(demo.Encode(text)));
    EXPECT_EQ(tokenizer.Decode(Ids(tokenizer.Encode(text))), text);
  }
  Write("tokenizer.json", "{}");  // Load prefers it even if it is broken
  EXPECT_THAT(ErrorText([&] { Tokenizer::Load(folder_); }), HasSubstr("tokenizer.json"));
}

TEST_F(TokenizerTest, TheTemplateAddsBosToTextsButNotToContinuations) {
  document_["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "BOS"}}}}, {{"Sequence", {{"id", "A"}}}}}},
      {"special_tokens", {{"BOS", {{"id", "BOS"}, {"ids", {0}}, {"tokens", {"<|endoftext|>"}}}}}}};
  const Tokenizer tokenizer = LoadDocument();
  const auto tokens = tokenizer.Encode(" is");
  const auto continuation = tokenizer.EncodeContinuation(" is");
  ASSERT_EQ(tokens.size(), continuation.size() + 1);
  EXPECT_EQ(tokens[0].id, 0);
  EXPECT_EQ(tokens[0].text, "<|endoftext|>");
  EXPECT_EQ(tokens[0].chars, (Span{0, 0}));
  EXPECT_EQ(tokens[1].id, continuation[0].id);
  EXPECT_EQ(Ids(tokenizer.Encode("")), std::vector<int64_t>{0});
  EXPECT_EQ(tokenizer.Decode(Ids(tokens)), "<|endoftext|> is");
}

TEST_F(TokenizerTest, NumbersAddedTokensAfterTheVocabulary) {
  for (const char* content : {"<a>", "in", "<b>", "<a>"})
    document_["added_tokens"].push_back({{"content", content}});
  const Tokenizer tokenizer = LoadDocument();
  EXPECT_EQ(tokenizer.vocab_size(), 4098);
  EXPECT_THAT(Ids(tokenizer.Encode("<b><a>")), ElementsAre(4097, 4096));
}

TEST_F(TokenizerTest, DecodesBytesThatAreNoUtf8AsReplacementCharacters) {
  const Tokenizer tokenizer = LoadDocument();
  const auto id = [&](const std::string& spelling) {
    return model()["vocab"][spelling].get<int64_t>();
  };
  const int64_t a = id("a"), lead = id("\u00f0"), second = id("\u0141"),
                stray = id("\u00a4");  // the bytes 0xF0 0x9F, and 0xA4 after them
  EXPECT_EQ(tokenizer.Decode(std::vector{lead, second, a, lead}), "\uFFFDa\uFFFD");
  EXPECT_EQ(tokenizer.Decode(std::vector{stray, stray, a}), "\uFFFD\uFFFDa");
  EXPECT_EQ(tokenizer.Decode(std::vector{lead, stray, stray, second, second}), "\U0002491F\uFFFD");
  EXPECT_THAT(ErrorText([&] { tokenizer.Decode(std::vector<int64_t>{4096}); }),
              HasSubstr("no token 4096"));
  EXPECT_THAT(ErrorText([&] { tokenizer.Decode(std::vector<int64_t>{-1}); }),
              HasSubstr("no token -1"));
}

TEST_F(TokenizerTest, TakesAboutLinearTime) {
  const Tokenizer tokenizer = LoadDocument();
  std::string word;
  for (int i = 0; i < 200'000; ++i) word += static_cast<char>('a' + i % 23 * (i % 29) % 26);
  const auto begin = std::chrono::steady_clock::now();
  const auto tokens = tokenizer.Encode(word);
  EXPECT_LT(std::chrono::steady_clock::now() - begin,
            std::chrono::seconds(10));  // a quadratic algorithm would take minutes
  EXPECT_EQ(tokenizer.Decode(Ids(tokens)), word);
  EXPECT_EQ(tokens.back().chars.end, 200'000);
}

// A tokenizer.json can ask for any amount of memory or time.
TEST_F(TokenizerTest, RefusesStepsThatMakeATextTooLong) {
  const Json replace = {
      {"type", "Replace"}, {"pattern", {{"Regex", "a"}}}, {"content", std::string(100, 'a')}};
  document_["normalizer"] = {{"type", "Sequence"}, {"normalizers", {replace, replace, replace}}};
  EXPECT_THAT(ErrorText([&] { LoadDocument().Encode("aaa"); }),
              HasSubstr("more than 100300 bytes of a text of 3 bytes"));
  EXPECT_EQ(ErrorText([&] { LoadDocument().Encode("bbb"); }), "no Error");
  document_ = ReadJson(kSentencePiece);
  document_["decoder"] = {{"type", "Sequence"}, {"decoders", {replace, replace, replace, replace}}};
  EXPECT_THAT(ErrorText([&] { LoadDocument().Decode(Ids(LoadDocument().Encode("a"))); }),
              HasSubstr("more than 256 KiB"));
}

TEST_F(TokenizerTest, RefusesATemplateThatRepeatsTheText) {
  const Json text = {{"Sequence", {{"id", "A"}}}};
  document_["post_processor"] = {
      {"type", "TemplateProcessing"}, {"single", {text, text}}, {"special_tokens", Json::object()}};
  EXPECT_THAT(ErrorText([&] { LoadDocument(); }),
              HasSubstr("field 'post_processor.single' has the text 2 times; expected once"));
}

TEST_F(TokenizerTest, StopsAPatternThatBacktracksForEver) {
  document_["normalizer"] = {
      {"type", "Replace"}, {"pattern", {{"Regex", R"((a+a+)+(?<=b)c)"}}}, {"content", ""}};
  const Tokenizer tokenizer = LoadDocument();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(ErrorText([&] { tokenizer.Encode(std::string(1000, 'a') + "c"); }),
              AllOf(HasSubstr("'(a+a+)+(?<=b)c' fails on this text"), HasSubstr("retry-limit")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST_F(TokenizerTest, RefusesAPatternThatIsNestedTooDeeply) {
  const std::string pattern = std::string(5000, '(') + "a" + std::string(5000, ')');
  document_["normalizer"] = {
      {"type", "Replace"}, {"pattern", {{"Regex", pattern}}}, {"content", ""}};
  EXPECT_THAT(ErrorText([&] { LoadDocument(); }), HasSubstr("is not a regular expression"));
}

TEST_F(TokenizerTest, RefusesTextThatIsNoUtf8) {
  const Tokenizer tokenizer = LoadDocument();
  for (const char* text :
       {"caf\xE9", "a\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    EXPECT_THAT(ErrorText([&] { tokenizer.Encode(text); }), HasSubstr("not UTF-8")) << text;
  }
  EXPECT_THAT(ErrorText([&] { tokenizer.Encode("caf\xE9"); }),
              HasSubstr("byte 0xE9 at position 3"));
}

TEST_F(TokenizerTest, NamesWhatItDoesNotSupport) {
  const std::vector<std::pair<Json, std::vector<std::string>>> refused = {
      {{{"normalizer", {{"type", "Precompiled"}}}},
       {"normalizer.type", "Precompiled", "supported: null, NFC", "--ids"}},
      {{{"normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "BertNormalizer"}}}}}}},
       {"normalizer.normalizers[0].type", "BertNormalizer"}},
      {{{"pre_tokenizer", {{"type", "Whitespace"}}}},
       {"pre_tokenizer.type", "Whitespace", "ByteLevel", "--ids"}},
      {{{"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "__"}}}},
       {"pre_tokenizer.replacement", "__"}},
      {{{"pre_tokenizer",
         {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "last"}}}},
       {"pre_tokenizer.prepend_scheme", "last"}},
      {{{"pre_tokenizer",
         {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}}}},
       {"pre_tokenizer.add_prefix_space", "prepend_scheme is first"}},
      {{{"pre_tokenizer", {{"type", "Digits"}}}}, {"pre_tokenizer", "no ByteLevel"}},
      {{{"decoder", {{"type", "Fuse"}}}}, {"decoder", "no ByteLevel"}},
      {{{"pre_tokenizer",
         {{"type", "Split"}, {"pattern", {{"Regex", "(a"}}}, {"behavior", "Isolated"}}}},
       {"pre_tokenizer.pattern", "(a"}},
      {{{"pre_tokenizer", {{"type", "Punctuation"}, {"behavior", "Eaten"}}}},
       {"pre_tokenizer.behavior", "Eaten"}},
      {{{"pre_tokenizer", nullptr}}, {"pre_tokenizer", "no ByteLevel"}},
      {{{"post_processor", {{"type", "BertProcessing"}}}},
       {"post_processor.type", "BertProcessing"}},
      {{{"decoder", {{"type", "WordPiece"}}}}, {"decoder.type", "WordPiece", "--ids"}},
      {{{"decoder", nullptr}}, {"decoder", "null", "--ids"}},
      {{{"model", {{"type", "Unigram"}}}},
       {"model.type", "Unigram", "supported: BPE", "states and attention", "--ids"}},
      {{{"model", {{"type", "WordPiece"}}}}, {"model.type", "WordPiece", "--ids"}},
      {{{"model", {{"type", nullptr}, {"merges", nullptr}}}}, {"model", "neither", "--ids"}},
      {{{"model", {{"dropout", 0.1}}}}, {"model.dropout", "0.1"}},
      {{{"model", {{"end_of_word_suffix", "</w>"}}}}, {"model.end_of_word_suffix", "</w>"}},
      {{{"model", {{"vocab", {{"a", -1}}}}}}, {"model.vocab.a", "-1"}},
      {{{"model", {{"vocab", 7}}}}, {"model.vocab"}},
      {{{"model", {{"merges", {"a b c"}}}}}, {"model.merges[0]", "pair"}},
      {{{"model", {{"merges", {"Q \u0178"}}}}}, {"model.merges[0]", "vocabulary lacks"}},
      {{{"added_tokens", {{{"content", 3}}}}}, {"added_tokens[0].content", "string"}},
  };
  const Json demo = document_;
  for (const auto& [change, parts] : refused) {
    document_ = demo;
    document_.merge_patch(change);
    const std::string message = ErrorText([&] { LoadDocument(); });
    EXPECT_THAT(message, HasSubstr((folder_ / "tokenizer.json").string())) << change.dump();
    for (const std::string& part : parts) EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST_F(TokenizerTest, NamesFilesThatAreMissingOrBroken) {
  EXPECT_THAT(ErrorText([&] { Tokenizer::Load(folder_ / "none.json"); }), HasSubstr("none.json"));
  EXPECT_THAT(ErrorText([&] { Tokenizer::Load(folder_); }),
              AllOf(HasSubstr(folder_.string()), HasSubstr("tokenizer.json")));
  const std::string whole = document_.dump();
  const fs::path cut = Write("cut.json", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(ErrorText([&] { Tokenizer::Load(cut); }),
              AllOf(HasSubstr("cut.json"), HasSubstr("truncated")));
  const fs::path other = Write("other.json", R"({"a": "b"})");
  EXPECT_THAT(ErrorText([&] { Tokenizer::Load(other); }), HasSubstr("neither"));
  const fs::path vocab = Write("vocab.json", R"({"a": 0})");
  EXPECT_THAT(ErrorText([&] { Tokenizer::Load(vocab); }), HasSubstr("merges.txt"));
}

TEST_F(TokenizerTest, NamesACharacterThatTheVocabularyLacks) {
  model()["vocab"] = {{"a", 0}, {"b", 1}, {"ab", 2}, {"?", 3}};
  model()["merges"] = {"a b"};
  EXPECT_THAT(Ids(LoadDocument().Encode("aab")), ElementsAre(0, 2));
  EXPECT_THAT(ErrorText([&] { LoadDocument().Encode("abc"); }), HasSubstr("\"c\" (U+0063)"));
  model()["unk_token"] = "?";
  EXPECT_THAT(Ids(LoadDocument().Encode("acc")), ElementsAre(0, 3, 3));
  model()["fuse_unk"] = true;
  EXPECT_THAT(Ids(LoadDocument().Encode("acc")), ElementsAre(0, 3));
}

}  // namespace
}  // namespace mambascope
