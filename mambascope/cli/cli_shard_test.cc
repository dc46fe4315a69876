// The parts of a run, joined, are the whole run, byte by byte.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "mambascope/cli/cli_test_support.h"
#include "mambascope/experiments/editing/moments_file.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

const Words kFewFacts = {"--relations", DemoData("relations/river_continent.json"), "--limit", "7"};

// The bytes of all files in a folder, by name, without those of shards.
std::map<std::string, std::string> Files(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    if (!entry.is_regular_file() || name.starts_with("shard-")) continue;
    files[name] = ReadFile(entry.path());
  }
  return files;
}

class ShardCliTest : public testing::Test {
 protected:
  std::string Out(const std::string& name) const { return (folder_ / name).string(); }
  Outcome Run(const Words& command, const std::string& out, const Words& more = {},
              const std::string& environment = kQuickStart) const {
    return RunProgram(command + Words{"--quiet", "--out", Out(out)} + more, environment);
  }
  void RunShards(const Words& command, int count) const {
    for (int i = count; i >= 1; --i) {
      const Outcome shard =
          Run(command, "parts", {"--shard", std::to_string(i) + "/" + std::to_string(count)});
      EXPECT_EQ(shard.exit_code, 0) << shard.err;
    }
  }
  // Runs a command as a whole and in parts, and compares all files.
  void ExpectWhole(const Words& command, const std::vector<int>& counts) const {
    EXPECT_EQ(Run(command, "whole").exit_code, 0);
    const auto whole = Files(folder_ / "whole");
    for (const int count : counts) {
      fs::remove_all(folder_ / "parts");
      RunShards(command, count);
      const Outcome merged = RunProgram({"merge", Out("parts"), "--quiet"});
      EXPECT_EQ(merged.exit_code, 0) << merged.err;
      const auto joined = Files(folder_ / "parts");
      ASSERT_EQ(joined.size(), whole.size());
      for (const auto& [name, bytes] : whole)
        EXPECT_TRUE(joined.at(name) == bytes) << name << " of " << count << " shards";
    }
  }

  TempFolder folder_;
};

TEST_F(ShardCliTest, TracesOfAnyNumberOfShards) {
  ExpectWhole(Words{"trace"} + kFewFacts, {1, 2, 3, 4, 5, 6, 7});
}

TEST_F(ShardCliTest, TracesOfSeveralModelsAndSites) {
  ExpectWhole(
      Words{"trace", "--model", "demo", "--model", "demo-neox", "--site", "resid,mixer_out"} +
          kFewFacts,
      {2});
}

TEST_F(ShardCliTest, TracesWithNoise) {
  ExpectWhole(Words{"trace", "--noise", "3", "--samples", "2"} + kFewFacts, {3});
}

TEST_F(ShardCliTest, Paths) {
  ExpectWhole(Words{"paths", "--model", "demo-mamba2"} + kFewFacts, {3});
}

TEST_F(ShardCliTest, Knockouts) {
  ExpectWhole(Words{"knockout", "--from", "subject,last", "--decompose"} + kFewFacts, {3});
}

TEST_F(ShardCliTest, LinearRelationalEmbeddings) {
  Words command = {"lre",     "--layers", "3",       "--trials", "1",      "--limit", "8",
                   "--ranks", "0,16",     "--betas", "1,2",      "--save", "all"};
  for (const char* relation : {"landmark_city", "star_constellation", "dish_country"})
    command = command + Words{"--relations", DemoData(fmt::format("relations/{}.json", relation))};
  ExpectWhole(command, {2});
}

// Convergence is measured within a run only.
TEST_F(ShardCliTest, SecondMoments) {
  const Words command = {"moments",
                         "--layers",
                         "0,5",
                         "--projections",
                         "W_o",
                         "--text",
                         DemoData("sentences.jsonl"),
                         "--limit-documents",
                         "200"};
  ASSERT_EQ(Run(command, "whole").exit_code, 0);
  RunShards(command, 2);
  ASSERT_EQ(RunProgram({"merge", Out("parts"), "--quiet"}).exit_code, 0);
  Json joined = ReadJson(folder_ / "parts/moments.json"),
       whole = ReadJson(folder_ / "whole/moments.json");
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(joined["moments"][i]["convergence"], Json::array());
    joined["moments"][i].erase("convergence");
    EXPECT_GT(whole["moments"][i]["convergence"].size(), 1);
    whole["moments"][i].erase("convergence");
  }
  EXPECT_EQ(joined, whole);
  for (const int layer : {0, 5}) {
    const Place place{Site::kMixed, layer};
    const auto sum = [&](const std::string& folder) {
      return ReadMomentsFile(MomentsPath(folder_ / folder / "moments", place), 384).moments.sum;
    };
    EXPECT_TRUE(at::equal(sum("parts"), sum("whole")));
  }
}

// How long an edit took differs.
TEST_F(ShardCliTest, Edits) {
  const Words command = {
      "edit",    "--layers", "4", "--steps", "3", "--counterfact", DemoData("counterfact.json"),
      "--limit", "4"};
  ASSERT_EQ(Run(command, "whole").exit_code, 0);
  RunShards(command, 2);
  ASSERT_EQ(RunProgram({"merge", Out("parts"), "--quiet"}).exit_code, 0);
  EXPECT_EQ(ReadWithoutTimes(folder_ / "parts/edit.json"),
            ReadWithoutTimes(folder_ / "whole/edit.json"));
  EXPECT_EQ(ReadFile(folder_ / "parts/contexts.json"), ReadFile(folder_ / "whole/contexts.json"));
}

TEST_F(ShardCliTest, NamesMissingAndUnfinishedShards) {
  const Words command = Words{"trace"} + kFewFacts;
  ASSERT_EQ(Run(command, "parts", {"--shard", "2/3"}).exit_code, 0);
  EXPECT_THAT(RunProgram({"merge", Out("parts")}).err,
              AllOf(HasSubstr("missing shards: 1/3, 3/3"), HasSubstr("--shard 1/3")));
  RunShards(command, 3);
  fs::remove(folder_ / "parts/shard-2-of-3/trace.json");
  const Outcome unfinished = RunProgram({"merge", Out("parts")});
  EXPECT_EQ(unfinished.exit_code, 1);
  EXPECT_THAT(unfinished.err, AllOf(HasSubstr("shard-2-of-3"), HasSubstr("has not finished")));
  EXPECT_FALSE(fs::exists(folder_ / "parts/trace.json"));
}

TEST_F(ShardCliTest, RefusesShardsOfDifferentRuns) {
  ASSERT_EQ(Run(Words{"trace"} + kFewFacts, "parts", {"--shard", "1/2"}).exit_code, 0);
  ASSERT_EQ(Run(Words{"trace", "--seed", "1"} + kFewFacts, "parts", {"--shard", "2/2"}).exit_code,
            0);
  const Outcome merged = RunProgram({"merge", Out("parts")});
  EXPECT_EQ(merged.exit_code, 1);
  EXPECT_THAT(merged.err, HasSubstr("they differ in arguments, data_digest, seed"));
}

TEST_F(ShardCliTest, TakesEachLineOnceAndRefusesDamagedOnes) {
  const Words command = Words{"trace"} + kFewFacts;
  ASSERT_EQ(Run(command, "whole").exit_code, 0);
  RunShards(command, 2);
  const fs::path second = folder_ / "parts/shard-2-of-2/trace.jsonl";
  const std::string own = ReadFile(second);
  WriteFile(second, own + ReadFile(folder_ / "parts/shard-1-of-2/trace.jsonl"));
  ASSERT_EQ(RunProgram({"merge", Out("parts")}).exit_code, 0);
  EXPECT_TRUE(ReadFile(folder_ / "parts/trace.jsonl") == ReadFile(folder_ / "whole/trace.jsonl"));
  WriteFile(second, own + "garbage\n");
  EXPECT_THAT(RunProgram({"merge", Out("parts")}).err, HasSubstr("trace.jsonl: line 4 is damaged"));
  std::string changed = own;
  changed.replace(changed.find("\"p_clean\":0."), 12, "\"p_clean\":1.");
  WriteFile(second, changed);
  EXPECT_THAT(RunProgram({"merge", Out("parts")}).err, HasSubstr("trace.jsonl: line 1 is damaged"));
}

TEST_F(ShardCliTest, RefusesToWriteIntoAShard) {
  RunShards(Words{"trace"} + kFewFacts, 2);
  const Outcome merged =
      RunProgram({"merge", Out("parts"), "--out", Out("parts/shard-1-of-2"), "--force"});
  EXPECT_EQ(merged.exit_code, 1);
  EXPECT_THAT(merged.err, HasSubstr("is one of the shards"));
}

TEST_F(ShardCliTest, RefusesAShardUnderAnothersName) {
  const Words command = Words{"trace"} + kFewFacts;
  ASSERT_EQ(Run(command, "parts", {"--shard", "1/2"}).exit_code, 0);
  fs::copy(folder_ / "parts/shard-1-of-2", folder_ / "parts/shard-2-of-2");
  EXPECT_THAT(RunProgram({"merge", Out("parts")}).err, HasSubstr("is not shard 2/2"));
}

TEST_F(ShardCliTest, RefusesShardsOfOtherData) {
  Json relation = ReadJson(DemoData("relations/river_continent.json"));
  const auto run = [&](const std::string& shard) {
    WriteFile(folder_ / "relation.json", relation.dump());
    return Run({"trace", "--relations", Out("relation.json"), "--all-facts", "--limit", "4"},
               "parts", {"--shard", shard});
  };
  ASSERT_EQ(run("1/2").exit_code, 0);
  relation["prompt_templates"][0] = "It is known that {} is a river in";
  ASSERT_EQ(run("2/2").exit_code, 0);
  EXPECT_THAT(RunProgram({"merge", Out("parts")}).err, HasSubstr("they differ in data_digest"));
}

TEST_F(ShardCliTest, ReportsAskForTheJoinedResult) {
  ASSERT_EQ(Run(Words{"trace"} + kFewFacts, "parts", {"--shard", "1/2"}).exit_code, 0);
  EXPECT_THAT(RunProgram({"report", Out("parts"), "--out", Out("report")}).err,
              HasSubstr("mambascope merge"));
}

TEST_F(ShardCliTest, RefusesWhatIsNoShard) {
  const Words command = Words{"trace"} + kFewFacts;
  for (const char* text : {"0/4", "5/4", "x"}) {
    const Outcome refused = Run(command, "parts", {"--shard", text});
    EXPECT_EQ(refused.exit_code, 2) << text;
    EXPECT_THAT(refused.err, HasSubstr("expected i/n with i from 1 to n, such as 2/4"));
  }
  const Outcome alone =
      Run({"trace", "--prompt", "{} is", "--subject", "Louvre", "--corrupt-subject", "Big Ben"},
          "parts", {"--shard", "1/2"});
  EXPECT_EQ(alone.exit_code, 2);
  const Outcome many = Run(command, "parts", {"--shard", "1/8"});
  EXPECT_EQ(many.exit_code, 1);
  EXPECT_THAT(many.err,
              HasSubstr("8 shards need as many facts, but there are 7; make 7 shards at most"));
}

TEST_F(ShardCliTest, TakesTheShardOfALauncher) {
  const Words command = Words{"trace"} + kFewFacts;
  const Outcome found =
      Run(command, "parts", {"--shard", "auto"},
          std::string(kQuickStart) + "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=3 ");
  EXPECT_EQ(found.exit_code, 0) << found.err;
  EXPECT_TRUE(fs::exists(folder_ / "parts/shard-2-of-3/trace.json"));
  const Outcome none =
      Run(command, "parts", {"--shard", "auto"}, "env -i PATH=$PATH OMP_WAIT_POLICY=passive ");
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("no launcher gave this process a number"));
}

}  // namespace
}  // namespace mambascope
