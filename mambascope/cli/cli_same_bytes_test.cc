// A command's results are the same, byte by byte, with any number of threads, any limit of memory,
// and however often the run was interrupted.
#include <gtest/gtest.h>

#include <filesystem>

#include "mambascope/cli/cli_test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

const Words kSomeFacts = {"--relations", DemoData("relations/river_continent.json")};

struct Case {
  std::string name;
  Words command;
  std::string lines;  // the file of lines that a run continues
};

const Case kCases[] = {
    {"trace", Words{"trace"} + kSomeFacts, "trace.jsonl"},
    {"trace_mamba2", Words{"trace", "--model", "demo-mamba2", "--site", "ssm_out"} + kSomeFacts,
     "trace.jsonl"},
    {"trace_noise", Words{"trace", "--model", "demo-neox", "--noise", "3"} + kSomeFacts,
     "trace.jsonl"},
    {"trace_bfloat16", Words{"trace", "--dtype", "bfloat16"} + kSomeFacts, "trace.jsonl"},
    {"paths_hybrid", Words{"paths", "--model", "demo-hybrid"} + kSomeFacts, "paths.jsonl"},
    {"knockout", Words{"knockout", "--model", "demo-neox", "--heatmap"} + kSomeFacts,
     "knockout.jsonl"},
    {"knockout_decompose", Words{"knockout", "--decompose"} + kSomeFacts, "knockout.jsonl"},
    {"edit", Words{"edit", "--counterfact", DemoData("counterfact.json"), "--layers", "4"},
     "edit.jsonl"}};

class SameBytesCliTest : public testing::TestWithParam<Case> {
 protected:
  // The result of the command with some limit, without the fields that are times.
  std::string Result(const std::string& out, int limit, const Words& more = {}) const {
    const std::string folder = (folder_ / out).string();
    const Outcome outcome =
        RunProgram(GetParam().command +
                   Words{"--limit", std::to_string(limit), "--quiet", "--out", folder} + more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return ReadWithoutTimes(folder_ / out / (GetParam().command[0] + ".json")).dump();
  }

  TempFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Commands, SameBytesCliTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST_P(SameBytesCliTest, WithAnyThreadsAndMemory) {
  const std::string one = Result("one", 4, {"--threads", "1"});
  EXPECT_TRUE(Result("two", 4, {"--threads", "2"}) == one) << "2 threads";
  EXPECT_TRUE(Result("little", 4, {"--threads", "2", "--memory", "48M"}) == one) << "48 MB";
  EXPECT_TRUE(Result("more", 4, {"--threads", "2", "--memory", "200M"}) == one) << "200 MB";
}

TEST_P(SameBytesCliTest, InterruptedAfterAnyLine) {
  const std::string whole = Result("whole", 4);
  const std::string lines = ReadFile(folder_ / "whole" / GetParam().lines);
  for (size_t end = lines.find('\n'); end != lines.npos; end = lines.find('\n', end + 1)) {
    fs::remove_all(folder_ / "cut");
    fs::create_directory(folder_ / "cut");
    WriteFile(folder_ / "cut" / GetParam().lines, lines.substr(0, end + 1));
    EXPECT_TRUE(Result("cut", 4) == whole) << "after " << end << " bytes";
  }
}

TEST_P(SameBytesCliTest, ContinuedWithALargerLimit) {
  (void)Result("grown", 2);
  (void)Result("grown", 3);
  EXPECT_TRUE(Result("grown", 5) == Result("whole", 5));
}

// These commands continue in other ways than by lines, or not at all. Their own tests interrupt
// them.
TEST(SameBytesTest, WithAnyThreads) {
  const std::string facts = DemoData("counterfact.json");
  const Words commands[] = {
      {"moments", "--layers", "0,5", "--projections", "W_o", "--limit-documents", "300"},
      {"lre", "--relations", DemoData("relations/landmark_city.json"), "--relations",
       DemoData("relations/dish_country.json"), "--limit", "6", "--layers", "3", "--trials", "1"},
      {"edit", "--method", "memit", "--counterfact", facts, "--layers", "3,4", "--limit", "4",
       "--steps", "5"},
      {"attention", "--prompt", "The Louvre is located in", "--layer", "3"}};
  TempFolder folder;
  for (const Words& command : commands) {
    const auto result = [&](const std::string& threads) {
      const Outcome outcome = RunProgram(
          command + Words{"--quiet", "--threads", threads, "--out", (folder / threads).string()});
      EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
      return ReadWithoutTimes(folder / threads / (command[0] + ".json"));
    };
    EXPECT_EQ(result("1"), result("2")) << command[0];
    if (command[0] == "moments")
      EXPECT_EQ(ReadFile(folder / "1/moments/mixed.5.npz"),
                ReadFile(folder / "2/moments/mixed.5.npz"));
    fs::remove_all(folder / "1");
    fs::remove_all(folder / "2");
  }
}

}  // namespace
}  // namespace mambascope
