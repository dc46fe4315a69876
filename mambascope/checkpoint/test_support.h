// Helpers that tests share: the golden folder, temporary folders, and comparisons.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/error.h"

namespace mambascope {

inline std::filesystem::path RepositoryFolder() { return MAMBASCOPE_ROOT; }
inline std::filesystem::path GoldenFolder() { return RepositoryFolder() / "tests/golden"; }

// The folder names in tests/golden of tiny random checkpoints, at least one for each model_type.
inline std::vector<std::string> TinyCheckpoints() {
  return {"mamba",
          "mamba-untied-bias",
          "mamba2",
          "mamba2-groups",
          "falcon_mamba",
          "gpt_neox",
          "gpt_neox-serial",
          "gpt2",
          "gptj",
          "llama",
          "llama3-rope",
          "mistral",
          "qwen2",
          "qwen3",
          "gemma2",
          "gemma3",
          "olmo2",
          "phi",
          "granitemoehybrid",
          "granitemoehybrid-moe",
          "bamba",
          "nemotron_h",
          "nemotron_h-moe",
          "falcon_h1",
          "falcon_h1-norm",
          "jamba",
          "zamba2",
          "qwen3_5",
          "qwen3_5_moe",
          "qwen3_next",
          "qwen3_next-moe"};
}

// How much more than in other tiny checkpoints rounding shows in this one. The random weights of
// the gated DeltaNets amplify it: a change of their embedding changes the output a hundredfold.
inline double Amplification(const std::string& checkpoint) {
  return checkpoint.starts_with("qwen3_") ? 10 : 1;
}

// The name of a test parameterised by a checkpoint.
inline std::string TestName(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

inline double MaxDifference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a.cpu() - b.cpu()).abs().max().item<double>();
}

// The device of the tests that can take any: $MAMBASCOPE_TEST_DEVICE, or else the CPU.
inline at::Device TestDevice() {
  const char* const device = std::getenv("MAMBASCOPE_TEST_DEVICE");
  return at::Device(device == nullptr ? "cpu" : device);
}

inline std::vector<int64_t> ToVector(const at::Tensor& integers) {
  const at::Tensor flat = integers.to(at::kCPU, at::kLong).contiguous();
  return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
}

// Returns the message of the Error that `call` throws.
template <typename Call>
std::string ErrorOf(const Call& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

// An empty temporary folder that is deleted with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "mambascope-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace mambascope
