// Tests how a model treats weights that contradict config.json, and weights of several types.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/changed_checkpoint_test_support.h"
#include "mambascope/model/family.h"
#include "mambascope/model/model.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A checkpoint with additional tensors.
class WithMore : public WeightSource {
 public:
  WithMore(const WeightSource& source, std::map<std::string, at::Tensor> more)
      : source_(source), more_(std::move(more)) {}
  bool Has(const std::string& name) const override {
    return more_.contains(name) || source_.Has(name);
  }
  at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape) const override {
    return more_.contains(name) ? more_.at(name) : source_.Get(name, shape);
  }
  std::vector<std::string> Names() const override {
    std::vector<std::string> names = source_.Names();
    for (const auto& [name, tensor] : more_) names.push_back(name);
    return names;
  }

 private:
  const WeightSource& source_;
  std::map<std::string, at::Tensor> more_;
};

at::Tensor LastLogits(const Model& model) {
  const c10::NoGradGuard no_grad;
  return model.Unembed(model.Forward(std::vector<int64_t>{5, 17, 33, 99}, Packing::Whole({4}))[-1]);
}

class TiedHeadTest : public testing::TestWithParam<std::string> {
 protected:
  Model With(const at::Tensor& head) const {
    return {ReadConfig(checkpoint_), WithMore(checkpoint_, {{"lm_head.weight", head}})};
  }

  const Checkpoint checkpoint_ = Checkpoint::Open(GoldenFolder() / GetParam());
  const Model plain_ = Model(ReadConfig(checkpoint_), checkpoint_);
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, TiedHeadTest,
                         testing::Values("mamba", "mamba2", "gpt2", "qwen2"), TestName);

TEST_P(TiedHeadTest, AHeadOfItsOwnIsUsedAndNamed) {
  const Config& config = ReadConfig(checkpoint_);
  ASSERT_TRUE(config.tied_embeddings);
  EXPECT_THAT(plain_.warnings(), IsEmpty());
  at::manual_seed(1);
  const at::Tensor head = at::randn({config.vocab, config.d_model});
  const Model own = With(head);
  EXPECT_THAT(own.warnings(), ElementsAre(AllOf(HasSubstr("lm_head.weight"), HasSubstr("tied"))));
  EXPECT_FALSE(own.config().tied_embeddings);
  EXPECT_EQ(own.parameters(), plain_.parameters() + head.numel());
  const c10::NoGradGuard no_grad;
  const at::Tensor h = plain_.Forward(std::vector<int64_t>{5, 17, 33, 99}, Packing::Whole({4}))[-1];
  EXPECT_LT(MaxDifference(LastLogits(own), plain_.FinalNorm(h).matmul(head.t())), 1e-4);
  EXPECT_GT(MaxDifference(LastLogits(own), LastLogits(plain_)), 0.1);
}

TEST_P(TiedHeadTest, AnEqualCopyIsSilent) {
  const std::string family = GetParam();
  const std::string embedding = family == "gpt2"    ? "transformer.wte"
                                : family == "qwen2" ? "model.embed_tokens"
                                                    : "backbone.embeddings";
  const Config& config = ReadConfig(checkpoint_);
  const Model copy =
      With(checkpoint_.Get(embedding + ".weight", {config.vocab, config.d_model}).clone());
  EXPECT_THAT(copy.warnings(), IsEmpty());
  EXPECT_TRUE(copy.config().tied_embeddings);
  EXPECT_EQ(copy.parameters(), plain_.parameters());
  EXPECT_TRUE(at::equal(LastLogits(copy), LastLogits(plain_)));
}

// safetensors' save_model keeps one of two tied weights.
TEST_P(TiedHeadTest, MayBeAllThatIsStored) {
  ChangedCheckpoint checkpoint(GetParam());
  checkpoint.Rename([](const std::string& name) {
    const bool is_embedding = name.ends_with("wte.weight") ||
                              name.ends_with("embed_tokens.weight") ||
                              name.ends_with("embeddings.weight");
    return is_embedding ? "lm_head.weight" : name;
  });
  const Model head_only = checkpoint.Load();
  EXPECT_THAT(head_only.warnings(), IsEmpty());
  EXPECT_EQ(head_only.parameters(), plain_.parameters());
  EXPECT_TRUE(at::equal(LastLogits(head_only), LastLogits(plain_)));
  checkpoint.config["tie_word_embeddings"] = false;
  EXPECT_THAT(checkpoint.ErrorOfLoading(), HasSubstr("' is missing"));
}

TEST(TypesTest, MayDifferInOneFile) {
  for (const char* name : {"llama", "mamba2"}) {
    ChangedCheckpoint checkpoint(name);
    const at::Tensor want = SomeLogits(checkpoint.Load());
    int i = 0;
    for (auto& [weight, tensor] : checkpoint.tensors)
      tensor = tensor.to(std::array{at::kFloat, at::kHalf, at::kBFloat16}[i++ % 3]);
    const double error = MaxDifference(SomeLogits(checkpoint.Load()), want);
    EXPECT_GT(error, 0) << name << ": rounding to 16 bits changes the logits";
    EXPECT_LT(error, 0.02 * want.abs().max().item<double>()) << name;
  }
}

// Mamba-2 with four groups gives the values of its authors' code.
TEST(GatedNormTest, HasAnRmsPerGroupUnlessAskedForTransformers) {
  const c10::NoGradGuard no_grad;
  const std::vector<int64_t> ids = {5, 17, 33, 99, 120, 7, 250, 64, 31, 2};
  const at::Tensor want =
      OpenSafetensors(GoldenFolder() / "grouped-norm/expected.safetensors")->Read("logits");
  const auto difference = [&](ModelOptions::Reading reading) {
    const Model model = Model::Load(GoldenFolder() / "grouped-norm", {.reading = reading});
    return MaxDifference(model.Unembed(model.Forward(ids, Packing::Whole({10}))), want) /
           want.abs().max().item<double>();
  };
  EXPECT_LT(difference(ModelOptions::Reading::kAuthors), 1e-5);
  EXPECT_GT(difference(ModelOptions::Reading::kTransformers), 0.1);
}

}  // namespace
}  // namespace mambascope
