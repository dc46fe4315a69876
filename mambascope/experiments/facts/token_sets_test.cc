#include "mambascope/experiments/facts/token_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Prompt OfTokens(size_t tokens, Span subject) {
  return {.text = "made up",
          .ids = {},
          .tokens = std::vector<std::string>(tokens),
          .subject = "x",
          .subject_span = subject};
}

TEST(TokenSetsTest, NamesOfASubjectInTheMiddle) {
  const Prompt prompt = OfTokens(7, {2, 5});
  EXPECT_THAT(ResolveTokens("first", prompt), ElementsAre(0));
  EXPECT_THAT(ResolveTokens("last", prompt), ElementsAre(6));
  EXPECT_THAT(ResolveTokens("all", prompt), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(ResolveTokens("subject", prompt), ElementsAre(2, 3, 4));
  EXPECT_THAT(ResolveTokens("subject_first", prompt), ElementsAre(2));
  EXPECT_THAT(ResolveTokens("subject_last", prompt), ElementsAre(4));
  EXPECT_THAT(ResolveTokens("context", prompt), ElementsAre(0, 1));
  EXPECT_THAT(ResolveTokens("relation", prompt), ElementsAre(0, 1, 5, 6))
      << "with the last token, as published";
  EXPECT_THAT(ResolveTokens("relation_minus_last", prompt), ElementsAre(0, 1, 5));
  EXPECT_THAT(ResolveTokens("non_subject", prompt), ElementsAre(0, 1, 5));
}

TEST(TokenSetsTest, SubjectAtTheStartHasNoContext) {
  const Prompt prompt = OfTokens(5, {0, 2});
  EXPECT_THAT(ResolveTokens("context", prompt), IsEmpty());
  EXPECT_THAT(ResolveTokens("first", prompt), ElementsAre(0));
  EXPECT_THAT(ResolveTokens("relation", prompt), ElementsAre(2, 3, 4));
  EXPECT_THAT(ResolveTokens("relation_minus_last", prompt), ElementsAre(2, 3));
}

TEST(TokenSetsTest, SubjectAtTheEndTakesTheLastToken) {
  const Prompt prompt = OfTokens(4, {2, 4});
  EXPECT_THAT(ResolveTokens("relation", prompt), ElementsAre(0, 1));
  EXPECT_THAT(ResolveTokens("relation_minus_last", prompt), ElementsAre(0, 1));
  EXPECT_THAT(ResolveTokens("subject_last", prompt), ElementsAre(3));
}

TEST(TokenSetsTest, SubjectOfOneTokenIsItsFirstAndItsLast) {
  const Prompt prompt = OfTokens(4, {1, 2});
  for (const char* set : {"subject", "subject_first", "subject_last"})
    EXPECT_THAT(ResolveTokens(set, prompt), ElementsAre(1)) << set;
}

TEST(TokenSetsTest, PromptThatIsItsSubjectHasNothingElse) {
  const Prompt prompt = OfTokens(3, {0, 3});
  for (const char* set : {"context", "relation", "relation_minus_last", "non_subject"})
    EXPECT_THAT(ResolveTokens(set, prompt), IsEmpty()) << set;
  EXPECT_THAT(ResolveTokens("last", prompt), ElementsAre(2));
}

TEST(TokenSetsTest, PromptOfOneToken) {
  EXPECT_THAT(ResolveTokens("relation_minus_last", OfTokens(1, {0, 1})), IsEmpty());
  EXPECT_THAT(ResolveTokens("last", OfTokens(1, {0, 1})), ElementsAre(0));
}

TEST(TokenSetsTest, NumbersBesideEachOtherAreOneSet) {
  EXPECT_THAT(ParseTokenSets("subject,0,3-5,last,2"), ElementsAre("subject", "0,3-5", "last", "2"));
  EXPECT_THAT(ResolveTokens("4,0,3-4", OfTokens(6, {1, 2})), ElementsAre(0, 3, 4))
      << "ascending, each once";
}

TEST(TokenSetsTest, OtherNamesAreRefusedWithTheKnownOnes) {
  for (const char* text :
       {"subjekt", "", "subject,", ",last", "5-3", "-1", "1-", "1.5", "99999999999999999999"}) {
    EXPECT_THAT(ErrorOf([&] { ParseTokenSets(text); }), HasSubstr("subject_first")) << text;
  }
}

TEST(TokenSetsTest, TokensBeyondThePromptAreNoneAndFound) {
  EXPECT_THAT(ResolveTokens("2-5", OfTokens(5, {1, 2})), ElementsAre(2, 3, 4));
  EXPECT_THAT(ResolveTokens("5-9", OfTokens(5, {1, 2})), IsEmpty());
  EXPECT_THAT(ErrorOf([] {
                CheckTokens("2-5", OfTokens(5, {1, 2}));
              }),
              testing::AllOf(HasSubstr("token 5"), HasSubstr("0 to 4")));
}

}  // namespace
}  // namespace mambascope
