// Reads thousands of files with bytes flipped, removed or inserted; the mutations are the same in
// every run. Each file is either read or refused with an Error. Nothing crashes, throws another
// exception, or allocates more memory than the file's size justifies.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <random>

#include "mambascope/checkpoint/config.h"
#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/pickle.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/checkpoint/torch_bin_test_support.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

// Applies one to four changes to `bytes`.
std::string Mutate(std::string bytes, std::mt19937_64& random) {
  for (uint64_t changes = 1 + random() % 4; changes > 0 && !bytes.empty(); --changes) {
    const size_t at = random() % bytes.size(), length = 1 + random() % 16;
    switch (random() % 5) {
      case 0: bytes[at] = static_cast<char>(random()); break;
      case 1: bytes[at] ^= static_cast<char>(1 << random() % 8); break;
      case 2: bytes.erase(at, length); break;
      case 3: bytes.insert(at, bytes.substr(random() % bytes.size(), length)); break;
      default: bytes.resize(at); break;
    }
  }
  return bytes;
}

struct Outcome {
  int read = 0, refused = 0;
};

// Calls `read` with `count` mutations of `bytes`.
template <typename Read>
Outcome Try(const std::string& bytes, int count, const Read& read) {
  std::mt19937_64 random(20240406);
  Outcome outcome;
  for (int i = 0; i < count; ++i) {
    const std::string mutated = Mutate(bytes, random);
    const auto start = std::chrono::steady_clock::now();
    try {
      read(mutated);
      ++outcome.read;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr("x."))
          << "mutation " << i << " is refused without the file's name";
      ++outcome.refused;
    } catch (const std::exception& e) {
      ADD_FAILURE() << "mutation " << i << " throws " << e.what();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10))
        << "mutation " << i;
  }
  return outcome;
}

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

TEST_F(MutationTest, OfAConfig) {
  for (const char* family : {"mamba2", "llama", "gpt2", "mamba2-original"}) {
    const std::string config = ReadFile(GoldenFolder() / family / "config.json");
    const Outcome outcome = Try(config, 5'000, [&](const std::string& text) {
      ParseConfig(ParseJson(text, "x.json"), "x.json");
    });
    EXPECT_GT(outcome.read, 100) << family;
    EXPECT_GT(outcome.refused, 1000) << family;
  }
}

}  // namespace
}  // namespace mambascope
