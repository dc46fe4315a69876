#include "mambascope/checkpoint/fingerprint.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

TEST(FingerprintTest, ChangesWithTheConfigAndTheWeightsAlone) {
  const TempFolder folder;
  WriteFile(folder / "config.json", "{}");
  WriteFile(folder / "model.safetensors", std::string(200'000, 'a'));
  const std::string first = Fingerprint(folder.path());
  EXPECT_EQ(first.size(), 16u);
  WriteFile(folder / "README.md", "other words");
  EXPECT_EQ(Fingerprint(folder.path()), first);
  for (const size_t at : {size_t{0}, size_t{60'000}, size_t{199'999}}) {
    std::string weights(200'000, 'a');
    weights[at] = 'b';
    WriteFile(folder / "model.safetensors", weights);
    EXPECT_NE(Fingerprint(folder.path()), first) << at;
  }
  WriteFile(folder / "model.safetensors", std::string(200'000, 'a'));
  EXPECT_EQ(Fingerprint(folder.path()), first);
  WriteFile(folder / "config.json", "{ }");
  EXPECT_NE(Fingerprint(folder.path()), first);
}

// As when other software changed one row of one matrix.
TEST(FingerprintTest, ChangesWithAnyPageOfALargeFile) {
  const TempFolder folder;
  WriteFile(folder / "config.json", "{}");
  WriteFile(folder / "model.safetensors", "");
  std::filesystem::resize_file(folder / "model.safetensors", 80 << 20);
  std::set<std::string> all = {Fingerprint(folder.path())};
  for (const std::streamoff at : {1 << 20, (17 << 20) + 100, 79 << 20}) {
    std::fstream file(folder / "model.safetensors",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at) << std::string(4160, 'b');
    file.close();
    EXPECT_TRUE(all.insert(Fingerprint(folder.path())).second) << at;
  }
}

TEST(FingerprintTest, BundledModelsDiffer) {
  const auto of = [](const char* name) {
    return Fingerprint(RepositoryFolder() / "models" / name);
  };
  EXPECT_NE(of("demo-mamba"), of("demo-mamba2"));
  EXPECT_NE(of("demo-mamba"), of("demo-neox"));
}

// The published test vector of 64-bit FNV-1a.
TEST(FingerprintTest, IsFnv1a) { EXPECT_EQ(FingerprintText("foobar"), "85944171f73967e8"); }

TEST(FingerprintTest, ATensorIsTheBytesOfItsRows) {
  const at::Tensor letters = at::tensor({102, 111, 111, 98, 97, 114}, at::kChar).reshape({2, 3});
  EXPECT_EQ(FingerprintTensor(letters), "85944171f73967e8");
  EXPECT_EQ(FingerprintTensor(letters.t().contiguous().t()), "85944171f73967e8")
      << "however it is stored";
  Digest digest;
  digest.Add("foo");
  digest.Add(letters[1]);
  EXPECT_EQ(digest.Text(), "85944171f73967e8");
}

}  // namespace
}  // namespace mambascope
