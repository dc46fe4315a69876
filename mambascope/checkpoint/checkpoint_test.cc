// Tests of a whole checkpoint folder: the files it consists of and the checks on its tensors.
#include "mambascope/checkpoint/checkpoint.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    std::filesystem::copy(GoldenFolder() / "mamba/config.json", folder_ / "config.json");
  }

  std::string ErrorOfOpening() const {
    return ErrorOf([&] { Checkpoint::Open(folder_.path()); });
  }
  std::string ErrorOfGetting(const std::string& name, const std::vector<int64_t>& shape) const {
    return ErrorOf([&] { Checkpoint::Open(folder_.path()).Get(name, shape); });
  }
  void WriteIndex(const std::string& index) const {
    WriteFile(folder_ / "model.safetensors.index.json", index);
  }

  TempFolder folder_;
};

TEST_F(CheckpointTest, TensorsMustHaveTheShapeAndAFloatType) {
  WriteSafetensors(folder_ / "model.safetensors", {{"a", at::ones({2, 3})},
                                                   {"b", at::ones({2}, at::kBFloat16)},
                                                   {"ids", at::ones({2}, at::kLong)}});
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  EXPECT_EQ(checkpoint.config()["hidden_size"], 48);
  EXPECT_TRUE(checkpoint.Get("a", {2, 3}).equal(at::ones({2, 3})));
  EXPECT_EQ(checkpoint.Get("b", {2}).scalar_type(), at::kBFloat16);
  EXPECT_FALSE(checkpoint.Has("c"));
  const std::string folder = folder_.path().string();
  EXPECT_THAT(
      ErrorOfGetting("a", {3, 2}),
      AllOf(HasSubstr(folder + ": tensor 'a'"), HasSubstr("[2, 3]"), HasSubstr("requires [3, 2]")));
  EXPECT_THAT(ErrorOfGetting("c", {1}),
              AllOf(HasSubstr(folder + ": tensor 'c' is missing"),
                    HasSubstr("the model that config.json describes needs it")));
  EXPECT_THAT(ErrorOfGetting("ids", {2}),
              AllOf(HasSubstr("tensor 'ids' has type I64"),
                    HasSubstr("expected float32, float16 or bfloat16")));
}

TEST_F(CheckpointTest, ShardsAreReadThroughTheirIndex) {
  WriteSafetensors(folder_ / "one.safetensors", {{"a", at::ones({2})}});
  WriteSafetensors(folder_ / "two.safetensors", {{"b", at::zeros({3})}});
  WriteIndex(R"({"metadata":{},"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  EXPECT_TRUE(checkpoint.Get("a", {2}).equal(at::ones({2})));
  EXPECT_TRUE(checkpoint.Get("b", {3}).equal(at::zeros({3})));
}

TEST_F(CheckpointTest, BadIndexIsRefused) {
  WriteIndex("{}");
  EXPECT_THAT(ErrorOfOpening(), AllOf(HasSubstr("model.safetensors.index.json"),
                                      HasSubstr("lacks the object 'weight_map'")));
  for (const char* shard : {"\"../secret.safetensors\"", "\"/etc/passwd\"", "3"}) {
    WriteIndex(std::string(R"({"weight_map":{"a":)") + shard + "}}");
    EXPECT_THAT(ErrorOfOpening(),
                AllOf(HasSubstr("weight_map of 'a'"), HasSubstr("expected a file name")))
        << shard;
  }
}

// torch.compile, fully sharded training and checkpointed activations leave marks in names.
TEST_F(CheckpointTest, MarksOfWrappersAreLeftOutOfNames) {
  const at::Tensor a = at::ones({2}), b = at::zeros({3});
  for (const auto& [first, second] : std::vector<std::pair<std::string, std::string>>{
           {"_orig_mod.a.w", "_orig_mod.b"},
           {"module.a.w", "module.b"},
           {"module._orig_mod.a.w", "module._orig_mod.b"},
           {"_orig_mod.module.a.w", "_orig_mod.module.b"},
           {"_fsdp_wrapped_module.a._orig_mod.w", "b"},
           {"a._checkpoint_wrapped_module.w", "b"}}) {
    WriteSafetensors(folder_ / "model.safetensors", {{first, a}, {second, b}});
    const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
    EXPECT_THAT(checkpoint.Names(), ElementsAre("a.w", "b")) << first;
    EXPECT_TRUE(checkpoint.Get("a.w", {2}).equal(a)) << first;
    EXPECT_TRUE(checkpoint.Get("b", {3}).equal(b)) << first;
    EXPECT_EQ(checkpoint.All().size(), 2u) << first;
  }
}

TEST_F(CheckpointTest, ModuleIsKeptUnlessEveryNameBeginsWithIt) {
  WriteSafetensors(folder_ / "model.safetensors",
                   {{"module.a", at::ones({2})}, {"b", at::ones({2})}});
  EXPECT_THAT(Checkpoint::Open(folder_.path()).Names(), ElementsAre("b", "module.a"));
}

TEST_F(CheckpointTest, EqualNamesAreRefused) {
  WriteSafetensors(folder_ / "model.safetensors",
                   {{"a", at::ones({2})}, {"_orig_mod.a", at::zeros({2})}});
  EXPECT_THAT(ErrorOfOpening(), HasSubstr("holds tensor 'a' more than once"));
}

TEST_F(CheckpointTest, TypesMayDiffer) {
  const at::Tensor a = at::randn({3}, at::kHalf), b = at::randn({3}, at::kBFloat16),
                   c = at::randn({3});
  WriteSafetensors(folder_ / "model.safetensors", {{"a", a}, {"b", b}, {"c", c}});
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  EXPECT_TRUE(checkpoint.Get("a", {3}).equal(a));
  EXPECT_TRUE(checkpoint.Get("b", {3}).equal(b));
  EXPECT_TRUE(checkpoint.Get("c", {3}).equal(c));
}

TEST_F(CheckpointTest, FolderWithoutWeightsOrConfigIsRefused) {
  EXPECT_THAT(ErrorOfOpening(),
              AllOf(HasSubstr(folder_.path().string()), HasSubstr("holds no model.safetensors")));
  std::filesystem::remove(folder_ / "config.json");
  EXPECT_THAT(ErrorOfOpening(), HasSubstr("config.json is missing"));
  for (const std::string& folder : {(folder_ / "none").string(), std::string(5000, 'a')}) {
    EXPECT_THAT(ErrorOf([&] { Checkpoint::Open(folder); }), HasSubstr(": no such folder"));
  }
}

}  // namespace
}  // namespace mambascope
