// The command `lre`: what it writes and leaves out, that it goes on where it was, and operators
// that are saved and applied.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "mambascope/cli/cli_test_support.h"
#include "mambascope/experiments/lre/operator.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class LreCliTest : public testing::Test {
 protected:
  LreCliTest() {
    WriteSome("animal_class", 4);
    WriteSome("river_continent", 4);
  }
  // Every so many samples of a bundled relation, so that asking for them is quick.
  void WriteSome(const std::string& name, size_t step) const {
    Json relation = ReadJson(RepositoryFolder() / "data/demo/relations" / (name + ".json")),
         some = Json::array();
    for (size_t i = 0; i < relation["samples"].size(); i += step)
      some.push_back(relation["samples"][i]);
    relation["samples"] = some;
    WriteFile(Data(name), relation.dump());
  }
  // Three samples: none would be left to test.
  void WriteTiny() const {
    Json relation = ReadJson(Data("animal_class"));
    relation["name"] = "tiny";
    while (relation["samples"].size() > 3) relation["samples"].erase(3);
    WriteFile(Data("tiny"), relation.dump());
  }
  std::string Data(const std::string& name) const { return folder_ / (name + ".json"); }
  std::string Out(const std::string& name) const { return folder_ / ("out/" + name); }
  // Few layers, scales and samples, unless `more` has other ones.
  Words Quick(const Words& relations, const Words& more = {}) const {
    Words words = {"lre"};
    for (const auto& [option, value] :
         std::map<std::string, std::string>{{"--out", folder_ / "out"},
                                            {"--layers", "embed,8"},
                                            {"--betas", "1,3"},
                                            {"--ranks", "0,24"},
                                            {"--samples", "3"},
                                            {"--limit", "8"},
                                            {"--trials", "1"}}) {
      if (std::find(more.begin(), more.end(), option) == more.end())
        words = words + Words{option, value};
    }
    for (const std::string& relation : relations)
      words = words + Words{"--relations", Data(relation)};
    return words + more;
  }

  const TempFolder folder_;
};

TEST_F(LreCliTest, WritesWhatItPromises) {
  WriteTiny();
  const Json json =
      RunForJson(Quick({"animal_class", "tiny", "river_continent"}, {"--trials", "2"}));
  EXPECT_EQ(json, ReadJson(Out("lre.json")));
  EXPECT_THAT(Keys(json), UnorderedElementsAre("options", "relations", "skipped"));
  EXPECT_THAT(Keys(json["options"]), testing::IsSupersetOf({"command", "model", "commit", "seed",
                                                            "prefix", "samples", "compat"}));
  EXPECT_EQ(json["options"]["prefix"], "") << "the bundled models' texts begin with nothing";
  ASSERT_EQ(json["relations"].size(), 2u);
  for (const Json& relation : json["relations"]) {
    EXPECT_THAT(
        Keys(relation),
        UnorderedElementsAre("name", "kind", "template", "samples", "known", "range", "chance",
                             "layer", "causal_layer", "faithfulness", "faithfulness_in_3",
                             "identity", "translation", "regression", "beta", "causality", "rank",
                             "std", "ci95", "by_layer", "trials"));
    EXPECT_NEAR(relation["chance"].get<double>(), 100 / relation["range"].get<double>(), 1e-9);
    EXPECT_GT(relation["known"], 8) << "more than are tested";
    ASSERT_EQ(relation["by_layer"].size(), 2u);
    EXPECT_EQ(relation["by_layer"][0]["layer"], "embed");
    EXPECT_EQ(relation["by_layer"][1]["layer"], 8);
    EXPECT_THAT(
        Keys(relation["by_layer"][0]),
        UnorderedElementsAre("layer", "faithfulness", "faithfulness_in_3", "causality", "identity",
                             "translation", "regression", "beta", "rank", "std"));
    ASSERT_EQ(relation["trials"].size(), 2u);
    double mean = 0;
    for (const Json& trial : relation["trials"]) {
      EXPECT_EQ(trial["train"].size(), 3u);
      EXPECT_EQ(trial["tested"], 8);
      mean += trial["by_layer"][1]["faithfulness"].get<double>() / 2;
    }
    EXPECT_NEAR(relation["by_layer"][1]["faithfulness"].get<double>(), mean, 1e-9);
  }
  EXPECT_EQ(
      json["skipped"],
      ParseJson(
          R"([{"name": "tiny", "kind": "factual", "reason": "it needs more than 3 samples, but has 3"}])",
          "text"));
  EXPECT_EQ(json["relations"][0]["name"], "animal_class");
  EXPECT_THAT(ReadFile(Out("lre.html")),
              AllOf(HasSubstr("lre_relations"), HasSubstr("lre_layers"), HasSubstr("lre_range"),
                    HasSubstr("tiny: it needs more than 3 samples"), EndsWith("</html>\n")));
}

TEST_F(LreCliTest, GoesOnWhereItWas) {
  WriteTiny();
  const Json whole = RunForJson(Quick({"animal_class", "tiny", "river_continent"}));
  EXPECT_FALSE(whole["relations"][0].contains("std")) << "of one trial there is none";
  const std::string lines = ReadFile(Out("lre.jsonl"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3);
  WriteFile(Out("lre.jsonl"), lines.substr(0, lines.find('\n') + 40));
  const Outcome resumed =
      RunProgram(Quick({"river_continent", "animal_class"}, {"--explain", "--json"}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("2 relations (1 already computed)"));
  const Json json = ParseJson(resumed.out, "stdout");
  EXPECT_EQ(json["relations"][1], whole["relations"][0]) << "in the order of the command line";
  EXPECT_EQ(json["relations"][0], whole["relations"][1]);
  EXPECT_THAT(RunProgram(Quick({"animal_class"}, {"--seed", "3"})).err,
              HasSubstr("is the result of another run"));
  WriteSome("animal_class", 5);
  EXPECT_NE(RunForJson(Quick({"animal_class"}))["relations"][0]["samples"],
            whole["relations"][0]["samples"])
      << "another file";
}

TEST_F(LreCliTest, SavesOperatorsThatCanBeApplied) {
  const Json made =
      RunForJson(Quick({"animal_class"}, {"--layers", "8", "--save", "animal_class"}));
  const StoredLre stored = ReadLre(Out("lre/animal_class.safetensors"));
  const Json& trial = made["relations"][0]["trials"][0];
  EXPECT_EQ(stored.relation, "animal_class");
  EXPECT_EQ(stored.lre.layer, 8);
  EXPECT_EQ(stored.lre.beta, trial["by_layer"][0]["beta"]);
  EXPECT_EQ(stored.rank, trial["by_layer"][0]["rank"]);
  const std::string pattern = ReadJson(Data("animal_class"))["prompt_templates"][0],
                    subject = trial["train"][0]["subject"];
  const Words apply = {
      "lre", "--apply", Out("lre/animal_class.safetensors"), "--subject", subject, "--top", "3"};
  const std::string bare = RunForJson(apply + Words{"--prompt", pattern})["prompt"],
                    example = trial["train"][1]["subject"];
  EXPECT_THAT(bare, StartsWith(subject));
  const Json json = RunForJson(apply);
  EXPECT_THAT(Keys(json),
              UnorderedElementsAre("relation", "layer", "beta", "prompt", "operator", "model"));
  EXPECT_THAT(json["prompt"].get<std::string>(),
              AllOf(HasSubstr(example), EndsWith(bare), StartsWith(example)))
      << "without its own sample";
  ASSERT_EQ(json["operator"].size(), 3u);
  ASSERT_EQ(json["model"].size(), 3u);
  const Json predicted = RunForJson({"predict", "--prompt", json["prompt"], "--top", "3"});
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(json["model"][i]["id"], predicted["top"][i]["id"]);
    EXPECT_NEAR(json["model"][i]["prob"].get<double>(), predicted["top"][i]["prob"].get<double>(),
                1e-5);
  }
  EXPECT_NE(json["operator"][0]["prob"], json["model"][0]["prob"]);
  EXPECT_THAT(RunProgram(apply).out,
              AllOf(StartsWith("animal_class at layer 8, beta "), HasSubstr("the operator says")));
  EXPECT_THAT(RunProgram(apply + Words{"--model", "demo-mamba2"}).err,
              HasSubstr("another checkpoint"));
  StoredLre elsewhere = stored;
  elsewhere.lre.layer = 16;
  WriteLre(folder_ / "elsewhere.safetensors", elsewhere);
  const Outcome outcome =
      RunProgram({"lre", "--apply", folder_ / "elsewhere.safetensors", "--subject", subject});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(
      outcome.err,
      HasSubstr(
          "elsewhere.safetensors is an operator of layer 16, but the model has layers 0 to 15"));
}

TEST_F(LreCliTest, PublishedChoicesAreAnOption) {
  const Json published =
      RunForJson(Quick({"animal_class"}, {"--compat", "relations", "--prefix", ""}));
  EXPECT_EQ(published["options"]["seed"], 123456);
  const Json& relation = published["relations"][0];
  double best = 0;
  for (const Json& layer : relation["by_layer"])
    best = std::max(best, layer["faithfulness"].get<double>());
  EXPECT_EQ(relation["faithfulness"], best) << "chosen on the test samples";
  const Words other = {"--compat", "relations", "--seed", "7", "--out", folder_ / "other"};
  EXPECT_EQ(RunForJson(Quick({"animal_class"}, other))["options"]["seed"], 7);
  EXPECT_TRUE(ReadJson(folder_ / "other/lre.json")["options"]["prefix"].is_null())
      << "the tokenizer's";
}

TEST_F(LreCliTest, WhereNothingCanBeMeasuredThePageSaysWhy) {
  WriteTiny();
  const Outcome outcome = RunProgram(Quick({"tiny"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("skipped tiny: it needs more than 3 samples"));
  EXPECT_THAT(ReadFile(Out("lre.html")),
              AllOf(HasSubstr("tiny: it needs more than 3 samples"), Not(HasSubstr("<section"))));
}

TEST_F(LreCliTest, WhatCannotBeDoneIsSaid) {
  const auto expect_error = [&](const Words& words, const std::string& says) {
    const Outcome outcome = RunProgram(words);
    EXPECT_EQ(outcome.exit_code, 1) << testing::PrintToString(words);
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("error: "), HasSubstr(says), Not(HasSubstr("unexpected"))));
    EXPECT_FALSE(fs::exists(Out("lre.json")));
  };
  expect_error(Quick({"animal_class"}, {"--layers", "16"}), "0 to 15");
  expect_error(Quick({"animal_class"}, {"--layers", "embed,"}), "--layers");
  expect_error(Quick({"animal_class"}, {"--ranks", "193"}), "193");
  expect_error(Quick({"animal_class"}, {"--save", "animal"}),
               "--save animal: no relation has that name");
  expect_error(Quick({"animal_class", "animal_class"}), "would have the same file");
  expect_error(Quick({"none"}), "none.json");
  expect_error(Quick({"animal_class"}, {"--memory", "1K"}), "memory");
  expect_error({"lre", "--apply", Data("animal_class"), "--prompt", "{} is", "--subject", "x"},
               "animal_class.json");
  for (const Words& wrong :
       {Words{"lre"}, Quick({"animal_class"}, {"--limit", "3"}),
        Quick({"animal_class"}, {"--samples", "1"}), Quick({"animal_class"}, {"--prompt", "x"}),
        Quick({"animal_class"}, {"--check"}), Quick({"animal_class"}, {"--compat", "rome"}),
        Quick({"animal_class"}, {"--betas", "nan"}), Quick({"animal_class"}, {"--memory", "0"}),
        Quick({"animal_class"}, {"--seed", "-1"}), Quick({"animal_class"}, {"--top", "3"}),
        Quick({"animal_class"}, {"--apply", "x"}),
        Words{"lre", "--apply", "x", "--prompt", "{} is"},
        Words{"lre", "--apply", "x", "--subject", "y", "--layers", "3"}})
    EXPECT_EQ(RunProgram(wrong).exit_code, 2) << testing::PrintToString(wrong);
}

}  // namespace
}  // namespace mambascope
