// Reads thousands of files with bytes flipped, removed or inserted; the mutations are the same in
// every run. Each file is either read or refused with an Error. Nothing crashes, throws another
// exception, or allocates more memory than the file's size justifies.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/mutation_test_support.h"
#include "mambascope/checkpoint/pickle.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/checkpoint/torch_bin_test_support.h"

namespace mambascope {
namespace {

// Reads every tensor whose type LibTorch has, and uses its elements.
void ReadAll(const TensorFile& file) {
  for (const auto& [name, info] : file.tensors()) {
    if (info.dtype == at::ScalarType::Undefined) continue;
    const at::Tensor tensor = file.Read(name);
    ASSERT_EQ(tensor.sizes(), at::IntArrayRef(info.shape));
    if (tensor.numel() > 0) tensor.flatten()[-1].item<double>();
  }
}

class MutationTest : public testing::Test {
 protected:
  TempFolder folder_;
};

TEST_F(MutationTest, OfAPickle) {
  const std::string pickle = pickled::ReadZip(GoldenFolder() / "mamba-original/pytorch_model.bin",
                                              "pytorch_model/data.pkl");
  const Outcome outcome =
      Try(pickle, 10'000, [](const std::string& bytes) { ReadTensorPickle(bytes, "x.bin"); });
  EXPECT_GT(outcome.read, 20);
  EXPECT_GT(outcome.refused, 1000);
}

// The tensors that the pickle describes are checked against the storages.
TEST_F(MutationTest, OfAPickleAmongItsStorages) {
  using namespace pickled;
  const std::string storage(48, '\0'), numbers = Storage("FloatStorage", "0", 12);
  const std::string pickle =
      Program(Fill(OrderedDict(), {{"a", Tensor(numbers, 0, {3, 4}, {4, 1})},
                                   {"b", Tensor(numbers, 4, {2, 4}, {1, 2})}}));
  const std::filesystem::path path = folder_ / "x.bin";
  const Outcome outcome = Try(pickle, 3'000, [&](const std::string& bytes) {
    WriteZip(path, {{"archive/data.pkl", bytes}, {"archive/data/0", storage}});
    ReadAll(*OpenTorchBin(path));
  });
  EXPECT_GT(outcome.read, 20);
  EXPECT_GT(outcome.refused, 1000);
}

TEST_F(MutationTest, OfAZip) {
  const std::filesystem::path path = folder_ / "x.bin";
  pickled::WriteZip(
      path,
      {{"a/data.pkl",
        pickled::Program(pickled::Dict(
            {{"t", pickled::Tensor(pickled::Storage("FloatStorage", "0", 2), 0, {2}, {1})}}))},
       {"a/data/0", std::string(8, '\0')}});
  const Outcome outcome = Try(ReadFile(path), 3'000, [&](const std::string& bytes) {
    WriteFile(path, bytes);
    ReadAll(*OpenTorchBin(path));
  });
  EXPECT_GT(outcome.read, 20);
  EXPECT_GT(outcome.refused, 1000);
}

TEST_F(MutationTest, OfASafetensorsHeader) {
  const std::string whole = ReadFile(GoldenFolder() / "mamba/model.safetensors");
  uint64_t size = 0;
  std::memcpy(&size, whole.data(), sizeof(size));
  const std::filesystem::path path = folder_ / "x.safetensors";
  const Outcome outcome =
      Try(whole.substr(0, sizeof(size) + size), 2'000, [&](const std::string& header) {
        WriteFile(path, header + whole.substr(sizeof(size) + size));
        ReadAll(*OpenSafetensors(path));
      });
  EXPECT_GT(outcome.read, 20);
  EXPECT_GT(outcome.refused, 500);
}

}  // namespace
}  // namespace mambascope
