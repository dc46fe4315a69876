// Compares TF-IDF with values worked out by hand for three small texts.
#include "mambascope/data/tf_idf.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mambascope {
namespace {

// "sea" is in all three texts, "red" in two, "black" in one. "a" is not a word.
const TfIdf kFitted({"A red sea, a RED Sea", "the sea is red", "Black sea"});
const double kRed = std::log(4.0 / 3) + 1, kBlack = std::log(2.0) + 1;  // sea: ln(4 / 4) + 1

TEST(TfIdfTest, CountsTheTextsThatHaveAWord) {
  EXPECT_NEAR(kFitted.Idf("sea"), 1, 1e-12);
  EXPECT_NEAR(kFitted.Idf("red"), kRed, 1e-12);
  EXPECT_NEAR(kFitted.Idf("black"), kBlack, 1e-12);
  EXPECT_THROW(kFitted.Idf("a"), std::out_of_range) << "a word has two characters";
}

TEST(TfIdfTest, CosineIsWorkedOutByHand) {
  // The vectors are (2 sea, kRed red) and (1 sea, kBlack black), before scaling.
  EXPECT_NEAR(kFitted.Cosine("Sea, sea! red", "black sea"),
              2 / std::sqrt(4 + kRed * kRed) / std::sqrt(1 + kBlack * kBlack), 1e-12);
  EXPECT_NEAR(kFitted.Cosine("red sea", "sea red"), 1, 1e-12) << "the order does not count";
  EXPECT_NEAR(kFitted.Cosine("red red sea sea", "sea red"), 1, 1e-12) << "nor the length";
  EXPECT_EQ(kFitted.Cosine("red", "black"), 0);
}

TEST(TfIdfTest, UnknownWordsAreLeftOut) {
  EXPECT_NEAR(kFitted.Cosine("red sea and unknown words", "red sea"), 1, 1e-12);
  EXPECT_EQ(kFitted.Cosine("unknown words", "red sea"), 0);
  EXPECT_EQ(kFitted.Cosine("", ""), 0);
}

TEST(TfIdfTest, WordsAreUnicode) {
  const TfIdf fitted({"ÉMILE Zola", "Ñandú_7 東京", "x²"});
  EXPECT_NEAR(fitted.Cosine("Émile", "émile"), 1, 1e-12);
  EXPECT_NEAR(fitted.Idf("ñandú_7"), std::log(4.0 / 2) + 1, 1e-12);
  EXPECT_NEAR(fitted.Idf("東京"), std::log(4.0 / 2) + 1, 1e-12);
  EXPECT_NEAR(fitted.Idf("x²"), std::log(4.0 / 2) + 1, 1e-12);
}

}  // namespace
}  // namespace mambascope
