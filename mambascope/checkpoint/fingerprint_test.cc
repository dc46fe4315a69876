#include "mambascope/checkpoint/fingerprint.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <set>
#include <thread>

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

class LargeFingerprintTest : public testing::Test {
 protected:
  LargeFingerprintTest() {
    WriteFile(folder_ / "config.json", "{}");
    WriteFile(file_, "");
    std::filesystem::resize_file(file_, 80 << 20);
  }
  void Change(std::streamoff at) const {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at) << 'b';
  }

  const TempFolder folder_;
  const std::filesystem::path file_ = folder_ / "model.safetensors",
                              cache_ = folder_ / "cache/fingerprints.json";
};

TEST_F(LargeFingerprintTest, ChangesWithEveryByte) {
  std::set<std::string> all = {Fingerprint(folder_.path())};
  for (const std::streamoff at : {1 << 20, (17 << 20) + 100, (80 << 20) - 1}) {
    Change(at);
    EXPECT_TRUE(all.insert(Fingerprint(folder_.path())).second) << at;
  }
}

TEST_F(LargeFingerprintTest, IsRememberedUntilTheFileChanges) {
  uint64_t read = 0;
  const FingerprintOptions options{.cache = cache_,
                                   .progress = [&](uint64_t done, uint64_t) { read = done; }};
  const std::string first = Fingerprint(folder_.path(), options);
  EXPECT_EQ(read, 80 << 20);
  EXPECT_FALSE(std::filesystem::exists(cache_)) << "it was written a moment ago";
  std::this_thread::sleep_for(std::chrono::seconds(3));
  EXPECT_EQ(Fingerprint(folder_.path(), options), first);
  read = 0;
  EXPECT_EQ(Fingerprint(folder_.path(), options), first);
  EXPECT_EQ(read, 0u);
  const auto time = std::filesystem::last_write_time(file_);
  Change(100);
  std::filesystem::last_write_time(file_, time);  // as other programs keep it
  EXPECT_NE(Fingerprint(folder_.path(), options), first);
  WriteFile(cache_, "damaged");
  EXPECT_NE(Fingerprint(folder_.path(), options), first);
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
