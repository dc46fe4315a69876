// A folder whose weights cannot be read as they are is refused. The error says what it holds and
// what to do.
#include "mambascope/checkpoint/refusals.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// A checkpoint of Llama, which each test spoils.
class RefusalTest : public testing::Test {
 protected:
  RefusalTest() {
    for (const char* file : {"config.json", "model.safetensors"})
      std::filesystem::copy(GoldenFolder() / "llama" / file, folder_ / file);
  }

  std::string ErrorOfOpening() const {
    return ErrorOf([&] { Checkpoint::Open(folder_.path()); });
  }
  // Adds tensors to the weights.
  void Add(const std::map<std::string, at::Tensor>& tensors) const {
    std::map<std::string, at::Tensor> all = Checkpoint::Open(folder_.path()).All();
    for (const auto& [name, tensor] : tensors) all[name] = tensor;
    WriteSafetensors(folder_ / "model.safetensors", all);
  }

  TempFolder folder_;
};

TEST_F(RefusalTest, TheCheckpointItselfIsRead) { EXPECT_EQ(ErrorOfOpening(), "no error"); }

TEST_F(RefusalTest, Adapter) {
  WriteFile(folder_ / "adapter_config.json", "{}");
  const auto says =
      AllOf(StartsWith(folder_.path().string() + ": holds an adapter"), HasSubstr("LoRA"),
            HasSubstr("merge the adapter"), HasSubstr("merge_and_unload"));
  EXPECT_THAT(ErrorOfOpening(), says);
  std::filesystem::remove(folder_ / "config.json");
  std::filesystem::rename(folder_ / "model.safetensors", folder_ / "adapter_model.safetensors");
  EXPECT_THAT(ErrorOfOpening(), says);
}

TEST_F(RefusalTest, TensorsOfAnAdapter) {
  const std::string layer = "layers.0.self_attn.q_proj.";
  for (const std::string& name :
       {"base_model.model.model." + layer + "lora_A.weight",
        "model." + layer + "lora_B.default.weight", "model." + layer + "lora_A"}) {
    const TempFolder folder;
    std::filesystem::copy(folder_ / "config.json", folder / "config.json");
    WriteSafetensors(folder / "model.safetensors", {{name, at::ones({2})}});
    EXPECT_THAT(ErrorOf([&] { Checkpoint::Open(folder.path()); }),
                AllOf(HasSubstr("tensor '" + name + "' belongs to a LoRA adapter"),
                      HasSubstr("merge_and_unload")));
  }
}

struct Quantised {
  const char* name;
  std::vector<const char*> tensors;  // the first one is named
  const char* method;
};

class QuantisedTest : public RefusalTest, public testing::WithParamInterface<Quantised> {};

TEST_P(QuantisedTest, IsRefusedByMethod) {
  std::map<std::string, at::Tensor> tensors;
  const std::string weight = "model.layers.0.mlp.down_proj";
  for (const char* end : GetParam().tensors) tensors[weight + end] = at::ones({2}, at::kByte);
  Add(tensors);
  EXPECT_THAT(ErrorOfOpening(),
              AllOf(HasSubstr("'" + weight + GetParam().tensors[0] +
                              "' belongs to quantised weights (" + GetParam().method + ")"),
                    HasSubstr("take the unquantised model"), HasSubstr("model.dequantize()")));
}

const Quantised kMethods[] = {
    {"Gptq", {".g_idx", ".qweight", ".qzeros", ".scales"}, "GPTQ"},
    {"Awq", {".qweight", ".qzeros", ".scales"}, "AWQ or GPTQ"},
    {"FourBits",
     {".weight.absmax", ".weight.quant_map", ".weight.quant_state.bitsandbytes__nf4"},
     "bitsandbytes (4 bits)"},
    {"EightBits", {".SCB", ".weight_format"}, "bitsandbytes (8 bits)"},
    {"Fp8", {".weight_scale_inv"}, "FP8"},
    {"Mxfp4", {"_blocks", "_scales"}, "MXFP4"},
    {"CompressedTensors",
     {".weight_packed", ".weight_scale", ".weight_shape"},
     "compressed-tensors"},
    {"Mlx", {".biases", ".scales"}, "MLX"}};
INSTANTIATE_TEST_SUITE_P(Methods, QuantisedTest, testing::ValuesIn(kMethods),
                         [](const auto& info) { return std::string(info.param.name); });

// Such names are those of other weights, too.
TEST_F(RefusalTest, HalfAPairOfQuantisedNamesIsNoSign) {
  Add({{"model.vision_blocks", at::ones({2})},
       {"model.audio.biases", at::ones({2})},
       {"model.text.scales", at::ones({2})}});
  EXPECT_EQ(ErrorOfOpening(), "no error");
}

TEST_F(RefusalTest, MistralsOwnNames) {
  std::filesystem::remove(folder_ / "model.safetensors");
  WriteSafetensors(
      folder_ / "consolidated.safetensors",
      {{"tok_embeddings.weight", at::ones({2})}, {"layers.0.attention.wq.weight", at::ones({2})}});
  EXPECT_THAT(ErrorOfOpening(),
              AllOf(HasSubstr("'tok_embeddings.weight' is of Mistral's or Llama's own format"),
                    HasSubstr("take the model in the Hugging Face format")));
  WriteFile(folder_ / "params.json", "{}");
  std::filesystem::remove(folder_ / "config.json");
  EXPECT_THAT(ErrorOfOpening(), AllOf(HasSubstr("lacks config.json"), HasSubstr("params.json"),
                                      HasSubstr("take the model in the Hugging Face format")));
}

TEST_F(RefusalTest, FoldersWithoutConfig) {
  std::filesystem::remove(folder_ / "config.json");
  EXPECT_THAT(ErrorOfOpening(), HasSubstr((folder_ / "config.json").string() + " is missing"));
  std::filesystem::create_directories(folder_ / "snapshots/0123");  // a folder of the Hub's cache
  EXPECT_THAT(ErrorOfOpening(), HasSubstr("name a folder in " + (folder_ / "snapshots").string()));
  WriteFile(folder_ / "model-Q4_K_M.gguf", "GGUF");
  EXPECT_THAT(ErrorOfOpening(), HasSubstr("the format GGUF (model-Q4_K_M.gguf)"));
}

TEST_F(RefusalTest, GitLfsPointers) {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 988097824\n";
  const auto says = [&](const char* name) {
    return AllOf(StartsWith((folder_ / name).string() + ": is a Git LFS pointer"),
                 HasSubstr("git lfs pull"));
  };
  WriteFile(folder_ / "model.safetensors", pointer);
  EXPECT_THAT(ErrorOfOpening(), says("model.safetensors"));
  std::filesystem::rename(folder_ / "model.safetensors", folder_ / "pytorch_model.bin");
  EXPECT_THAT(ErrorOfOpening(), says("pytorch_model.bin"));
  WriteFile(folder_ / "config.json", pointer);
  EXPECT_THAT(ErrorOfOpening(), says("config.json"));
}

}  // namespace
}  // namespace mambascope
