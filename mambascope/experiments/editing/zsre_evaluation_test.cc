// Compares zsRE's token accuracies with one whole run per partial answer, as the public
// implementation makes them.
#include "mambascope/experiments/editing/zsre_evaluation.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/generate.h"

namespace mambascope {
namespace {

using testing::HasSubstr;

class ZsreEvaluationTest : public testing::TestWithParam<std::string> {
 protected:
  // Returns whether each token of the answer is the most probable one after the text before it.
  std::vector<bool> Looped(const std::string& prompt, const std::string& answer) const {
    std::vector<bool> correct;
    std::vector<int64_t> ids = EncodePrompt(tokenizer_, prompt, "");
    for (int64_t id : EncodeTarget(tokenizer_, answer, "")) {
      correct.push_back(mambascope::Run(model_, {ids}).LastLogits().argmax().item<int64_t>() == id);
      ids.push_back(id);
    }
    return correct;
  }
  // Returns the three tokens that the model itself continues with.
  std::string Answer(const std::string& prompt) const {
    return tokenizer_.Decode(
        Generate(model_, {EncodePrompt(tokenizer_, prompt, "")}, {.tokens = 3}).front());
  }
  c10::NoGradGuard no_grad_;
  Model model_ = Model::Load(RepositoryFolder() / "models" / GetParam());
  Tokenizer tokenizer_ = Tokenizer::Load(RepositoryFolder() / "models" / GetParam());
  std::vector<ZsreRecord> records_ = {{"The capital of {} is called",
                                       "France",
                                       "France has its capital in",
                                       {"Paris", "x"},
                                       "Rome",
                                       "People in Japan speak",
                                       "Japanese"},
                                      {"In which country is {}?",
                                       "Lyon",
                                       "Lyon is a city in the country called",
                                       {"France"},
                                       "Italy",
                                       "nq question: who painted the Mona Lisa",
                                       "Leonardo da Vinci"}};
};

INSTANTIATE_TEST_SUITE_P(Models, ZsreEvaluationTest,
                         testing::Values("demo-mamba", "demo-mamba2", "demo-neox"), TestName);

TEST_P(ZsreEvaluationTest, EqualsOneWholeRunPerPartialAnswer) {
  records_[0].answers = {Answer("The capital of France is called")};
  const std::vector<ZsreScores> scores = EvaluateZsre(model_, tokenizer_, records_);
  ASSERT_EQ(scores.size(), 2u);
  EXPECT_TRUE(scores[0].rewrite.AllCorrect());
  EXPECT_EQ(scores[0].paraphrase.correct,
            Looped("France has its capital in", records_[0].answers[0]));
  EXPECT_EQ(scores[0].neighborhood.correct, Looped("People in Japan speak?", "Japanese"));
  EXPECT_EQ(scores[1].rewrite.correct, Looped("In which country is Lyon?", "France"));
  EXPECT_EQ(scores[1].paraphrase.correct, Looped("Lyon is a city in the country called", "France"));
  EXPECT_EQ(scores[1].neighborhood.correct,
            Looped("nq question: who painted the Mona Lisa?", "Leonardo da Vinci"));
}

TEST_P(ZsreEvaluationTest, AltIsTheOtherTarget) {
  records_[0].alt = Answer("The capital of France is called");
  records_[0].answers = {"Moscow"};
  const ZsreEvaluationOptions alt{.target = ZsreEvaluationOptions::Target::kAlt, .forward = {}};
  EXPECT_TRUE(EvaluateZsre(model_, tokenizer_, records_, alt)[0].rewrite.AllCorrect());
  EXPECT_FALSE(EvaluateZsre(model_, tokenizer_, records_)[0].rewrite.AllCorrect());
  records_[1].alt = "";
  EXPECT_EQ(ErrorOf([&] { EvaluateZsre(model_, tokenizer_, records_, alt); }),
            "the alt of record 1 '' has no tokens");
  EXPECT_NO_THROW(EvaluateZsre(model_, tokenizer_, records_));
}

}  // namespace
}  // namespace mambascope
