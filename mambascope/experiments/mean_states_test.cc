#include "mambascope/experiments/mean_states.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

using testing::HasSubstr;

class MeanStatesTest : public testing::Test {
 protected:
  // The mean over a document's tokens of its own run.
  at::Tensor MeanOf(const std::string& text, int layer, int64_t most = 1000) const {
    std::vector<int64_t> ids = IdsOf(tokenizer_.EncodeContinuation(text));
    ids.resize(std::min(ids.size(), static_cast<size_t>(most)));
    const Place place{Site::kConvIn, layer};
    return mambascope::Run(model_, {ids}, {.variants = {}, .keep = {place}}).State(place, 0).mean(0);
  }
  std::vector<at::Tensor> Means(const MeanStateOptions& options = {}) const {
    return MeanStates(model_, tokenizer_, {folder_ / "text.txt"}, Site::kConvIn, options);
  }

  const c10::NoGradGuard no_grad_;
  const TempFolder folder_;
  const Model model_ = Model::Load(RepositoryFolder() / "models/demo-mamba");
  const Tokenizer tokenizer_ = Tokenizer::Load(RepositoryFolder() / "models/demo-mamba");
  const std::string short_ = "The Nile", long_ = "The landmark called Eiffel Tower can be found in Paris", third_ = "Rivers flow.";
};

TEST_F(MeanStatesTest, AreMeansOverDocumentsOfMeansOverTokens) {
  WriteFile(folder_ / "text.txt", short_ + "\n" + long_ + "\n");
  const std::vector<at::Tensor> means = Means();
  ASSERT_EQ(means.size(), 16u);
  for (int layer : {0, 7, 15}) {
    const at::Tensor a = MeanOf(short_, layer), b = MeanOf(long_, layer);
    EXPECT_TRUE(at::allclose(means[static_cast<size_t>(layer)], (a + b) / 2, 1e-4, 1e-5)) << layer;
    EXPECT_FALSE(at::allclose(a, b, 1e-2, 1e-2)) << "the documents must differ";
  }
}

TEST_F(MeanStatesTest, TakeTheFirstDocumentsAndTheirFirstTokens) {
  WriteFile(folder_ / "text.txt", long_ + "\n" + short_ + "\n" + third_ + "\n");
  const at::Tensor mean = Means({.documents = 1, .max_tokens = 3})[5];
  EXPECT_TRUE(at::allclose(mean, MeanOf(long_, 5, 3), 1e-4, 1e-5));
  EXPECT_FALSE(at::allclose(mean, MeanOf(long_, 5), 1e-2, 1e-2)) << "the other tokens must matter";
}

TEST_F(MeanStatesTest, TextWithoutADocumentIsRefused) {
  WriteFile(folder_ / "text.txt", "\n\n");
  EXPECT_THAT(ErrorOf([&] { Means(); }), HasSubstr("no document"));
}

TEST_F(MeanStatesTest, SiteThatTheModelLacksIsRefused) {
  WriteFile(folder_ / "text.txt", short_ + "\n");
  const Model neox = Model::Load(RepositoryFolder() / "models/demo-neox");
  EXPECT_THAT(ErrorOf([&] { MeanStates(neox, tokenizer_, {folder_ / "text.txt"}, Site::kConvIn); }), HasSubstr("conv_in"));
}

}  // namespace
}  // namespace mambascope
