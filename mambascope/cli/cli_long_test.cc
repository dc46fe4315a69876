// Long prompts: what is refused before it takes too much memory, what is said of prompts that are
// longer than a model was made for, and how a run is made shorter.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/cli/cli_test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// "1,2,..,9,1,..": short, since a command line has a limit, too.
std::string Ids(int64_t tokens) {
  std::string ids;
  for (int64_t t = 0; t < tokens; ++t) ids += fmt::format("{}{}", t == 0 ? "" : ",", 1 + t % 9);
  return ids;
}

std::string Golden(const std::string& name) { return (GoldenFolder() / name).string(); }

// The machine has more memory than these addresses, so it is their limit that refuses.
class LongPromptTest : public testing::Test {
 protected:
  Outcome RunInLittle(const Words& words) const {
    return RunProgram(words, std::string("ulimit -v 1700000; ") + kQuickStart);
  }
  void ExpectRefused(const Outcome& outcome, const std::string& what) const {
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("error: " + what), HasSubstr(" would take about "),
                                   HasSubstr("B of memory; "), HasSubstr("B are available; ")));
    EXPECT_THAT(outcome.out, testing::IsEmpty());
  }

  const TempFolder folder_;
};

class LittleMemoryTest : public LongPromptTest {
 protected:
  void SetUp() override {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
    GTEST_SKIP() << "the sanitizer takes more addresses than that";
#endif
#endif
  }
};

TEST_F(LittleMemoryTest, APassThatTakesTooMuchMemoryIsRefusedFirst) {
  EXPECT_EQ(RunInLittle({"predict", "--ids", Ids(100)}).exit_code, 0);
  const std::string ids = Ids(60'000);
  ExpectRefused(RunInLittle({"predict", "--ids", ids}), "a pass over 60000 tokens");
  ExpectRefused(RunInLittle({"generate", "--ids", ids}), "a pass over 60000 tokens");
}

TEST_F(LittleMemoryTest, StatesThatTakeTooMuchMemoryAreRefusedFirst) {
  const Words states = {"states", "--ids", Ids(30'000), "--out", folder_ / "states.safetensors"};
  ExpectRefused(RunInLittle(states), "the states of 30000 tokens at ");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "states.safetensors"));
}

TEST_F(LongPromptTest, MemoryBoundsTheCleanRuns) {
  std::string subject;
  for (int i = 0; i < 8000; ++i) subject += "a b ";
  const Words trace = {
      "trace", "--prompt", "{} is in", "--subject", subject + "c",  "--corrupt-subject",
      "the c", "--memory", "64M",      "--out",     folder_ / "out"};
  const Outcome outcome = RunProgram(trace);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("error: a run of a prompt of "),
                                 HasSubstr("of memory; 64 MB are allowed; allow more with "
                                           "--memory")));
}

TEST_F(LongPromptTest, APromptLongerThanTheTrainingTextsIsWarnedOf) {
  const std::string warning =
      "warning: a prompt of 2049 tokens is longer than the texts of 2048 tokens";
  for (const Words& command : std::vector<Words>{
           {"predict"}, {"states", "--sites", "embed", "--out", folder_ / "states"}}) {
    const Words words = command + Words{"--model", "demo-neox", "--ids"};
    EXPECT_THAT(RunProgram(words + Words{Ids(2049)}).err, HasSubstr(warning)) << command[0];
    const Outcome fits = RunProgram(words + Words{Ids(2048), "--force"});
    if (command[0] == "states") EXPECT_EQ(fits.err, "");
  }
  EXPECT_THAT(
      RunProgram({"generate", "--model", Golden("gpt_neox"), "--ids", Ids(100), "--tokens", "100"})
          .err,
      HasSubstr("a prompt of 199 tokens is longer than the texts of 128 tokens"));
  EXPECT_EQ(RunProgram({"predict", "--ids", Ids(2049), "--quiet"}).err, "")
      << "a Mamba has no positions";
}

TEST_F(LongPromptTest, LearnedPositionsEndAText) {
  const auto error = [&](const Words& words) {
    const Outcome outcome = RunProgram(words + Words{"--model", Golden("gpt2")});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  const std::string longer =
      "a prompt of 129 tokens is longer than this model allows (n_positions: 128)";
  EXPECT_THAT(error({"predict", "--ids", Ids(129)}), HasSubstr(longer));
  EXPECT_THAT(error({"states", "--ids", Ids(129), "--out", folder_ / "states"}), HasSubstr(longer));
  EXPECT_THAT(error({"attention", "--layer", "1", "--ids", Ids(129), "--out", folder_ / "a"}),
              HasSubstr(longer));
  EXPECT_THAT(
      error({"generate", "--ids", Ids(120), "--tokens", "10"}),
      AllOf(HasSubstr("a prompt of 120 tokens and 10 more make a text longer than this model "
                      "allows (n_positions: 128)"),
            HasSubstr("add at most --tokens 9")));
  EXPECT_EQ(RunProgram({"generate", "--model", Golden("gpt2"), "--ids", Ids(120), "--tokens", "9"})
                .exit_code,
            0);
}

TEST_F(LittleMemoryTest, AttentionIsRefusedWithItsSize) {
  const Words attention = {"attention", "--model", Golden("gpt_neox"), "--layer",
                           "1",         "--out",   folder_ / "out"};
  const Outcome refused = RunProgram(attention + Words{"--ids", Ids(1001)});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(
      refused.err,
      HasSubstr("the prompt has 1001 tokens: attention.json would have about 58 MB for each "
                "mixer; take at most 1000 tokens, or allow more with --max-tokens 1001"));
  ExpectRefused(RunInLittle(attention + Words{"--ids", Ids(9000), "--max-tokens", "9000"}),
                "the matrices of 9000 tokens in 1 mixer");
}

TEST_F(LongPromptTest, AttentionOfALongPromptIsShownInPart) {
  const Outcome outcome = RunProgram({"attention", "--model", Golden("gpt_neox"), "--layer", "1",
                                      "--ids", Ids(210), "--out", folder_ / "out"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("note: the figures show the last 200 of 210 tokens; "
                                     "attention.json has all"));
  const Json json = ReadJson(folder_.path() / "out/attention.json");
  EXPECT_EQ(json["tokens"].size(), 210u);
  EXPECT_EQ(json["layers"][0]["signed"].size(), 210u);
}

TEST_F(LongPromptTest, ATraceRestoresTheTokensThatAreAskedFor) {
  const Words trace = {"trace",     "--prompt",     "The landmark called {} can be found in",
                       "--subject", "Eiffel Tower", "--corrupt-subject",
                       "Colosseum"};
  const Json all = RunForJson(trace + Words{"--out", folder_ / "all"})["facts"][0]["probs"],
             some = RunForJson(trace + Words{"--tokens", "subject,last", "--out",
                                             folder_ / "some"})["facts"][0]["probs"];
  ASSERT_EQ(some.size(), all.size());
  for (size_t t = 0; t < all.size(); ++t) {
    const bool restored = (t >= 4 && t < 7) || t + 1 == all.size();
    EXPECT_EQ(some[t], restored ? all[t] : Json(std::vector<Json>(all[t].size()))) << t;
  }
  const auto error = [&](const std::string& tokens) {
    return RunProgram(trace + Words{"--tokens", tokens, "--out", folder_ / "refused"}).err;
  };
  EXPECT_THAT(error("0-40"), HasSubstr("error: token 40 is beyond the prompt"));
  EXPECT_THAT(error("tail"), HasSubstr("'tail' is not a set of tokens"));
}

}  // namespace
}  // namespace mambascope
