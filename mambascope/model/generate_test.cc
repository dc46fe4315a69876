// Prompts that are continued side by side give the same tokens as each prompt alone, and as whole
// passes without carries.
#include "mambascope/model/generate.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using Texts = std::vector<std::vector<int64_t>>;

class GenerateTest : public testing::TestWithParam<std::string> {
 protected:
  std::vector<int64_t> Ids(int64_t n, uint64_t seed) const {
    at::manual_seed(seed);
    return ToVector(at::randint(0, model_.config().vocab, {n}));
  }
  Model model_ = Model::Load(GoldenFolder() / GetParam());
  const Texts prompts_ = {Ids(5, 1), Ids(1, 2), Ids(9, 3), Ids(5, 1),
                          Ids(3, 4)};  // the first prompt twice
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, GenerateTest, testing::ValuesIn(TinyCheckpoints()), TestName);

TEST_P(GenerateTest, GreedyTokensAreThoseOfWholePasses) {
  c10::NoGradGuard no_grad;
  const Texts texts = Generate(model_, prompts_, {.tokens = 12});
  ASSERT_EQ(texts.size(), prompts_.size());
  for (size_t i = 0; i < prompts_.size(); ++i) {
    std::vector<int64_t> all = prompts_[i];
    ASSERT_EQ(texts[i].size(), 12u);
    for (int64_t id : texts[i]) {
      const at::Tensor h = model_.Forward(all, Packing::Whole({static_cast<int64_t>(all.size())}));
      ASSERT_EQ(id, model_.Unembed(h)[-1].argmax().item<int64_t>())
          << "prompt " << i << ", token " << all.size() - prompts_[i].size();
      all.push_back(id);
    }
  }
  EXPECT_NE(texts[0], texts[2]);
}

TEST_P(GenerateTest, OtherPromptsDoNotChangeTheDraws) {
  const GenerateOptions options{.tokens = 12, .top_k = 20, .seed = 7};
  const Texts texts = Generate(model_, prompts_, options);
  EXPECT_EQ(Generate(model_, prompts_, options), texts) << "the same seed";
  EXPECT_EQ(Generate(model_, {prompts_[0]}, options)[0], texts[0]);
  const Texts others = {Ids(2, 8), prompts_[1], prompts_[2], prompts_[3], Ids(4, 9), Ids(7, 10)};
  const Texts again = Generate(model_, others, options);
  for (size_t i : {1, 2, 3}) EXPECT_EQ(again[i], texts[i]) << i;
  // Gemma 3's random weights are certain of each token.
  const bool varies = GetParam() != "gemma3";
  EXPECT_EQ(texts[0] != texts[3], varies) << "one prompt twice draws twice";
  EXPECT_EQ(Generate(model_, prompts_, {.tokens = 12, .top_k = 20, .seed = 8})[0] != texts[0],
            varies)
      << "another seed";
  EXPECT_EQ(Generate(model_, prompts_, {.tokens = 12, .top_k = 1, .seed = 8}),
            Generate(model_, prompts_, {.tokens = 12}));
}

TEST_P(GenerateTest, StopEndsAPromptAlone) {
  const Texts texts = Generate(model_, prompts_, {.tokens = 12, .top_k = 20, .seed = 7});
  const int64_t stop = texts[2][3];
  const Texts stopped =
      Generate(model_, prompts_, {.tokens = 12, .top_k = 20, .seed = 7, .stop = stop});
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto end = std::find(texts[i].begin(), texts[i].end(), stop);
    EXPECT_EQ(stopped[i],
              std::vector<int64_t>(texts[i].begin(), end == texts[i].end() ? end : end + 1))
        << i;
  }
  EXPECT_LE(stopped[2].size(), 4u);
}

TEST_P(GenerateTest, MorePromptsThanGoUpTogether) {
  Texts many;
  for (uint64_t i = 0; i < 70; ++i) many.push_back(Ids(1 + static_cast<int64_t>(i % 4), 100 + i));
  const Texts texts = Generate(model_, many, {.tokens = 3});
  for (size_t i : {0, 63, 64, 69})
    EXPECT_EQ(texts[i], Generate(model_, {many[i]}, {.tokens = 3})[0]) << i;
  EXPECT_GT((std::set<std::vector<int64_t>>(texts.begin(), texts.end()).size()), 5u);
}

TEST_P(GenerateTest, BadPromptsAreRefused) {
  EXPECT_THAT(ErrorOf([&] {
                Generate(model_, {{1}, {}}, {});
              }),
              testing::HasSubstr("prompt 1 is empty"));
  EXPECT_THAT(ErrorOf([&] { Generate(model_, {{model_.config().vocab}}, {}); }),
              testing::HasSubstr("outside the model's vocabulary"));
  EXPECT_EQ(Generate(model_, {}, {}).size(), 0u);
  EXPECT_EQ(Generate(model_, {{1}}, {.tokens = 0}), Texts{{}});
}

}  // namespace
}  // namespace mambascope
