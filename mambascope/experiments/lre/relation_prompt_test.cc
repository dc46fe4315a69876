#include "mambascope/experiments/lre/relation_prompt.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using Subject = RelationPromptOptions::Subject;

class RelationPromptTest : public testing::Test {
 protected:
  std::string Text(const PromptToken& prompt) const { return tokenizer_.Decode(prompt.ids); }
  // Returns the prompt up to its token.
  std::string ToToken(const PromptToken& prompt) const {
    return tokenizer_.Decode(std::span(prompt.ids).first(static_cast<size_t>(prompt.token) + 1));
  }

  const Tokenizer tokenizer_ = Tokenizer::Load(RepositoryFolder() / "models/demo-mamba");
  const std::vector<Sample> samples_ = {{"cat", "mammal"}, {"Malmö", "city"}, {"robin", "bird"}};
};

TEST_F(RelationPromptTest, ShowsTheExamplesALineEach) {
  const PromptToken prompt =
      MakeRelationPrompt(tokenizer_, "The {} is a category of", samples_, "eagle");
  EXPECT_EQ(Text(prompt),
            "<|endoftext|>The cat is a category of mammal\nThe Malmö is a category of city\nThe "
            "robin is a category of bird\n"
            "The eagle is a category of");
  EXPECT_TRUE(ToToken(prompt).ends_with("\nThe eagle"));
  EXPECT_EQ(prompt.ids[0], tokenizer_.Encode("<|endoftext|>")[0].id);
}

TEST_F(RelationPromptTest, BeginsWithWhatItIsTold) {
  EXPECT_TRUE(Text(MakeRelationPrompt(tokenizer_, "{} is a", samples_, "eagle", {.prefix = ""}))
                  .starts_with("cat is a mammal\n"));
  EXPECT_TRUE(
      Text(MakeRelationPrompt(tokenizer_, "{} is a", samples_, "eagle", {.prefix = "Facts: "}))
          .starts_with("Facts: cat is"));
  EXPECT_EQ(Text(MakeRelationPrompt(tokenizer_, "{} is a", {}, "eagle")),
            "<|endoftext|>\neagle is a")
      << "as the public implementation";
}

// The subject is also an example's subject, and its letters also occur in the question.
TEST_F(RelationPromptTest, FindsTheOccurrenceThatIsMeant) {
  const auto upto = [&](Subject subject) {
    return ToToken(MakeRelationPrompt(tokenizer_, "The {} is a category of", samples_, "cat",
                                      {.subject = subject}));
  };
  EXPECT_TRUE(upto(Subject::kAsked).ends_with("bird\nThe cat")) << upto(Subject::kAsked);
  EXPECT_EQ(upto(Subject::kFirst), "<|endoftext|>The cat");
  EXPECT_TRUE(upto(Subject::kLast).find("bird\nThe cat is a c") != std::string::npos)
      << upto(Subject::kLast);
}

// "ö" is two bytes. It takes two tokens if the vocabulary has no token for it.
TEST_F(RelationPromptTest, EndsTheSubjectAtTheFirstTokenThatReachesItsEnd) {
  const PromptToken prompt =
      MakeRelationPrompt(tokenizer_, "{} lies in", {}, "Malmö", {.prefix = ""});
  const std::vector<Token> tokens = tokenizer_.Encode("\nMalmö lies in");
  const auto reaches = [](const Token& token) { return token.chars.end >= 6; };
  EXPECT_EQ(prompt.token, std::find_if(tokens.begin(), tokens.end(), reaches) - tokens.begin());
}

TEST_F(RelationPromptTest, LeavesEachSampleOutOfItsOwnExamples) {
  const std::vector<PromptToken> prompts =
      MakeLeaveOneOutPrompts(tokenizer_, "{} is a", samples_, {.prefix = ""});
  ASSERT_EQ(prompts.size(), 3u);
  EXPECT_EQ(Text(prompts[0]), "Malmö is a city\nrobin is a bird\ncat is a");
  EXPECT_EQ(Text(prompts[2]), "cat is a mammal\nMalmö is a city\nrobin is a");
  EXPECT_TRUE(ToToken(prompts[2]).ends_with("\nrobin"));
  const std::vector<Sample> twice = {{"cat", "mammal"}, {"robin", "bird"}, {"cat", "pet"}};
  EXPECT_EQ(Text(MakeLeaveOneOutPrompts(tokenizer_, "{} is a", twice, {.prefix = ""})[2]),
            "robin is a bird\ncat is a")
      << "by its subject";
}

TEST_F(RelationPromptTest, APatternWithoutAHoleIsAnError) {
  EXPECT_THAT(ErrorOf([&] { MakeRelationPrompt(tokenizer_, "no hole", samples_, "eagle"); }),
              testing::HasSubstr("exactly one {}"));
}

}  // namespace
}  // namespace mambascope
