// What the commands that run over facts of data sets write.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/cli/cli_facts_test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

const Words kFactKeys = {"ids",
                         "corrupt_ids",
                         "corrupt_prompt",
                         "corrupt_subject_span",
                         "relation",
                         "subject",
                         "corrupt_subject",
                         "prompt",
                         "answer",
                         "answer_id",
                         "p_clean",
                         "p_corrupt",
                         "tokens",
                         "probs",
                         "corrupt_tokens",
                         "subject_span",
                         "other_answer",
                         "other_answer_id",
                         "logit_diff",
                         "logit_diff_clean",
                         "logit_diff_corrupt"};

TEST_F(FactsCliTest, TraceWritesWhatItPromises) {
  const Outcome outcome =
      RunFacts("trace", "out", {"--limit", "3", "--json", "--check", "--explain"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json trace = ParseJson(outcome.out, "stdout");
  EXPECT_EQ(Result("trace", "out"), trace);
  EXPECT_THAT(Keys(trace), UnorderedElementsAre("options", "name", "metric", "site", "window",
                                                "facts", "average", "relations"));
  EXPECT_THAT(Keys(trace["options"]),
              testing::IsSupersetOf({"command", "model", "commit", "version", "seed", "device",
                                     "dtype", "relations", "limit", "all_facts"}));
  EXPECT_EQ(trace["options"]["relations"], Json::array({relation_}));
  EXPECT_THAT(Keys(trace["average"]), testing::IsSupersetOf({"rows", "ie", "as_published", "ci95",
                                                             "facts_per_row", "guarded"}));
  EXPECT_EQ(trace["average"]["ie"].size(), 5u);
  ASSERT_EQ(trace["facts"].size(), 3u);
  for (const Json& fact : trace["facts"]) {
    EXPECT_THAT(Keys(fact), testing::UnorderedElementsAreArray(kFactKeys));
    EXPECT_EQ(fact["relation"], "river_continent");
    EXPECT_EQ(fact["probs"].size(), fact["tokens"].size());
    EXPECT_EQ(fact["probs"].back().size(), 16u);
    EXPECT_GT(fact["p_clean"], fact["p_corrupt"]);
    EXPECT_NEAR(fact["probs"].back().back().get<double>(), fact["p_clean"].get<double>(), kRounding)
        << "the last residual is the answer's";
  }
  EXPECT_EQ(
      trace["relations"],
      ParseJson(
          R"([{"name": "river_continent", "facts": 12, "tested": 12, "known": 12, "without_partner": 0,
                                             "chosen": 3}])",
          "text"));
  EXPECT_EQ(Lines(ReadFile(folder_ / "out/trace.jsonl")).size(), 3u);
  EXPECT_THAT(ReadFile(folder_ / "out/trace.html"),
              AllOf(HasSubstr("river_continent 3 of 12"), EndsWith("</html>\n")));
  EXPECT_THAT(Lines(outcome.err),
              testing::ElementsAre(StartsWith("plan: 3 facts, "),
                                   StartsWith("check: 8 cells computed again")));
}

TEST_F(FactsCliTest, PathsWritesWhatItPromises) {
  const Outcome outcome = RunFacts(
      "paths", "out", {"--limit", "3", "--at", "prompt_last", "--json", "--check", "--explain"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json paths = ParseJson(outcome.out, "stdout");
  EXPECT_EQ(Result("paths", "out"), paths);
  EXPECT_THAT(Keys(paths), testing::IsSupersetOf({"options", "at", "conditions", "facts", "ci95",
                                                  "used", "guarded", "relations"}));
  EXPECT_EQ(paths["at"], "prompt_last");
  EXPECT_THAT(Keys(paths["conditions"]),
              UnorderedElementsAre("recovery", "ssm_out", "gate", "mixer_out"));
  RunFacts("paths", "hybrid", {"--model", "demo-hybrid", "--limit", "1"});
  EXPECT_THAT(Keys(Result("paths", "hybrid")["conditions"]),
              UnorderedElementsAre("recovery", "ssm_out", "gate", "mixer_out", "mamba_out",
                                   "attn_out", "mlp_out"));
  ASSERT_EQ(paths["facts"].size(), 3u);
  for (const Json& fact : paths["facts"])
    EXPECT_THAT(Keys(fact), testing::UnorderedElementsAreArray(kFactKeys));
  for (const auto& [condition, curve] : paths["conditions"].items()) {
    ASSERT_EQ(curve.size(), 16u);
    EXPECT_NEAR(curve.back().get<double>(), 1, 1e-4)
        << condition << ": the last residual of the last token is the answer's";
    double mean = 0;
    for (const Json& fact : paths["facts"]) {
      const double low = fact["p_corrupt"], high = fact["p_clean"], p = fact["probs"][condition][9];
      mean += (p - low) / (high - low) / 3;
    }
    EXPECT_NEAR(curve[9].get<double>(), mean, 1e-9) << condition;
  }
  EXPECT_THAT(Lines(outcome.err),
              testing::ElementsAre(StartsWith("plan: 3 facts, "),
                                   StartsWith("check: 8 cells computed again")));
  EXPECT_THAT(ReadFile(folder_ / "out/paths.html"), HasSubstr("river_continent 3 of 12"));
}

// Every fact's effect at a token and a layer from its probabilities, by the definition.
double Effect(const Json& fact, size_t token, size_t layer) {
  const double low = fact["p_corrupt"], high = fact["p_clean"], p = fact["probs"][token][layer];
  return (p - low) / (high - low);
}

TEST_F(FactsCliTest, IsolateIsTheDifferenceOfThreeTraces) {
  const Json isolate = RunForResult("trace", "isolate", {"--limit", "3", "--isolate"});
  EXPECT_EQ(isolate["site"], "mixer_out");
  std::map<std::string, Json> alone;
  for (const char* site : {"mixer_out", "ssm_out", "gate"})
    alone[site] = RunForResult("trace", site, {"--limit", "3", "--site", site});
  for (size_t i = 0; i < 3; ++i) {
    const Json& fact = isolate["facts"][i];
    ExpectClose(fact["probs"], alone["mixer_out"]["facts"][i]["probs"], kRounding);
    ExpectClose(fact["ssm_out"], alone["ssm_out"]["facts"][i]["probs"], kRounding);
    ExpectClose(fact["gate"], alone["gate"]["facts"][i]["probs"], kRounding);
  }
  ExpectClose(isolate["isolate"]["gate"], alone["gate"]["average"], kRounding);
  ExpectClose(isolate["isolate"]["ssm_out"], alone["ssm_out"]["average"], kRounding);
  ExpectClose(isolate["average"], alone["mixer_out"]["average"], kRounding);
  double largest = 0;
  for (size_t layer = 0; layer < 16; ++layer) {
    for (const auto& [row, name] : {std::pair(2, "subject_last"), std::pair(4, "last")}) {
      double mean = 0;
      for (size_t i = 0; i < 3; ++i) {
        const Json& fact = isolate["facts"][i];
        const size_t token =
            row == 2 ? fact["subject_span"][1].get<size_t>() - 1 : fact["tokens"].size() - 1;
        const auto effect = [&](const char* site) {
          return Effect(alone[site]["facts"][i], token, layer);
        };
        mean += (effect("mixer_out") - effect("ssm_out") - effect("gate")) / 3;
      }
      EXPECT_NEAR(isolate["isolate"]["ie"][row][layer].get<double>(), mean, kRounding)
          << name << " " << layer;
      largest = std::max(largest, std::abs(mean));
    }
  }
  EXPECT_GT(largest, 0.01) << "the difference must not vanish";
}

TEST_F(FactsCliTest, CounterFactIsTracedByItsRelations) {
  const std::string file = RepositoryFolder() / "data/demo/counterfact.json";
  const Words once = {"trace", "--counterfact", file, "--limit", "2", "--out", folder_ / "out"};
  const Outcome outcome = RunProgram(once);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(StartsWith("2 facts\n"), HasSubstr("out/trace.json\n")));
  const Json trace = Result("trace", "out");
  std::map<std::string, Json> record_of;  // by prompt
  for (const Json& record : ReadJson(file)) {
    const Json& rewrite = record["requested_rewrite"];
    std::string prompt = rewrite["prompt"];
    record_of[prompt.replace(prompt.find("{}"), 2, rewrite["subject"].get<std::string>())] =
        rewrite;
  }
  for (const Json& fact : trace["facts"]) {
    const Json& rewrite = record_of.at(fact["prompt"]);
    EXPECT_EQ(fact["relation"], rewrite["relation_id"]);
    EXPECT_EQ(fact["subject"], rewrite["subject"]);
    const std::string answer = fact["answer"];
    EXPECT_THAT(" " + rewrite["target_true"]["str"].get<std::string>(), StartsWith(answer))
        << "the model knows it";
  }
}

TEST_F(FactsCliTest, FileGivenTwiceCountsOnce) {
  Json records = Json::array();
  for (const char* subject : {"Nile", "Congo River", "Yangtze", "Mekong"})
    records.push_back(
        {{"prompt", "{} is the name of a river in"},
         {"subject", subject},
         {"target_new", "Europe"},
         {"ground_truth", subject == std::string("Nile") || subject == std::string("Congo River")
                              ? "Africa"
                              : "Asia"}});
  WriteFile(folder_ / "c.json", records.dump());
  const Outcome outcome = RunProgram({"paths", "--counterfact", folder_ / "c.json", "--counterfact",
                                      folder_ / "c.json", "--all-facts", "--out", folder_ / "out"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json paths = Result("paths", "out");
  EXPECT_EQ(paths["facts"].size(), 4u) << "a fact that repeats is there once";
  EXPECT_EQ(paths["relations"][0]["facts"], 4);
  EXPECT_EQ(Lines(ReadFile(folder_ / "out/paths.jsonl")).size(), 4u);
}

TEST_F(FactsCliTest, OneFactUnderNoise) {
  const Json trace =
      RunForJson({"trace", "--prompt", "{} is the name of a river in", "--subject", "Congo River",
                  "--noise", "3", "--samples", "3", "--out", folder_ / "out"});
  ASSERT_EQ(trace["facts"].size(), 1u);
  EXPECT_TRUE(trace["facts"][0]["corrupt_subject"].is_null());
  EXPECT_GT(trace["facts"][0]["p_clean"], trace["facts"][0]["p_corrupt"]);
  EXPECT_FALSE(fs::exists(folder_ / "out/trace.jsonl")) << "one fact is not worth going on with";
}

// Nothing to restore: what is printed must not speak of what is not there.
TEST_F(FactsCliTest, PathsOfAFactWithoutAnEffectSaySo) {
  const Outcome outcome =
      RunProgram({"paths", "--prompt", "{} is the name of a river in", "--subject", "Nile",
                  "--corrupt-subject", "Congo River", "--out", folder_ / "out"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Result("paths", "out")["guarded"], 1);
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("nothing to restore"), Not(HasSubstr("no counterpart"))));
}

// Bytes of a file's name that are no UTF-8.
TEST_F(FactsCliTest, FileNameThatIsNoUtf8IsEchoedAsFarAsItCanBe) {
  const std::string odd = folder_ / "r\xff.json";
  fs::copy(relation_, odd);
  const Outcome outcome =
      RunProgram({"trace", "--relations", odd, "--limit", "1", "--out", folder_ / "out"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(folder_ / "out/trace.json"));
}

TEST_F(FactsCliTest, UnfitDataIsOneLineThatNamesIt) {
  fs::create_directory(folder_ / "empty");
  const struct {
    Words words;
    const char* says;
  } kCases[] = {{{"--relations", folder_ / "missing"}, "missing: cannot be read"},
                {{"--relations", folder_ / "empty"}, "holds no .json file"},
                // Facts are read before the model is.
                {{"--relations", folder_ / "missing", "--model", folder_ / "empty"}, "missing: "},
                {{"--counterfact", relation_}, "rivers.json"}};
  for (const auto& [words, says] : kCases) {
    Words line = {"paths", "--limit", "1", "--out", folder_ / "out"};
    line.insert(line.end(), words.begin(), words.end());
    const Outcome outcome = RunProgram(line);
    EXPECT_EQ(outcome.exit_code, 1) << says;
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("error: "), HasSubstr(says), Not(HasSubstr("unexpected"))));
    EXPECT_EQ(Lines(outcome.err).size(), 1u);
    EXPECT_FALSE(fs::exists(folder_ / "out/paths.json")) << says;
  }
}

TEST_F(FactsCliTest, TooLittleMemoryNamesTheOption) {
  const Outcome outcome = RunFacts("paths", "out", {"--limit", "1", "--memory", "1K"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err,
              AllOf(StartsWith("error: "), HasSubstr("--memory"), Not(HasSubstr("about 0 MB"))));
}

class FactUsageTest : public FactsCliTest {
 protected:
  // That the command line is refused before anything is done.
  void ExpectRefused(const Words& command, const Words& more) const {
    Words words = command;
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"--out", folder_ / "out"});
    const Outcome outcome = RunProgram(words);
    EXPECT_EQ(outcome.exit_code, 2) << testing::PrintToString(words);
    EXPECT_TRUE(outcome.out.empty()) << testing::PrintToString(words);
    EXPECT_FALSE(outcome.err.empty()) << testing::PrintToString(words);
    EXPECT_FALSE(fs::exists(folder_ / "out")) << testing::PrintToString(words);
    EXPECT_LT(outcome.err.size(), 300u) << "a message is to be read: " << outcome.err;
    fs::remove_all(folder_ / "out");
  }
  const Words one_ = {"trace", "--prompt", "{} is in", "--subject", "Rome"},
              swapped_ = {"paths", "--prompt",          "{} is in", "--subject",
                          "Rome",  "--corrupt-subject", "Oslo"};
  const Words files_ = {"trace", "--relations", relation_};
};

TEST_F(FactUsageTest, WrongCommandLinesExitWithTwo) {
  ExpectRefused({"trace"}, {"--limit", "3"});
  ExpectRefused({"paths"}, {"--subject", "Rome", "--corrupt-subject", "Oslo"});
  ExpectRefused(one_, {});
  ExpectRefused(swapped_, {"--noise", "3"});
  ExpectRefused(swapped_, {"--relations", relation_});
  ExpectRefused(swapped_, {"--at", "first"});
  for (const Words& more : {Words{"--corrupt-subject", "Oslo"},
                            {"--answer", "Italy"},
                            {"--noise", "3", "--samples", "0"},
                            {"--memory", "much"},
                            {"--isolate", "--site", "gate"},
                            {"--at", "subject_last"}})
    ExpectRefused(files_, more);
}

TEST_F(FactUsageTest, NumbersThatAreNotPositiveAreRefusedLegibly) {
  for (const Words& more : {Words{"--limit", "0"}, {"--limit", "some"}, {"--noise", "-1"}})
    ExpectRefused(files_, more);
}

// What has no meaning beside the other options is no slip to pass over in silence.
TEST_F(FactUsageTest, OptionsThatWouldBeIgnoredAreRefused) {
  ExpectRefused(swapped_, {"--limit", "2"});
  ExpectRefused(swapped_, {"--all-facts"});
  ExpectRefused(swapped_, {"--samples", "4"});
  ExpectRefused(files_, {"--limit", "1", "--samples", "4"});
}

}  // namespace
}  // namespace mambascope
