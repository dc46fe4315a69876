// Tests entropies and reference scores worked out by hand, and missing values where a record or the
// references lack something.
#include "mambascope/experiments/editing/text_measures.h"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::SizeIs;
using testing::StartsWith;

TEST(NgramEntropyTest, IsWorkedOutByHand) {
  // Bigrams: ab 2, ba 1. Trigrams: aba 1, bab 1.
  const double h2 = -(2.0 / 3 * std::log2(2.0 / 3) + 1.0 / 3 * std::log2(1.0 / 3)), h3 = 1;
  const double abab = (2.0 / 3 * h2 + 4.0 / 3 * h3) / 2;
  EXPECT_NEAR(*NgramEntropy({"a b a b"}), abab, 1e-12);
  // There are four different bigrams and three trigrams.
  const double differ = (2.0 / 3 * 2 + 4.0 / 3 * std::log2(3.0)) / 2;
  EXPECT_NEAR(*NgramEntropy({"one two, three four"}), differ, 1e-12) << "the comma is a word";
  EXPECT_NEAR(*NgramEntropy({"a b a b", "one two, three four"}), (abab + differ) / 2, 1e-12)
      << "the mean over texts";
}

TEST(NgramEntropyTest, RepetitionHasNone) {
  EXPECT_EQ(*NgramEntropy({"no no no no no no"}), 0);
  EXPECT_EQ(*NgramEntropy({""}), 0);
  EXPECT_EQ(*NgramEntropy({"word"}), 0);
  EXPECT_EQ(*NgramEntropy({"two words"}), 0);
  EXPECT_FALSE(NgramEntropy({}));
}

TEST(NgramEntropyTest, WordsOfManyBytes) {
  EXPECT_NEAR(*NgramEntropy({"東京 は é は é"}), *NgramEntropy({"x a b a b"}), 1e-12);
  EXPECT_GT(*NgramEntropy({"東京 は é は é"}), *NgramEntropy({"é é é é é"}));
}

class MeasureTextsTest : public testing::Test {
 protected:
  c10::NoGradGuard no_grad_;
  Model model_ = Model::Load(RepositoryFolder() / "models/demo-mamba");
  Tokenizer tokenizer_ = Tokenizer::Load(RepositoryFolder() / "models/demo-mamba");
  CounterFactRecord record_ = [] {
    CounterFactRecord record;
    record.case_id = 4;
    record.relation = "flows";
    record.subject = "Duna";
    record.target_new_id = "Red Sea";
    record.generation_prompts = {"Duna is", "People say that Duna", "Duna is"};
    return record;
  }();
  const References references_{{{{"flows", "Red Sea"},
                                 {{"Nile", "The Nile ends in a sea."},
                                  {"Duna", "Duna flows into the Red Sea."},
                                  {"Duna", "It is a river."}}},
                                {{"flows", "Black Sea"}, {{"Dnipro", "Dnipro ends elsewhere."}}}}};
  const TextMeasuresOptions few_{.tokens = 12};
};

TEST_F(MeasureTextsTest, TextsBeginWithTheirPromptsAndAreMeasured) {
  const TextMeasures measures = MeasureTexts(model_, tokenizer_, record_, &references_, few_);
  ASSERT_THAT(measures.texts, SizeIs(3));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(measures.texts[i], StartsWith(record_.generation_prompts[i]));
    EXPECT_GT(measures.texts[i].size(), record_.generation_prompts[i].size() + 5);
  }
  EXPECT_EQ(measures.ngram_entropy, NgramEntropy(measures.texts));
  EXPECT_GT(*measures.ngram_entropy, 1);
  const std::string joined = measures.texts[0] + " " + measures.texts[1] + " " + measures.texts[2];
  EXPECT_EQ(measures.reference_score,
            references_.tf_idf().Cosine(
                joined, "The Nile ends in a sea. Duna flows into the Red Sea. It is a river."));
  EXPECT_GT(*measures.reference_score, 0.05);
  EXPECT_LT(*measures.reference_score, 0.99);
}

TEST_F(MeasureTextsTest, WhatIsNotThereIsNotMeasured) {
  const TextMeasures alone = MeasureTexts(model_, tokenizer_, record_, nullptr, few_);
  EXPECT_TRUE(alone.ngram_entropy);
  EXPECT_FALSE(alone.reference_score);
  record_.target_new_id = "Black Sea";
  EXPECT_TRUE(MeasureTexts(model_, tokenizer_, record_, &references_, few_).reference_score);
  record_.target_new_id = "Dead Sea";
  EXPECT_FALSE(MeasureTexts(model_, tokenizer_, record_, &references_, few_).reference_score);
  record_.generation_prompts.clear();
  const TextMeasures none = MeasureTexts(model_, tokenizer_, record_, &references_, few_);
  EXPECT_THAT(none.texts, SizeIs(0));
  EXPECT_FALSE(none.ngram_entropy);
}

TEST_F(MeasureTextsTest, DrawsAreTheSeedsAndTheRecords) {
  const auto texts = [&](uint64_t seed) {
    return MeasureTexts(model_, tokenizer_, record_, nullptr, {.tokens = 12, .seed = seed}).texts;
  };
  const std::vector<std::string> first = texts(1);
  EXPECT_EQ(texts(1), first);
  EXPECT_NE(texts(2), first);
  record_.case_id = 5;
  EXPECT_NE(texts(1), first);
}

}  // namespace
}  // namespace mambascope
