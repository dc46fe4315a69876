// Tests the position of a subject among the tokens of its prompt. Expected tokens are from the demo
// models' tokenizer.
#include "mambascope/data/prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Tokenizer& DemoTokenizer() {
  static const Tokenizer tokenizer = Tokenizer::Load(RepositoryFolder() / "models/demo-mamba");
  return tokenizer;
}

std::vector<std::string> SubjectTokens(const Prompt& prompt) {
  const auto [begin, end] = prompt.subject_span;
  return {prompt.tokens.begin() + begin, prompt.tokens.begin() + end};
}

struct SpanCase {
  const char* name;
  const char* pattern;
  const char* subject;
  int64_t begin;                    // position of the subject's first token
  std::vector<std::string> tokens;  // the subject's tokens
};

void PrintTo(const SpanCase& c, std::ostream* out) { *out << c.pattern << " of " << c.subject; }

class SubjectSpanTest : public testing::TestWithParam<SpanCase> {};

TEST_P(SubjectSpanTest, HoldsTheTokensThatOverlapTheSubject) {
  const SpanCase& c = GetParam();
  const Prompt prompt = MakePrompt(DemoTokenizer(), c.pattern, c.subject);
  EXPECT_EQ(prompt.subject_span.begin, c.begin);
  EXPECT_EQ(SubjectTokens(prompt), c.tokens);
  EXPECT_EQ(prompt.subject, c.subject);
  EXPECT_EQ(prompt.ids.size(), prompt.tokens.size());
  EXPECT_EQ(prompt.ids, MakePrompt(DemoTokenizer(), prompt.text).ids)
      << "the subject changes no token";
}

const std::string kPart = "\ufffd";  // a byte of a character that takes several tokens
const SpanCase kSpans[] = {
    {"AtTheStart", "{} is in", "Eiffel Tower", 0, {"E", "iff", "el", " Tower"}},
    {"InTheMiddle",
     "The landmark called {} can be found in",
     "Eiffel Tower",
     3,
     {" E", "iff", "el", " Tower"}},
    {"AtTheEnd", "The famous {}", "Eiffel Tower", 2, {" E", "iff", "el", " Tower"}},
    {"AllOfThePrompt", "{}", "a", 0, {"a"}},
    {"AfterABracket", "({}) is", "Seattle", 1, {"S", "e", "attle"}},
    {"InQuotes", "\"{}\" is", "Seattle", 1, {"S", "e", "attle"}},
    {"BeforeAnApostrophe", "The {}'s city", "Seattle", 1, {" Se", "attle"}},
    {"AfterTwoSpaces", "The  {} is", "Seattle", 2, {" Se", "attle"}},
    {"WithItsOwnSpace", "The {} is", " Paris", 2, {" Paris"}},
    {"InsideAWord", "x{}y", "Paris", 1, {"P", "ar", "is"}},
    {"EndingInsideAToken", "{}tle is", "Seat", 0, {"S", "e", "attle"}},
    {"OfTwoByteCharacters",
     "{} lies",
     "Sacré-Cœur",
     0,
     {"S", "ac", "ré", "-", "C", kPart, kPart, "ur"}},
    {"OfAFourByteCharacter", "{} 🗼 is", "🗼", 0, {kPart, kPart, kPart, kPart}},
    {"AfterMultiByteCharacters", "Über {} ist", "Paris", 3, {" Paris"}},
    {"TwiceInThePrompt", "Paris and {} are", "Paris", 4, {" Paris"}}};

INSTANTIATE_TEST_SUITE_P(Prompts, SubjectSpanTest, testing::ValuesIn(kSpans),
                         [](const auto& info) { return info.param.name; });

TEST(PromptTest, WithoutASubjectHasItsTokensAndAnEmptySpan) {
  const Prompt prompt = MakePrompt(DemoTokenizer(), "The {} is");
  EXPECT_EQ(prompt.text, "The {} is");
  EXPECT_THAT(prompt.tokens, testing::Contains(" is"));
  EXPECT_THAT(prompt.subject, IsEmpty());
  EXPECT_EQ(prompt.subject_span, Span());
}

// A token that the tokenizer's template adds before the prompt is not part of the subject.
TEST(PromptTest, TokenOfTheTemplateIsNoSubject) {
  const TempFolder folder;
  Json json = ReadJson(RepositoryFolder() / "models/demo-mamba/tokenizer.json");
  json["post_processor"] = Json::parse(
      R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|endoftext|>","type_id":0}},
      {"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<|endoftext|>":{"id":"<|endoftext|>","ids":[0],"tokens":["<|endoftext|>"]}}})");
  WriteFile(folder / "tokenizer.json", json.dump());
  const Prompt prompt = MakePrompt(Tokenizer::Load(folder.path()), "{} is", "Seattle");
  EXPECT_THAT(prompt.tokens, ElementsAre("<|endoftext|>", "S", "e", "attle", " is"));
  EXPECT_EQ(prompt.subject_span, (Span{1, 4}));
}

// SentencePiece's tokens begin with the space before the word; a byte token belongs to the whole
// character.
TEST(PromptTest, SubjectOfSentencePieceTokens) {
  const Tokenizer tokenizer =
      Tokenizer::Load(RepositoryFolder() / "tests/golden/tokenizer-sentencepiece.json");
  const auto subject_tokens = [&](const std::string& pattern, const std::string& subject) {
    const Prompt prompt = MakePrompt(tokenizer, pattern, subject);
    return std::vector(prompt.tokens.begin() + prompt.subject_span.begin,
                       prompt.tokens.begin() + prompt.subject_span.end);
  };
  EXPECT_THAT(MakePrompt(tokenizer, "The {} is", "city").tokens,
              ElementsAre("<s>", " The", " city", " is"));
  EXPECT_THAT(subject_tokens("The {} is", "city"), ElementsAre(" city"));
  EXPECT_THAT(subject_tokens("{} is", "The city"), ElementsAre(" The", " city"));
  EXPECT_THAT(subject_tokens("The city of {} is", "\U0001F600"),
              ElementsAre("\uFFFD", "\uFFFD", "\uFFFD", "\uFFFD"));
}

TEST(PromptTest, SubjectIsLookedForAsAWord) {
  EXPECT_EQ(PromptPattern("Art is taught at the Arts club", "Art"),
            "{} is taught at the Arts club");
  EXPECT_EQ(PromptPattern("Art, Art and Artists", "Art"), "Art, {} and Artists") << "the last word";
  EXPECT_EQ(PromptPattern("Artists paint", "Art"), "{}ists paint") << "there is no such word";
  EXPECT_EQ(PromptPattern("Émile's", "mile"), "É{}'s");
  const std::vector<SubjectPlace> places = FindSubject("(Art) 2Art Art", "Art");
  ASSERT_EQ(places.size(), 3u);
  EXPECT_TRUE(places[0].is_word && places[2].is_word);
  EXPECT_FALSE(places[1].is_word);
  EXPECT_EQ(places[2].begin, 11u);
  EXPECT_TRUE(FindSubject("Art", "").empty());
}

TEST(PromptTest, PatternWithoutExactlyOneHoleIsRefused) {
  for (const char* pattern : {"Paris is in", "", "{", "{} and {}", "{}{}"}) {
    EXPECT_THAT(ErrorOf([&] { MakePrompt(DemoTokenizer(), pattern, "Paris"); }),
                AllOf(HasSubstr(std::string("'") + pattern + "'"), HasSubstr("exactly one {}")))
        << pattern;
  }
  EXPECT_EQ(MakePrompt(DemoTokenizer(), "The {} is", "{}").text, "The {} is")
      << "the subject may hold one";
}

TEST(PromptTest, EmptyPromptOrSubjectIsRefused) {
  EXPECT_THAT(ErrorOf([] { MakePrompt(DemoTokenizer(), ""); }), HasSubstr("the prompt is empty"));
  EXPECT_THAT(ErrorOf([] { MakePrompt(DemoTokenizer(), "{} is", ""); }),
              HasSubstr("the subject is empty"));
}

TEST(PromptTest, TextThatIsNoUtf8IsRefused) {
  EXPECT_THAT(ErrorOf([] { MakePrompt(DemoTokenizer(), "{} is", "Par\xff"); }),
              HasSubstr("not UTF-8: byte 0xFF at position 3"));
  EXPECT_THAT(ErrorOf([] { MakePrompt(DemoTokenizer(), "\xc3{} is", "\xa9"); }),
              HasSubstr("no token of the prompt"))
      << "half a character is no subject";
}

TEST(PatternOfTest, ReplacesTheLastOccurrence) {
  EXPECT_EQ(PromptPattern("Paris is in", "Paris"), "{} is in");
  EXPECT_EQ(PromptPattern("In Paris", "Paris"), "In {}");
  EXPECT_EQ(PromptPattern("Paris, capital of Paris, is", "Paris"), "Paris, capital of {}, is");
  EXPECT_EQ(PromptPattern("Paris", "Paris"), "{}");
  EXPECT_EQ(PromptPattern("Sacré-Cœur lies in", "Cœur"), "Sacré-{} lies in");
}

TEST(PatternOfTest, SubjectThatDoesNotOccurIsRefused) {
  EXPECT_THAT(ErrorOf([] { PromptPattern("Paris is in", "London"); }),
              AllOf(HasSubstr("'London'"), HasSubstr("'Paris is in'")));
  EXPECT_THAT(ErrorOf([] { PromptPattern("Paris is in", ""); }),
              HasSubstr("the subject '' is not in the prompt"));
}

}  // namespace
}  // namespace mambascope
