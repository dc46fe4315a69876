#include "mambascope/data/words.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace mambascope {
namespace {

struct WordsCase {
  const char* name;
  const char* text;
  const char* words;  // joined by |
};

void PrintTo(const WordsCase& c, std::ostream* out) { *out << c.text; }

class TreebankWordsTest : public testing::TestWithParam<WordsCase> {};

TEST_P(TreebankWordsTest, SplitsAsDescribed) {
  EXPECT_EQ(fmt::format("{}", fmt::join(TreebankWords(GetParam().text), "|")), GetParam().words);
}

const WordsCase kCases[] = {
    {"Sentence", "The river ends in the sea.", "The|river|ends|in|the|sea|."},
    {"TwoSentences", "It rained. The train left! Why? Who knows",
     "It|rained|.|The|train|left|!|Why|?|Who|knows"},
    {"PeriodBeforeLowerCase", "Dr. who lived at 5 Main St. in town",
     "Dr.|who|lived|at|5|Main|St.|in|town"},
    {"Initials", "J. R. R. Tolkien wrote it. He did.", "J.|R.|R.|Tolkien|wrote|it|.|He|did|."},
    {"PeriodInside", "U.S. law, v1.5 and example.com", "U.S.|law|,|v1.5|and|example.com"},
    {"PeriodBeforeClosers", "(He left.) \"She too.\"", "(|He|left|.|)|``|She|too|.|''"},
    {"Commas", "One, two:three, 1,000 and 10:30, a,b",
     "One|,|two|:|three|,|1,000|and|10:30|,|a|,|b"},
    {"Marks", "a;b @c #d $5 6% x&y [z] {w} <v>", "a|;|b|@|c|#|d|$|5|6|%|x|&|y|[|z|]|{|w|}|<|v|>"},
    {"Dots", "Well... yes -- no--maybe", "Well|...|yes|--|no|--|maybe"},
    {"Quotes", "\"Yes\", he said (\"no\").", "``|Yes|''|,|he|said|(|``|no|''|)|."},
    {"Endings", "It's John's; they're, I'd, we'll, I'VE, can't, don't I'm",
     "It|'s|John|'s|;|they|'re|,|I|'d|,|we|'ll|,|I|'VE|,|ca|n't|,|do|n't|I|'m"},
    {"Possessive", "the dogs' house", "the|dogs|'|house"},
    {"TwoWords", "I cannot, Gonna lemme 'Tis more'n d'ye",
     "I|can|not|,|Gon|na|lem|me|'T|is|more|'n|d'|ye"},
    {"TypographicQuotes", "“Émile” it’s «là»", "“|Émile|”|it|’|s|«|là|»"},
    {"OfManyBytes", "Ünïcödé 東京。 naïve\u00a0café", "Ünïcödé|東京。|naïve|café"},
    {"WhiteSpace", " \n\t a \u3000 b \n", "a|b"},
    {"Nothing", "", ""},
};

INSTANTIATE_TEST_SUITE_P(Texts, TreebankWordsTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace mambascope
