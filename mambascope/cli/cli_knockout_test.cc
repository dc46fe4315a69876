// The command `knockout`: what it writes, what its numbers are worked out from, and what it
// refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "mambascope/cli/cli_test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Each;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

size_t CountLines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

class KnockoutCliTest : public testing::Test {
 protected:
  // Rivers of two continents; "{} is the name of a river in" begins with the subject.
  KnockoutCliTest() {
    Json relation = ReadJson(RepositoryFolder() / "data/demo/relations/river_continent.json"),
         few = Json::array();
    for (size_t i = 0; i < 6; ++i) few.push_back(relation["samples"][i]);
    relation["samples"] = few;
    WriteFile(relation_, relation.dump());
  }
  Outcome Knock(const std::string& out, const Words& more) const {
    return RunProgram(Words{"knockout", "--out", folder_ / out} + more);
  }
  Json Result(const std::string& out, const Words& more) const {
    const Outcome outcome = Knock(out, more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.exit_code == 0 ? ReadJson(folder_ / out / "knockout.json") : Json();
  }
  void ExpectUsageError(const Words& more, const std::string& says) const {
    const Outcome outcome = Knock("refused", more);
    EXPECT_EQ(outcome.exit_code, 2) << testing::PrintToString(more);
    EXPECT_THAT(outcome.err, HasSubstr(says)) << testing::PrintToString(more);
    EXPECT_FALSE(fs::exists(folder_ / "refused"));
  }
  void ExpectError(const Words& more, const std::string& says) const {
    const Outcome outcome = Knock("failed", more);
    EXPECT_EQ(outcome.exit_code, 1) << testing::PrintToString(more);
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("error: "), HasSubstr(says), Not(HasSubstr("unexpected"))))
        << testing::PrintToString(more);
    EXPECT_FALSE(fs::exists(folder_ / "failed/knockout.json"));
  }

  const TempFolder folder_;
  const std::string relation_ = folder_ / "rivers.json";
  const Words facts_ = {"--relations", relation_, "--limit", "3"},
              tower_ = {"--prompt", "The landmark called {} can be found in", "--subject",
                        "Eiffel Tower"};
};

TEST_F(KnockoutCliTest, WritesWhatItPromises) {
  const Outcome outcome = Knock("out", facts_ + Words{"--json", "--check", "--explain", "--from",
                                                      "subject,last", "--to", "last,subject"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = ParseJson(outcome.out, "stdout");
  EXPECT_EQ(json, ReadJson(folder_ / "out/knockout.json"));
  EXPECT_THAT(Keys(json),
              testing::UnorderedElementsAre("options", "name", "windows", "base", "curves", "facts",
                                            "relations", "by_relation"));
  EXPECT_THAT(Keys(json["options"]), IsSupersetOf({"command", "model", "commit", "seed", "from",
                                                   "to", "mode", "window", "compat"}));
  EXPECT_FALSE(json["options"].contains("noise")) << "nothing is corrupted";
  EXPECT_THAT(Keys(json["base"]), testing::UnorderedElementsAre("accuracy", "mean_probability"));
  EXPECT_EQ(json["base"]["accuracy"], 1.0) << "the facts are known";
  ASSERT_EQ(json["curves"].size(), 4u);
  for (const Json& curve : json["curves"]) {
    EXPECT_THAT(Keys(curve), IsSupersetOf({"from", "to", "channels", "mode", "window", "x",
                                           "probability_change_percent", "ci95", "accuracy_percent",
                                           "facts_with_sources"}));
    EXPECT_EQ(curve["window"], 2);
    EXPECT_EQ(curve["x"].size(), 15u);
    EXPECT_EQ(curve["x"].back(), 14);
    for (const char* values : {"probability_change_percent", "ci95", "accuracy_percent"})
      EXPECT_EQ(curve[values].size(), 15u) << values;
  }
  ASSERT_EQ(json["facts"].size(), 3u);
  for (const Json& fact : json["facts"]) {
    EXPECT_THAT(Keys(fact),
                testing::UnorderedElementsAre("relation", "subject", "prompt", "answer",
                                              "answer_id", "p_base", "base_is_top", "ids", "tokens",
                                              "subject_span", "sources", "probs", "is_top"));
  }
  EXPECT_EQ(CountLines(ReadFile(folder_ / "out/knockout.jsonl")), 3u);
  EXPECT_THAT(ReadFile(folder_ / "out/knockout.html"),
              AllOf(HasSubstr("river_continent 3 of 6"), EndsWith("</html>\n")));
  EXPECT_THAT(outcome.err,
              AllOf(StartsWith("plan: 3 facts, "), HasSubstr("check: 8 cells computed again")));
}

// The mean over facts of 100 (p - p_base) / p_base, from the facts' own numbers.
TEST_F(KnockoutCliTest, CurvesAreMeansOfTheFactsRelativeChanges) {
  const Json json = Result("out", facts_ + Words{"--mode", "cut-conv"});
  double largest = 0, mean_p = 0;
  for (const Json& fact : json["facts"]) mean_p += fact["p_base"].get<double>() / 3;
  EXPECT_NEAR(json["base"]["mean_probability"].get<double>(), mean_p, 1e-9);
  for (size_t c = 0; c < 4; ++c) {
    for (size_t w = 0; w < 15; ++w) {
      double change = 0, hits = 0;
      for (const Json& fact : json["facts"]) {
        const double base = fact["p_base"], p = fact["probs"][c][w];
        change += 100 * (p - base) / base / 3;
        hits += fact["is_top"][c][w].get<bool>() ? 100.0 / 3 : 0;
      }
      const Json& curve = json["curves"][c];
      EXPECT_NEAR(curve["probability_change_percent"][w].get<double>(), change, 1e-9);
      EXPECT_NEAR(curve["accuracy_percent"][w].get<double>(), hits, 1e-9);
      EXPECT_LE(curve["ci95"][w][0].get<double>(), change);
      EXPECT_GE(curve["ci95"][w][1].get<double>(), change);
      largest = std::max(largest, std::abs(change));
    }
  }
  EXPECT_GT(largest, 1) << "the cuts must move the answer";
}

TEST_F(KnockoutCliTest, FactsWithoutSourcesAreTheBaseRunAndAreCounted) {
  const Outcome outcome = Knock("out", facts_ + Words{"--from", "context", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = ParseJson(outcome.out, "stdout");
  EXPECT_EQ(json["curves"][0]["facts_with_sources"], 0);
  for (const Json& change : json["curves"][0]["probability_change_percent"]) EXPECT_EQ(change, 0.0);
  for (const Json& fact : json["facts"]) EXPECT_THAT(fact["probs"][0], Each(fact["p_base"]));
  EXPECT_THAT(ReadFile(folder_ / "out/knockout.html"), HasSubstr("context in 0 of 3 facts"));
  EXPECT_THAT(Knock("out", facts_ + Words{"--from", "context"}).out,
              HasSubstr("0 of 3 facts have something to sever"));
}

TEST_F(KnockoutCliTest, LengthsOfWindowsAreCurvesAndEachIsThatOfItsOwnRun) {
  const Json json = Result("out", facts_ + Words{"--from", "subject,last", "--window", "1,3,9"});
  ASSERT_EQ(json["curves"].size(), 6u) << "a length that repeats is one curve";
  EXPECT_EQ(json["options"]["window"], Json({1, 3, 9}));
  for (size_t c = 0; c < 6; ++c) {
    const Json& curve = json["curves"][c];
    const size_t window = std::array<size_t, 3>{1, 3, 9}[c % 3];
    EXPECT_EQ(curve["from"], c < 3 ? "subject" : "last");
    EXPECT_EQ(curve["window"], window);
    EXPECT_EQ(curve["x"].size(), 17 - window);
    EXPECT_EQ(curve["probability_change_percent"].size(), 17 - window);
    EXPECT_EQ(json["facts"][0]["probs"][c].size(), 17 - window);
  }
  const Json three = Result("three", facts_ + Words{"--from", "subject,last", "--window", "3"});
  EXPECT_EQ(three["options"]["window"], 3);
  for (size_t f = 0; f < 2; ++f) {
    const Json &one = three["curves"][f], &same = json["curves"][3 * f + 1];
    EXPECT_EQ(one["x"], same["x"]);
    for (size_t w = 0; w < one["x"].size(); ++w)
      EXPECT_NEAR(one["probability_change_percent"][w].get<double>(),
                  same["probability_change_percent"][w].get<double>(), 1e-3);
  }
  EXPECT_NE(json["curves"][0]["probability_change_percent"][0],
            json["curves"][2]["probability_change_percent"][0])
      << "longer windows cut more";
}

TEST_F(KnockoutCliTest, SourcesAfterAllTargetsAreNone) {
  const Json json = Result("out", facts_ + Words{"--from", "last,first", "--to", "subject"});
  EXPECT_EQ(json["curves"][0]["facts_with_sources"], 0);
  EXPECT_EQ(json["curves"][1]["facts_with_sources"], 3);
}

TEST_F(KnockoutCliTest, HeatMapsRowsAreTheCurvesOfSingleTokens) {
  const Json json =
      Result("out", tower_ + Words{"--heatmap", "--from", "first,last", "--window", "3"});
  const Json& fact = json["facts"][0];
  ASSERT_EQ(fact["heatmap"]["probs"].size(), fact["tokens"].size());
  EXPECT_EQ(fact["heatmap"]["tokens"], fact["tokens"]);
  EXPECT_EQ(fact["heatmap"]["x"], json["curves"][0]["x"]);
  EXPECT_EQ(fact["heatmap"]["probs"].front(), fact["probs"][0]);
  EXPECT_EQ(fact["heatmap"]["probs"].back(), fact["probs"][1]);
  EXPECT_FALSE(fs::exists(folder_ / "out/knockout.jsonl")) << "one fact is not worth going on with";
  EXPECT_THAT(ReadFile(folder_ / "out/knockout.html"), HasSubstr("Token by token"));
}

TEST_F(KnockoutCliTest, InterruptedRunGoesOnToTheSameResult) {
  const Json whole = Result("out", facts_);
  const std::string file = folder_ / "out/knockout.jsonl", lines = ReadFile(file);
  WriteFile(file, lines.substr(0, lines.find('\n') + 1 + 40));
  const Outcome resumed = Knock("out", facts_ + Words{"--explain", "--json"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("1 of 3 facts already computed"));
  const Json again = ParseJson(resumed.out, "stdout");
  EXPECT_EQ(again["facts"][0], whole["facts"][0]);
  for (size_t w = 0; w < 15; ++w) {
    EXPECT_NEAR(again["curves"][1]["probability_change_percent"][w].get<double>(),
                whole["curves"][1]["probability_change_percent"][w].get<double>(), 1e-3);
  }
  for (const Words& other :
       {Words{"--mode", "cut-conv"}, {"--from", "all"}, {"--window", "4"}, {"--all-facts"}}) {
    const Outcome refused = Knock("out", facts_ + other);
    EXPECT_EQ(refused.exit_code, 1) << other[0];
    EXPECT_THAT(refused.err, HasSubstr("is the result of another run")) << other[0];
  }
}

TEST_F(KnockoutCliTest, MeanAblationHasNoTargetsAndMovesTheAnswer) {
  const Json json = Result("out", facts_ + Words{"--mode", "mean", "--compat", "romba"});
  ASSERT_EQ(json["curves"].size(), 4u);
  double largest = 0;
  for (const Json& curve : json["curves"]) {
    EXPECT_TRUE(curve["to"].is_null());
    EXPECT_EQ(curve["x"].size(), 16u) << "a window around each layer";
    for (const Json& change : curve["probability_change_percent"])
      largest = std::max(largest, std::abs(change.get<double>()));
  }
  EXPECT_EQ(json["curves"][2]["from"], "non_subject");
  EXPECT_GT(largest, 1);
  EXPECT_EQ(json["options"]["restore"], "others");
  EXPECT_TRUE(json["options"].contains("text_fingerprint"));
  EXPECT_NE(Result("free", facts_ + Words{"--mode", "mean", "--compat", "romba", "--restore",
                                          "none"})["curves"],
            json["curves"]);
  WriteFile(folder_ / "other.txt", "One two three\n");
  EXPECT_NE(Result("text", facts_ + Words{"--mode", "mean", "--compat", "romba", "--text",
                                          folder_ / "other.txt"})["curves"],
            json["curves"]);
}

TEST_F(KnockoutCliTest, SeveralModelsShareTheFactsThatAllKnow) {
  const Words models = {"--model", "demo", "--model", "demo-mamba2", "--model", "demo-neox"};
  const Json json = Result("out", facts_ + models);
  EXPECT_THAT(Keys(json), testing::ElementsAre("models"));
  ASSERT_EQ(json["models"].size(), 3u);
  for (size_t m = 0; m < 3; ++m) {
    const Json& model = json["models"][m];
    EXPECT_EQ(model["options"]["model"], models[2 * m + 1]);
    EXPECT_EQ(model["base"]["accuracy"], 1.0);
    ASSERT_EQ(model["facts"].size(), 3u);
    for (size_t i = 0; i < 3; ++i)
      EXPECT_EQ(model["facts"][i]["prompt"], json["models"][0]["facts"][i]["prompt"]);
  }
  for (const char* file :
       {"knockout.demo.jsonl", "knockout.demo-mamba2.jsonl", "knockout.demo-neox.jsonl"})
    EXPECT_EQ(CountLines(ReadFile(folder_ / "out" / file)), 3u) << file;
  EXPECT_THAT(ReadFile(folder_ / "out/knockout.html"), HasSubstr("depth of the window"));
  Json alone = Result("alone", facts_ + Words{"--model", "demo-neox"});
  EXPECT_EQ(alone["curves"][0]["x"], json["models"][2]["curves"][0]["x"]);
}

TEST_F(KnockoutCliTest, AllFactsAreJudgedByTheirObjects) {
  Json relation = ReadJson(relation_);
  relation["samples"][0]["object"] = "Atlantis";
  WriteFile(folder_ / "wrong.json", relation.dump());
  const Words all = {"--relations", folder_ / "wrong.json", "--all-facts", "--from", "last"};
  const Json json = Result("out", all);
  ASSERT_EQ(json["facts"].size(), 6u);
  EXPECT_NEAR(json["base"]["accuracy"].get<double>(), 5.0 / 6, 1e-9);
  for (const Json& fact : json["facts"]) {
    const bool wrong = fact["subject"] == relation["samples"][0]["subject"];
    EXPECT_EQ(fact["base_is_top"], !wrong);
    if (wrong) {
      EXPECT_THAT(" Atlantis", StartsWith(fact["answer"].get<std::string>()));
    }
  }
}

TEST_F(KnockoutCliTest, AnswerAndTokensCanBeGiven) {
  const Json json = Result("out", tower_ + Words{"--answer", "Rome", "--from", "0,2-3", "--from",
                                                 "subject_last", "--to", "all"});
  EXPECT_THAT(" Rome", StartsWith(json["facts"][0]["answer"].get<std::string>()));
  EXPECT_EQ(json["facts"][0]["base_is_top"], false);
  EXPECT_EQ(json["curves"][0]["from"], "0,2-3");
  EXPECT_EQ(json["facts"][0]["sources"], ParseJson("[3, 1]", "text"));
}

TEST_F(KnockoutCliTest, HeadsCutAPartOfAttention) {
  const Words neox = tower_ + Words{"--model", "demo-neox", "--from", "relation"};
  const Json some = Result("some", neox + Words{"--heads", "0-1"}), all = Result("all", neox),
             every = Result("every", neox + Words{"--heads", "all"});
  EXPECT_EQ(some["curves"][0]["channels"], "heads 0-1");
  EXPECT_NE(some["facts"][0]["probs"], all["facts"][0]["probs"]);
  for (size_t w = 0; w < all["curves"][0]["x"].size(); ++w)
    EXPECT_NEAR(every["facts"][0]["probs"][0][w].get<double>(),
                all["facts"][0]["probs"][0][w].get<double>(), 1e-5);
}

// In the hybrid, the cut of one kind leaves the other. In a Mamba, all mixers are of one kind.
TEST_F(KnockoutCliTest, KindsOfMixersAreCutAlone) {
  const Words hybrid =
      tower_ + Words{"--model", "demo-hybrid", "--from", "subject", "--window", "9"};
  const Json json = Result("out", hybrid + Words{"--mixers", "mamba,attention,all"}),
             plain = Result("plain", hybrid);
  ASSERT_EQ(json["curves"].size(), 3u);
  const auto p = [&](size_t curve) { return json["facts"][0]["probs"][curve][0].get<double>(); };
  const double base = json["facts"][0]["p_base"];
  for (size_t c = 0; c < 3; ++c)
    EXPECT_EQ(json["curves"][c]["mixers"], (std::array{"mamba", "attention", "all"})[c]);
  EXPECT_LT(p(0), 0.5 * base) << "the recurrences carry the fact";
  EXPECT_NE(p(1), base);
  EXPECT_NEAR(p(1), base, 0.1 * base) << "attention does not";
  EXPECT_NEAR(p(2), plain["facts"][0]["probs"][0][0].get<double>(), 1e-6);
  EXPECT_EQ(plain["curves"][0]["mixers"], "all");
  const std::string page = ReadFile(folder_ / "out/knockout.html");
  EXPECT_THAT(page, HasSubstr("by kind of mixer"));
  EXPECT_THAT(page, HasSubstr("attention alone"));
}

TEST_F(KnockoutCliTest, DecomposesTheAnswersLogit) {
  const Json json = Result("out", tower_ + Words{"--decompose", "--from", "subject"});
  const Json& parts = json["facts"][0]["decompose"];
  ASSERT_EQ(parts["by_token"].size(), 16u);
  const int64_t begin = json["facts"][0]["subject_span"][0],
                end = json["facts"][0]["subject_span"][1];
  double logit = parts["embedding"].get<double>() + parts["offset"].get<double>(), largest = 0;
  for (size_t l = 0; l < 16; ++l) {
    double subject = 0;
    for (int64_t t = begin; t < end; ++t)
      subject += parts["by_token"][l][static_cast<size_t>(t)].get<double>();
    EXPECT_NEAR(json["decompose"][0]["logit"][l].get<double>(), subject, 1e-9) << l;
    largest = std::max(largest, subject);
    for (const Json& token : parts["by_token"][l]) logit += token.get<double>();
    for (const char* other : {"skip", "bias", "mlp"}) logit += parts[other][l].get<double>();
  }
  EXPECT_NEAR(logit, parts["logit"].get<double>(), 1e-3);
  EXPECT_GT(largest, 1) << "the subject's tokens say where the tower is";
  EXPECT_THAT(ReadFile(folder_ / "out/knockout.html"), HasSubstr("logit by source"));
}

TEST_F(KnockoutCliTest, ChannelsAreCutByHowFastTheyForget) {
  const Words relation = tower_ + Words{"--from", "relation"};
  const auto probs = [](const Json& json, size_t curve) {
    return json["facts"][0]["probs"][curve];
  };
  const Json json =
      Result("out", relation + Words{"--channels", "all,fast,mid+slow,fast+mid+slow"});
  ASSERT_EQ(json["curves"].size(), 4u);
  EXPECT_EQ(json["curves"][2]["channels"], "mid+slow");
  EXPECT_NE(probs(json, 1), probs(json, 0));
  EXPECT_NE(probs(json, 2), probs(json, 1));
  for (size_t w = 0; w < 15; ++w)
    EXPECT_NEAR(probs(json, 3)[w].get<double>(), probs(json, 0)[w].get<double>(), 1e-5) << w;
  EXPECT_THAT(ReadFile(folder_ / "out/knockout.html"), HasSubstr("mid+slow"));
  EXPECT_EQ(Result("twice", relation + Words{"--channels", "fast,fast"})["curves"].size(), 1u);
  const Json step = Result(
      "step", relation + Words{"--channels", "fast", "--rank", "step", "--limit-documents", "3"});
  EXPECT_NE(probs(step, 0), probs(json, 1)) << "another rank, other channels";
}

// The public implementation names a group by the third that it leaves alone.
TEST_F(KnockoutCliTest, PublishedNamesOfChannelsAreThoseOfTheThirdLeftAlone) {
  const Words plain = tower_ + Words{"--from", "relation", "--compat", "knockout"};
  const Json json =
      Result("out", plain + Words{"--channels", "fast_decay,mid+slow,slow_decay,fast+mid"});
  const Json& probs = json["facts"][0]["probs"];
  EXPECT_EQ(probs[0], probs[1]);
  EXPECT_EQ(probs[2], probs[3]);
  EXPECT_NE(probs[0], probs[2]);
}

TEST_F(KnockoutCliTest, OptionsThatDoNotFitAreRefused) {
  ExpectUsageError(facts_ + Words{"--mode", "mean", "--to", "last"}, "--to");
  ExpectUsageError(facts_ + Words{"--mode", "mean", "--heads", "0"}, "--heads");
  ExpectUsageError(facts_ + Words{"--mode", "mean", "--channels", "fast"}, "--channels");
  ExpectUsageError(facts_ + Words{"--mode", "cut-conv", "--channels", "fast"}, "--mode cut");
  ExpectUsageError(facts_ + Words{"--mixers", "mamba", "--channels", "fast"},
                   "--mixers does not go with");
  ExpectUsageError(facts_ + Words{"--mixers", "mamba,mamba"}, "the same kind is given twice");
  ExpectUsageError(facts_ + Words{"--rank", "step"}, "--rank");
  ExpectUsageError(facts_ + Words{"--restore", "none"}, "--restore");
  ExpectUsageError(facts_ + Words{"--text", relation_}, "--text");
  ExpectUsageError(facts_ + Words{"--compat", "romba"}, "--compat romba");
  ExpectUsageError(facts_ + Words{"--mode", "cut-conv", "--compat", "knockout"},
                   "--compat knockout");
  ExpectUsageError(facts_ + Words{"--noise", "3"}, "--noise");
  ExpectUsageError(tower_ + Words{"--corrupt-subject", "Big Ben"}, "--corrupt-subject");
  ExpectUsageError(tower_ + Words{"--model", "demo", "--model", "demo-neox"},
                   "with several models, one fact needs --answer");
  ExpectUsageError(facts_ + Words{"--model", "demo", "--model", "demo"},
                   "is the same model as an earlier --model");
  ExpectUsageError(facts_ + Words{"--window", "0"}, "--window");
  ExpectUsageError(facts_ + Words{"--window", "3,0"}, "--window");
}

TEST_F(KnockoutCliTest, WhatTheModelOrThePromptLacksIsNamed) {
  ExpectError(facts_ + Words{"--from", "subjekt"}, "'subjekt' is not a set of tokens");
  ExpectError(facts_ + Words{"--window", "17"}, "--window 17: the model has only 16 layers");
  ExpectError(tower_ + Words{"--from", "99"}, "token 99 is beyond the prompt");
  ExpectError(facts_ + Words{"--from", "99"}, "token 99 is beyond the longest prompt");
  ExpectError(facts_ + Words{"--heads", "0"}, "--heads");
  ExpectError(facts_ + Words{"--mixers", "attention"}, "no layer of this model has attention");
  ExpectError(facts_ + Words{"--channels", "quick"}, "there is no group 'quick'");
  ExpectError(facts_ + Words{"--channels", "fast_decay"}, "--compat knockout");
  ExpectError(facts_ + Words{"--model", "demo-neox", "--channels", "fast"},
              "attention has no decay");
  ExpectError(facts_ + Words{"--model", "demo-neox", "--heads", "99"}, "--heads 99");
  ExpectError(facts_ + Words{"--model", "demo-neox", "--mode", "mean"}, "conv_in");
  ExpectError(facts_ + Words{"--mode", "mean", "--text", folder_ / "missing.txt"}, "missing.txt");
}

}  // namespace
}  // namespace mambascope
