// The commands over facts of data sets go on where another run of the same options stopped, and
// refuse other options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/cli/cli_facts_test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ResumeCliTest : public FactsCliTest {};

class ResumedCliTest : public FactsCliTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Commands, ResumedCliTest, testing::Values("trace", "paths"),
                         [](const auto& info) { return info.param; });

TEST_P(ResumedCliTest, InterruptedAndLimitedRunsGoOnToTheSameResult) {
  const std::string command = GetParam(), lines_file = command + ".jsonl";
  const Json whole = RunForResult(command, "whole", {"--limit", "4"});
  const Words lines = Lines(ReadFile(folder_ / "whole" / lines_file));
  ASSERT_EQ(lines.size(), 4u);
  fs::create_directory(folder_ / "cut");
  WriteFile(folder_ / "cut" / lines_file,
            lines[0] + "\n" + lines[1] + "\n" + lines[2].substr(0, lines[2].size() / 2));
  const Outcome resumed = RunFacts(command, "cut", {"--limit", "4", "--explain"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err,
              AllOf(HasSubstr("2 of 4 facts already computed"), HasSubstr("plan: 2 facts")));
  ExpectClose(Result(command, "cut"), whole, kRounding);
  const Words now = Lines(ReadFile(folder_ / "cut" / lines_file));
  ASSERT_EQ(now.size(), 4u);
  EXPECT_EQ(now[0], lines[0]);
  EXPECT_EQ(now[1], lines[1]);
  Json again = ParseJson(now[2], "line"), first = ParseJson(lines[2], "line");
  for (Json* line : {&again, &first}) line->erase("check");  // rounding changes it
  ExpectClose(again, first, kRounding);

  // A larger limit goes on from the smaller one's facts; a smaller one afterwards takes the first
  // of them.
  Json six = RunForResult(command, "cut", {"--limit", "6"});
  EXPECT_EQ(Lines(ReadFile(folder_ / "cut" / lines_file)).size(), 6u);
  ASSERT_EQ(six["facts"].size(), 6u);
  six["facts"].erase(4);
  six["facts"].erase(4);
  ExpectClose(six["facts"], whole["facts"], kRounding);
  const std::string before = ReadFile(folder_ / "cut" / lines_file);
  ExpectClose(RunForResult(command, "cut", {"--limit", "4"}), whole, kRounding);
  EXPECT_EQ(ReadFile(folder_ / "cut" / lines_file), before) << "nothing is run again";
}

// What a failing disk or an editor may leave: no JSON, no number, a missing field.
TEST_P(ResumedCliTest, DamagedLinesAreSaidAndComputedAgain) {
  const std::string command = GetParam(), lines_file = command + ".jsonl";
  const Json whole = RunForResult(command, "out", {"--limit", "4"});
  Words lines = Lines(ReadFile(folder_ / "out" / lines_file));
  ASSERT_EQ(lines.size(), 4u);
  Json without = ParseJson(lines[2], "a line");
  without.erase("p_clean");
  const size_t number = lines[1].find_first_of("0123456789", lines[1].find("\"probs\":"));
  lines[1].replace(number, lines[1].find_first_of(",]", number) - number, "NaN");
  const std::string text =
      lines[0] + "\n" + lines[1] + "\n" + DumpJson(without) + "\n\x01 garbage\n" + lines[3] + "\n";
  WriteFile(folder_ / "out" / lines_file, text);
  const Outcome again = RunFacts(command, "out", {"--limit", "4"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, AllOf(HasSubstr(lines_file + ": line 2 is damaged: its checksum"),
                               HasSubstr(lines_file + ": line 3 is damaged: its checksum"),
                               HasSubstr(lines_file + ": line 4 is damaged: it is not JSON")));
  ExpectClose(Result(command, "out"), whole, kRounding);
  EXPECT_EQ(Lines(ReadFile(folder_ / "out" / lines_file)).size(), 4u);
  EXPECT_EQ(RunFacts(command, "out", {"--limit", "4"}).err, "") << "it is whole again";
}

// The scale of the noise must not depend on which of the data set's facts are traced.
TEST_F(ResumeCliTest, LargerLimitGoesOnWithNoiseToo) {
  const Words noise = {"--noise", "3", "--samples", "2"};
  const auto with = [&](Words more) {
    more.insert(more.end(), noise.begin(), noise.end());
    return more;
  };
  const Json two = RunForResult("trace", "out", with({"--limit", "2"}));
  ASSERT_EQ(two["facts"].size(), 2u);
  for (const Json& fact : two["facts"]) {
    EXPECT_TRUE(fact["corrupt_subject"].is_null());
    EXPECT_EQ(fact["corrupt_tokens"], fact["tokens"]);
    EXPECT_GT(fact["p_clean"], fact["p_corrupt"]);
  }
  EXPECT_EQ(two["options"]["noise"], 3);
  EXPECT_EQ(two["options"]["samples"], 2);
  EXPECT_GT(two["options"]["noise_std"], 0);
  const Outcome more = RunFacts("trace", "out", with({"--limit", "3"}));
  EXPECT_EQ(more.exit_code, 0) << more.err;
  EXPECT_EQ(Lines(ReadFile(folder_ / "out/trace.jsonl")).size(), 3u);
}

TEST_F(ResumeCliTest, OtherOptionsAreRefusedAndLeaveTheFilesAsTheyAre) {
  RunForResult("trace", "out", {"--limit", "1"});
  const auto before = Files("out");
  ASSERT_EQ(before.size(), 3u);
  for (const Words& other :
       {Words{"--site", "gate"}, {"--seed", "1"}, {"--window", "2"}, {"--isolate"}}) {
    Words words = {"--limit", "1"};
    words.insert(words.end(), other.begin(), other.end());
    const Outcome outcome = RunFacts("trace", "out", words);
    EXPECT_EQ(outcome.exit_code, 1) << other[0];
    EXPECT_EQ(outcome.out, "") << other[0];
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("error: "), HasSubstr("out: trace.json is"),
                      HasSubstr("differs in"), HasSubstr("--out"), Not(HasSubstr("unexpected"))));
    EXPECT_EQ(Files("out"), before) << other[0];
  }
  fs::remove(folder_ / "out/trace.json");  // a run that was stopped has lines only
  EXPECT_THAT(RunFacts("trace", "out", {"--limit", "1", "--site", "gate"}).err,
              AllOf(HasSubstr("out/trace.jsonl: line 1 was made with other options"),
                    HasSubstr("--force")));
  const Outcome paths = RunFacts(
      "paths", "out", {"--limit", "1"});  // results of another command do not stand in the way
  EXPECT_EQ(paths.exit_code, 0) << paths.err;
  // Only what is computed matters: how much memory, how many threads, what is printed.
  const Outcome same = RunFacts(
      "trace", "out",
      {"--limit", "1", "--threads", "1", "--memory", "64M", "--quiet", "--check", "--explain"});
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_EQ(Files("out").at("trace.jsonl"), before.at("trace.jsonl"));
  EXPECT_EQ(same.out, "");
}

// What is in the model's folder decides on the numbers, not its name: a checkpoint may be trained
// on, or edited, in its place.
TEST_F(ResumeCliTest, LinesOfAnotherModelOfTheSameNameAreRefused) {
  fs::copy(RepositoryFolder() / "models/demo-mamba", folder_ / "model");
  RunForResult("trace", "out", {"--limit", "1", "--model", folder_ / "model"});
  fs::copy(RepositoryFolder() / "models/demo-mamba2", folder_ / "model",
           fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  const Outcome outcome = RunFacts("trace", "out", {"--limit", "1", "--model", folder_ / "model"});
  EXPECT_EQ(outcome.exit_code, 1) << "the first model's numbers are given out for the second's";
}

// A result file echoes all that it takes to make it again.
TEST_F(ResumeCliTest, TokenizerThatIsGivenIsAmongTheOptions) {
  const std::string file = folder_ / "tokenizer.json";
  fs::copy(RepositoryFolder() / "models/demo-mamba/tokenizer.json", file);
  const Json options =
      RunForResult("paths", "out", {"--limit", "1", "--tokenizer", file})["options"];
  ASSERT_THAT(Keys(options), testing::Contains("tokenizer"));
  EXPECT_EQ(options["tokenizer"], file);
}

}  // namespace
}  // namespace mambascope
