// Weights are found under the names that transformers' classes, and wrappers around them, give
// them.
#include "mambascope/model/family.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/model/changed_checkpoint_test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class PrefixTest : public testing::TestWithParam<std::string> {
 protected:
  // Replaces the family's prefix by another.
  void Move(const std::string& prefix) {
    const std::string own = plain_.config().family->names.prefix;
    checkpoint_.Rename([&](const std::string& name) {
      return name.starts_with(own) ? prefix + name.substr(own.size()) : name;
    });
  }
  void ExpectSameModel() const {
    const Model moved = checkpoint_.Load();
    EXPECT_TRUE(at::equal(SomeLogits(moved), SomeLogits(plain_)));
    EXPECT_THAT(moved.warnings(), IsEmpty());
    EXPECT_EQ(moved.parameters(), plain_.parameters());
  }

  const Model plain_ = Model::Load(GoldenFolder() / GetParam());
  ChangedCheckpoint checkpoint_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Checkpoints, PrefixTest,
                         testing::Values("mamba", "mamba2", "gpt_neox", "gpt2", "llama", "qwen2",
                                         "bamba", "nemotron_h"),
                         TestName);

TEST_P(PrefixTest, MayBeAnotherOne) {
  for (const char* prefix :
       {"", "model.", "backbone.", "transformer.", "base_model.", "base_model.model."}) {
    SCOPED_TRACE(prefix);
    checkpoint_.Read(GetParam());
    Move(prefix);
    ExpectSameModel();
  }
}

TEST_P(PrefixTest, MayFollowThatOfAWrapper) {
  for (const char* wrapper : {"_orig_mod.", "module.", "module._orig_mod."}) {
    SCOPED_TRACE(wrapper);
    checkpoint_.Read(GetParam());
    checkpoint_.Rename([&](const std::string& name) { return wrapper + name; });
    ExpectSameModel();
  }
}

TEST_P(PrefixTest, WithoutUnembeddingTheEmbeddingMustBeTied) {
  Move("");
  const std::string head = plain_.config().family->names.unembedding + ".weight";
  checkpoint_.tensors.erase(head);
  checkpoint_.config["tie_word_embeddings"] = true;
  const Model tied = checkpoint_.Load();
  EXPECT_TRUE(tied.config().tied_embeddings);
  EXPECT_THAT(tied.warnings(), IsEmpty());
  checkpoint_.config["tie_word_embeddings"] = false;
  EXPECT_THAT(
      checkpoint_.ErrorOfLoading(),
      AllOf(HasSubstr(checkpoint_.folder.path().string() + ": the checkpoint has no unembedding"),
            HasSubstr("tensor '" + head + "' is missing"), HasSubstr("tie_word_embeddings"),
            HasSubstr("AutoModelForCausalLM")));
}

// The names of the state-spaces repositories beside a config.json of transformers.
TEST(NamesTest, EmbeddingOfMambaMayHaveEitherName) {
  for (const char* family : {"mamba", "mamba2"}) {
    ChangedCheckpoint checkpoint(family);
    checkpoint.Rename([](const std::string& name) {
      return name == "backbone.embeddings.weight" ? "backbone.embedding.weight" : name;
    });
    EXPECT_TRUE(
        at::equal(SomeLogits(checkpoint.Load()), SomeLogits(Model::Load(GoldenFolder() / family))));
  }
}

TEST(NamesTest, WithoutAnEmbeddingTheFamilysOwnNameIsMissing) {
  ChangedCheckpoint checkpoint("llama");
  checkpoint.Rename([](const std::string& name) { return "x." + name; });
  EXPECT_THAT(checkpoint.ErrorOfLoading(),
              HasSubstr("tensor 'model.embed_tokens.weight' is missing"));
}

}  // namespace
}  // namespace mambascope
