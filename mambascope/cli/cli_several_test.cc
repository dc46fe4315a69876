// `trace` and `paths` of several models, sites and tokens, their logit differences, and results
// that have nothing to average.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mambascope/cli/cli_facts_test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class SeveralCliTest : public FactsCliTest {
 protected:
  // A document without what only says how its facts were run.
  static Json Numbers(const Json& document) {
    Json numbers = document;
    numbers.erase("options");
    return numbers;
  }
  void ExpectRefused(const Words& more, const std::string& says) const {
    const Outcome outcome = RunFacts("trace", "refused", more);
    EXPECT_EQ(outcome.exit_code, 2) << testing::PrintToString(more);
    EXPECT_THAT(outcome.err, HasSubstr(says)) << testing::PrintToString(more);
    EXPECT_FALSE(fs::exists(folder_ / "refused"));
  }
  const Words models_ = {"--model", "demo", "--model", "demo-neox"},
              louvre_ = {"--prompt",  "The landmark called {} can be found in",
                         "--subject", "Louvre",
                         "--out",     folder_ / "out"};
};

// The options of two runs whose command lines differ.
Json WithoutArguments(Json options) {
  options.erase("arguments");
  return options;
}

TEST_F(SeveralCliTest, SitesShareFactsAndEqualEachAlone) {
  const Outcome outcome = RunFacts(
      "trace", "out", {"--limit", "3", "--site", "resid,gate", "--json", "--check", "--explain"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json both = ParseJson(outcome.out, "stdout");
  EXPECT_THAT(Keys(both), ElementsAre("sites"));
  ASSERT_EQ(both["sites"].size(), 2u);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("plan: 3 facts, "), HasSubstr("in 1 pass")))
      << "one sweep for both";
  for (size_t s = 0; s < 2; ++s) {
    const std::string site = s == 0 ? "resid" : "gate";
    const Json alone = RunForResult("trace", site, {"--limit", "3", "--site", site});
    EXPECT_EQ(both["sites"][s]["site"], site);
    EXPECT_EQ(WithoutArguments(both["sites"][s]["options"]), WithoutArguments(alone["options"]));
    ExpectClose(both["sites"][s]["facts"], alone["facts"], 1e-4);
    ExpectClose(both["sites"][s]["average"]["ie"], alone["average"]["ie"], 1e-4);
  }
  EXPECT_NE(both["sites"][0]["facts"][0]["probs"], both["sites"][1]["facts"][0]["probs"]);
  for (const char* file : {"trace.resid.jsonl", "trace.gate.jsonl"})
    EXPECT_EQ(Lines(ReadFile(folder_ / "out" / file)).size(), 3u) << file;
  EXPECT_FALSE(fs::exists(folder_ / "out/trace.jsonl"));
}

TEST_F(SeveralCliTest, InterruptedSitesGoOnToTheSameResult) {
  const Words sites = {"--limit", "4", "--site", "resid,gate"};
  const Json whole = RunForResult("trace", "out", sites);
  const std::string resid = folder_ / "out/trace.resid.jsonl",
                    gate = folder_ / "out/trace.gate.jsonl";
  const Words lines = Lines(ReadFile(resid));
  WriteFile(resid, lines[0] + "\n" + lines[1] + "\n");
  WriteFile(gate, Lines(ReadFile(gate))[0] + "\n");
  const Outcome outcome = RunFacts("trace", "out", sites + Words{"--explain"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("1 of 4 facts already computed"));
  ExpectClose(Result("trace", "out"), whole, 1e-4);
  EXPECT_EQ(Lines(ReadFile(resid)).size(), 4u);
  EXPECT_EQ(Lines(ReadFile(gate)).size(), 4u);
  EXPECT_EQ(Lines(ReadFile(resid))[0], lines[0]);
}

TEST_F(SeveralCliTest, ModelsShareFactsAndOtherSubjects) {
  const Json both =
      RunForResult("trace", "out", models_ + Words{"--limit", "3", "--site", "resid,mixer_out"});
  EXPECT_THAT(Keys(both), ElementsAre("models"));
  ASSERT_EQ(both["models"].size(), 2u);
  for (size_t m = 0; m < 2; ++m) {
    const Json& sites = both["models"][m]["sites"];
    ASSERT_EQ(sites.size(), 2u);
    for (size_t s = 0; s < 2; ++s) {
      EXPECT_EQ(sites[s]["name"], m == 0 ? "demo" : "demo-neox");
      EXPECT_EQ(sites[s]["options"]["model"], m == 0 ? "demo" : "demo-neox");
      ASSERT_EQ(sites[s]["facts"].size(), 3u);
      for (size_t i = 0; i < 3; ++i) {
        const Json &fact = sites[s]["facts"][i], &first = both["models"][0]["sites"][0]["facts"][i];
        for (const char* shared : {"prompt", "corrupt_prompt", "corrupt_subject"})
          EXPECT_EQ(fact[shared], first[shared]);
        EXPECT_EQ(fact["probs"].back().size(), m == 0 ? 16u : 10u);
        EXPECT_GT(fact["p_clean"], 0.1) << "both know it";
      }
    }
  }
  EXPECT_EQ(Lines(ReadFile(folder_ / "out/trace.demo-neox.mixer_out.jsonl")).size(), 3u);
  EXPECT_THAT(ReadFile(folder_ / "out/trace.html"),
              AllOf(HasSubstr("demo-neox, mixer_out"), HasSubstr("depth of the layer")));
  const Json alone = RunForResult("trace", "one", {"--limit", "3"}),
             again = RunForResult("trace", "two", models_ + Words{"--limit", "3"});
  EXPECT_THAT(Keys(again["models"][0]), testing::UnorderedElementsAreArray(Keys(alone)));
}

TEST_F(SeveralCliTest, PathsOfModelsAndTokens) {
  const Json both = RunForResult(
      "paths", "out", models_ + Words{"--limit", "3", "--at", "subject_last,prompt_last"});
  ASSERT_EQ(both["models"].size(), 2u);
  for (size_t t = 0; t < 2; ++t) {
    const std::string at = t == 0 ? "subject_last" : "prompt_last";
    const Json& document = both["models"][0]["tokens"][t];
    EXPECT_EQ(document["at"], at);
    EXPECT_EQ(Lines(ReadFile(folder_ / "out" / ("paths.demo." + at + ".jsonl"))).size(), 3u);
    const Json alone = RunForResult("paths", at, {"--limit", "3", "--at", at});
    ASSERT_EQ(Keys(alone), Keys(document));
    if (document["facts"][0]["prompt"] == alone["facts"][0]["prompt"])
      ExpectClose(document["facts"][0], alone["facts"][0], 1e-4);
  }
  EXPECT_NE(both["models"][0]["tokens"][0]["conditions"],
            both["models"][0]["tokens"][1]["conditions"]);
  EXPECT_THAT(Keys(both["models"][1]["tokens"][0]["conditions"]),
              testing::UnorderedElementsAre("recovery", "mixer_out", "mlp_out"));
  EXPECT_THAT(ReadFile(folder_ / "out/paths.html"), HasSubstr("demo-neox, the subject's last"));
}

TEST_F(SeveralCliTest, MetricOfLogitsIsAveragedInAddition) {
  const Json plain = RunForResult("trace", "p", {"--limit", "3"}),
             logits = RunForResult("trace", "out", {"--limit", "3", "--metric", "logit_diff"});
  ExpectClose(logits["facts"], plain["facts"], 1e-9);
  ExpectClose(logits["average"], plain["average"], 1e-9);
  EXPECT_FALSE(plain.contains("average_logit_diff"));
  const Json& average = logits["average_logit_diff"];
  EXPECT_EQ(average["guarded"], 0);
  for (size_t layer : {0u, 8u, 15u}) {
    double mean = 0;
    for (const Json& fact : logits["facts"]) {
      const double low = fact["logit_diff_corrupt"], high = fact["logit_diff_clean"],
                   d = fact["logit_diff"].back()[layer];
      EXPECT_GT(high, low);
      mean += (d - low) / (high - low) / 3;
    }
    EXPECT_NEAR(average["ie"][4][layer].get<double>(), mean, 1e-9);
  }
  EXPECT_NEAR(average["ie"][4][15].get<double>(), 1, 1e-4) << "the last residual is the answer's";
  EXPECT_NE(average["ie"], logits["average"]["ie"]);
  EXPECT_THAT(ReadFile(folder_ / "out/trace.html"), HasSubstr("on the logit difference"));
  const Json paths = RunForResult("paths", "paths", {"--limit", "3", "--metric", "logit_diff"});
  EXPECT_NE(paths["average_logit_diff"]["conditions"], paths["conditions"]);
  EXPECT_EQ(paths["average_logit_diff"]["used"], 3);
}

TEST_F(SeveralCliTest, OtherAnswerIsGivenOrThatOfTheOtherSubject) {
  const Words colosseum = {"--corrupt-subject", "Colosseum"}, noise = {"--noise", "3"};
  const Json own = RunForJson(Words{"trace"} + louvre_ + colosseum)["facts"][0];
  EXPECT_EQ(own["other_answer"], " Rome");
  const Json given = RunForJson(Words{"trace", "--other-answer", "London", "--force"} + louvre_ +
                                colosseum)["facts"][0];
  EXPECT_EQ(given["other_answer"], " London");
  EXPECT_NE(given["logit_diff_clean"], own["logit_diff_clean"]);
  EXPECT_EQ(given["probs"], own["probs"]);
  const Json noisy = RunForJson(Words{"trace", "--force"} + louvre_ + noise)["facts"][0];
  for (const char* key :
       {"other_answer", "other_answer_id", "logit_diff", "logit_diff_clean", "logit_diff_corrupt"})
    EXPECT_TRUE(noisy[key].is_null()) << key;
  const Json both =
      RunForJson(Words{"trace", "--force", "--other-answer", "Rome"} + louvre_ + noise)["facts"][0];
  EXPECT_TRUE(both["logit_diff"][0][0].is_number());
  const Outcome same = RunProgram(
      Words{"trace", "--force", "--metric", "logit_diff", "--corrupt-subject", "Eiffel Tower"} +
      louvre_);
  EXPECT_EQ(same.exit_code, 1);
  EXPECT_THAT(same.err, AllOf(HasSubstr("both prompts give the answer"),
                              HasSubstr("--other-answer"), Not(HasSubstr("unexpected"))));
}

// Noise that is too weak to change an answer.
TEST_F(SeveralCliTest, FactsOfWhichNoneQualifiesAreAResultThatSaysSo) {
  for (const std::string command : {"trace", "paths"}) {
    const Outcome outcome =
        RunFacts(command, command, {"--limit", "3", "--noise", "0.000001", "--samples", "1"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("None of the 3 facts qualifies, because p_clean - p_corrupt "
                                       "is below 0.01."));
    EXPECT_THAT(outcome.err, HasSubstr("warning: demo: None of the 3 facts qualifies"));
    const Json result = Result(command, command);
    EXPECT_EQ(command == "trace" ? result["average"]["guarded"] : result["guarded"], 3);
    EXPECT_EQ(result["facts"].size(), 3u);
    EXPECT_THAT(ReadFile(folder_ / command / (command + ".html")),
                HasSubstr("None of the 3 facts qualifies"));
  }
  const Outcome several =
      RunFacts("trace", "sites",
               {"--limit", "3", "--noise", "0.000001", "--samples", "1", "--site", "resid,gate"});
  ASSERT_EQ(several.exit_code, 0) << several.err;
  EXPECT_THAT(several.out, HasSubstr("gate: None of the 3 facts qualifies"));
  const Outcome isolated = RunFacts(
      "trace", "isolate", {"--limit", "3", "--noise", "0.000001", "--samples", "1", "--isolate"});
  EXPECT_EQ(isolated.exit_code, 0) << isolated.err;
}

TEST_F(SeveralCliTest, WhatDoesNotFitIsRefused) {
  ExpectRefused({"--model", "demo", "--model", "demo"}, "is the same model as an earlier --model");
  ExpectRefused({"--model", "demo", "--model", RepositoryFolder() / "models/demo-mamba"},
                "is the same model as an earlier --model");
  ExpectRefused({"--metric", "logit_diff", "--noise", "3"}, "there is no other answer");
  ExpectRefused({"--metric", "logit_diff", "--isolate"},
                "--isolate does not go with --metric logit_diff");
  ExpectRefused({"--metric", "rank"}, "--metric");
  ExpectRefused({"--other-answer", "Rome"}, "--other-answer needs --prompt");
  const Outcome one =
      RunProgram(Words{"paths", "--corrupt-subject", "Colosseum"} + louvre_ + models_);
  EXPECT_EQ(one.exit_code, 2);
  EXPECT_THAT(one.err, HasSubstr("with several models, one fact needs --answer"));
  const Outcome twice = RunFacts("trace", "twice", {"--site", "resid,resid"});
  EXPECT_EQ(twice.exit_code, 1);
  EXPECT_THAT(twice.err, HasSubstr("resid is given twice"));
  const Outcome lacking = RunFacts("trace", "lacking", models_ + Words{"--site", "ssm_out"});
  EXPECT_EQ(lacking.exit_code, 1);
  EXPECT_THAT(lacking.err, HasSubstr("error: demo-neox: ")) << "it has no such site";
  EXPECT_THAT(lacking.err, HasSubstr("ssm_out"));
}

}  // namespace
}  // namespace mambascope
