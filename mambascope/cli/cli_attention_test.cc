// What `attention` writes, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/cli/cli_test_support.h"

namespace mambascope {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;
using Matrix = std::vector<std::vector<double>>;

const char* const kPrompt = "The landmark called Louvre can be found in";

double RowSum(const Matrix& m, size_t row) {
  double sum = 0;
  for (double value : m[row]) sum += value;
  return sum;
}

struct AttentionCase {
  const char* model;
  const char* option;  // two names of one
  int64_t channels;
};

class CliAttentionTest : public testing::TestWithParam<AttentionCase> {};
INSTANTIATE_TEST_SUITE_P(Models, CliAttentionTest,
                         testing::Values(AttentionCase{"demo", "--channel", 384},
                                         AttentionCase{"demo-mamba2", "--channel", 12},
                                         AttentionCase{"demo-neox", "--head", 6}),
                         [](const auto& info) {
                           std::string name = info.param.model;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(CliAttentionTest, WritesTheMatricesOfEveryLayerAskedFor) {
  const auto [model, option, channels] = GetParam();
  const TempFolder out;
  const Json json = RunForJson({"attention", "--model", model, "--prompt", kPrompt, "--layer",
                                "1,3", option, "2", "--out", out.path().string()});
  EXPECT_EQ(json, ReadJson(out / "attention.json"));
  EXPECT_THAT(Keys(json), UnorderedElementsAre("options", "tokens", "layers"));
  EXPECT_EQ(json["options"]["command"], "attention");
  EXPECT_EQ(json["options"]["layer"], "1,3");
  const size_t tokens = json["tokens"].size();
  std::string text;
  for (const Json& token : json["tokens"]) text += token["text"].get<std::string>();
  EXPECT_EQ(text, kPrompt);
  ASSERT_EQ(json["layers"].size(), 2u);
  EXPECT_EQ(json["layers"][1]["layer"], 3);
  for (const Json& layer : json["layers"]) {
    EXPECT_THAT(Keys(layer), UnorderedElementsAre("layer", "kind", "channels", "signed", "absolute",
                                                  "normalised", "channel"));
    EXPECT_EQ(layer["channels"], channels);
    EXPECT_EQ(layer["channel"]["index"], 2);
    EXPECT_NE(layer["channel"]["matrix"], layer["signed"]);
    const Matrix absolute = layer["absolute"], normalised = layer["normalised"];
    ASSERT_EQ(absolute.size(), tokens);
    for (size_t to = 0; to < tokens; ++to) {
      ASSERT_EQ(absolute[to].size(), tokens);
      EXPECT_NEAR(RowSum(normalised, to), 1, 1e-5);
      EXPECT_NEAR(normalised[to][0] * RowSum(absolute, to), absolute[to][0], 1e-6);
      for (size_t from = to + 1; from < tokens; ++from) EXPECT_EQ(absolute[to][from], 0);
      EXPECT_GE(absolute[to][to] + 1e-7, std::abs(layer["signed"][to][to].get<double>()));
    }
    const bool softmax = std::abs(RowSum(layer["signed"], tokens - 1) - 1) < 1e-5;
    EXPECT_EQ(softmax, model == std::string("demo-neox"));
  }
  const std::string page = ReadFile(out / "attention.html");
  EXPECT_THAT(page, HasSubstr("Layer 3"));
  EXPECT_THAT(page, HasSubstr(model == std::string("demo") ? "channel 2 alone" : "head 2 alone"));
}

TEST(CliAttentionErrorTest, RefusesWhatTheModelLacks) {
  const TempFolder out;
  const auto error = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"attention", "--ids", "5,6,7", "--out", out.path().string()});
    const Outcome outcome = RunProgram(words);
    EXPECT_EQ(outcome.exit_code, 1) << testing::PrintToString(words);
    return outcome.err;
  };
  EXPECT_THAT(error({"--layer", "99"}), HasSubstr("this model has layers 0 to 15"));
  EXPECT_THAT(error({"--layer", "0", "--channel", "384"}), HasSubstr("0 to 383"));
  EXPECT_THAT(error({"--layer", "0", "--channel", "6", "--model", "demo-neox"}),
              HasSubstr("0 to 5"));
  for (const char* channel : {"-1", "abc"})
    EXPECT_THAT(RunProgram({"attention", "--ids", "5", "--layer", "0", "--channel", channel}).err,
                HasSubstr("--channel: expected a whole number from 0"));
  EXPECT_EQ(RunProgram({"attention", "--ids", "5"}).exit_code, 2) << "no layer";
  EXPECT_FALSE(std::filesystem::exists(out / "attention.json"));
}

}  // namespace
}  // namespace mambascope
