// Inputs that people really have: files with bad records, files of other forms, and names that are
// nearly right.
#include <gmock/gmock.h>

#include "mambascope/cli/cli_test_support.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Json EasyRecord(const std::string& subject, const Json& truth) {
  return {{"prompt", "The landmark called " + subject + " can be found in"},
          {"subject", subject},
          {"target_new", "London"},
          {"ground_truth", truth}};
}

class InputsCliTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) const {
    WriteFile(folder_ / name, text);
    return folder_ / name;
  }
  Outcome Trace(const std::string& option, const std::string& file, const Words& more = {}) const {
    return RunProgram(Words{"trace", option, file, "--noise", "3", "--samples", "2", "--json",
                            "--out", folder_ / "out"} +
                      more);
  }

  const TempFolder folder_;
};

TEST_F(InputsCliTest, BadRecordIsLeftOutNamedAndCounted) {
  const Json records = {EasyRecord("Louvre", "Paris"), EasyRecord("Colosseum", "Rome"),
                        EasyRecord("Big Ben", 1859), EasyRecord("Eiffel Tower", "Paris")};
  const Outcome outcome = Trace("--counterfact", Write("facts.json", records.dump()));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("left out 1 of 4 records"),
                                 HasSubstr("facts.json: record 2: field 'ground_truth' is 1859")));
  const Json json = ParseJson(outcome.out, "stdout");
  EXPECT_THAT(json["facts"], SizeIs(3));
  EXPECT_EQ(json["options"]["left_out"], 1);
}

TEST_F(InputsCliTest, FieldsThatTracingDoesNotUseAreNotAskedFor) {
  Json record = EasyRecord("Louvre", "Paris");
  record["target_new"] = nullptr;
  record["case_id"] = "9a";
  const Outcome outcome = Trace("--counterfact", Write("facts.json", Json::array({record}).dump()));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  EXPECT_THAT(ParseJson(outcome.out, "stdout")["facts"], SizeIs(1));
}

TEST_F(InputsCliTest, WithoutAnyUsableRecordThereIsAnError) {
  const Json bad = {{"subject", "Louvre"}, {"prompt", "It is in"}, {"ground_truth", "Paris"}};
  const Outcome outcome =
      Trace("--counterfact", Write("facts.json", Json::array({bad, bad}).dump()));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("none of the 2 records can be used"));
}

TEST_F(InputsCliTest, FactWithoutATruthNeedsAllFacts) {
  Json record = EasyRecord("Louvre", "");
  record.erase("ground_truth");
  const std::string file = Write("recent.json", Json::array({record}).dump());
  EXPECT_THAT(Trace("--counterfact", file).err, HasSubstr("--all-facts"));
  const Outcome outcome = Trace("--counterfact", file, {"--all-facts"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(ParseJson(outcome.out, "stdout")["facts"][0]["answer"], " Paris");
}

TEST_F(InputsCliTest, EveryFormOfFactsIsTheSameFact) {
  const Json relation = {{"name", "landmarks"},
                         {"prompt_templates", "The landmark called {} can be found in"},
                         {"samples", {{{"subject", "Louvre"}, {"object", "Paris"}}}}};
  const Json counterfact = {{"requested_rewrite",
                             {{"prompt", "The landmark called {} can be found in"},
                              {"subject", "Louvre"},
                              {"target_true", {{"str", "Paris"}}}}}};
  const Json tracing = {{"relation", "The landmark called {} can be found in"},
                        {"subject", "Louvre"},
                        {"target_true", " Paris"},
                        {"target_false", " Rome"}};
  const Json known = {{"template", "The landmark called {} can be found in"},
                      {"subject", "Louvre"},
                      {"attribute", "Paris"}};
  const std::vector<std::pair<std::string, std::string>> files = {
      {"--relations", Write("relation.json", relation.dump())},
      {"--counterfact", Write("counterfact.json", Json::array({counterfact}).dump())},
      {"--counterfact", Write("tracing.jsonl", tracing.dump() + "\n")},
      {"--counterfact", Write("known.json", Json::array({known}).dump())},
      {"--counterfact", Write("easy.json", Json::array({EasyRecord("Louvre", "Paris")}).dump())}};
  std::optional<Json> probs;
  for (const auto& [option, file] : files) {
    const Outcome outcome = RunProgram({"trace", option, file, "--noise", "3", "--samples", "2",
                                        "--json", "--out", file + ".out"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json fact = ParseJson(outcome.out, "stdout")["facts"][0];
    EXPECT_EQ(fact["prompt"], "The landmark called Louvre can be found in") << file;
    if (!probs) probs = fact["probs"];
    EXPECT_EQ(fact["probs"], *probs) << file;
  }
}

TEST_F(InputsCliTest, SwappedFilesSayWhatTheyLookLike) {
  const std::string relation = RepositoryFolder() / "data/demo/relations/landmark_city.json",
                    records = RepositoryFolder() / "data/demo/counterfact.json";
  EXPECT_THAT(Trace("--counterfact", relation).err, HasSubstr("use --relations"));
  EXPECT_THAT(Trace("--relations", records).err, HasSubstr("use --counterfact"));
}

TEST_F(InputsCliTest, MistypedNamesAreAnsweredWithTheNearest) {
  const auto usage = [](const Words& words) {
    const Outcome outcome = RunProgram(words);
    EXPECT_EQ(outcome.exit_code, 2) << testing::PrintToString(words);
    return outcome.err;
  };
  EXPECT_THAT(usage({"trase"}), HasSubstr("did you mean trace?"));
  EXPECT_THAT(usage({"trace", "--promt", "x", "--subjekt", "y"}),
              AllOf(HasSubstr("did you mean --prompt?"), Not(HasSubstr("subjekt"))))
      << "the first one";
  EXPECT_THAT(usage({"trace", "--xyzzy"}), HasSubstr("mambascope trace --help lists them"));
}

TEST_F(InputsCliTest, PromptMayBeginWithDashes) {
  const Outcome outcome = RunProgram({"predict", "--prompt", "-- the Louvre", "--top", "1"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(InputsCliTest, KnockoutFollowsTheObjectSoItNeedsOne) {
  Json bare = EasyRecord("Louvre", "");
  bare.erase("ground_truth");
  const Json records = {bare, EasyRecord("Colosseum", "Rome")};
  const Outcome outcome =
      RunProgram({"knockout", "--counterfact", Write("facts.json", records.dump()), "--all-facts",
                  "--from", "subject", "--json", "--out", folder_ / "knockout"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("lacks the true answer"));
  EXPECT_THAT(ParseJson(outcome.out, "stdout")["facts"], SizeIs(1));
}

TEST_F(InputsCliTest, NameOnTheHubSaysHowToDownloadIt) {
  EXPECT_THAT(RunProgram({"info", "--model", "some-one/some-model"}).err,
              HasSubstr("hf download some-one/some-model --local-dir some-model"));
}

TEST_F(InputsCliTest, StatesOfOneLayerAreNamedAsTransformerLensDoes) {
  const Json json = RunForJson({"states", "--prompt", "The Louvre", "--sites",
                                "blocks.3.hook_resid_post,resid.4,blocks.6.hook_resid_pre", "--out",
                                folder_ / "s.safetensors"});
  EXPECT_EQ(json["tensors"], 6) << "three layers' states, the embedding, the logits, the tokens";
  EXPECT_THAT(RunProgram({"states", "--prompt", "x", "--sites", "blocks.16.hook_resid_post",
                          "--out", folder_ / "t.safetensors"})
                  .err,
              HasSubstr("the model has layers 0 to 15"));
}

TEST_F(InputsCliTest, InputsThatRarelyMeanWhatWasMeantAreWarnedOf) {
  const auto err = [&](const Words& more) {
    return RunProgram(Words{"trace", "--out", folder_ / "warned", "--noise", "3", "--samples", "2",
                            "--force"} +
                      more)
        .err;
  };
  const std::string prompt = "The landmark called {} can be found in";
  EXPECT_THAT(err({"--prompt", prompt, "--subject", "Louvre"}), IsEmpty());
  EXPECT_THAT(err({"--prompt", prompt + " ", "--subject", "Louvre"}), HasSubstr("white space"));
  EXPECT_THAT(err({"--prompt", "Louvre and Louvre are in", "--subject", "Louvre"}),
              AllOf(HasSubstr("2 times"), HasSubstr("'Louvre and {} are in'")));
  EXPECT_THAT(err({"--prompt", "The Louvreism is in", "--subject", "Louvre"}),
              HasSubstr("longer word"));
  EXPECT_THAT(err({"--prompt", prompt, "--subject", "Louvre "}),
              HasSubstr("the subject 'Louvre·' ends with white space"));
  EXPECT_THAT(err({"--prompt", prompt, "--subject", "Louvre", "--other-answer", "New York"}),
              HasSubstr("the other answer 'New York' has 2 tokens"));
  EXPECT_THAT(err({"--prompt", prompt, "--subject", "Louvre", "--answer", "Paris, France"}),
              HasSubstr("only the first one, '·Paris'"));
  EXPECT_THAT(RunProgram({"trace", "--prompt", prompt, "--subject", "Louvre", "--corrupt-subject",
                          "Eiffel Tower", "--out", folder_ / "same"})
                  .err,
              HasSubstr("hardly lowers p('·Paris')"));
}

TEST_F(InputsCliTest, TokenizerOfAnotherModelIsWarnedOf) {
  Json document = ReadJson(RepositoryFolder() / "models/demo-mamba/tokenizer.json");
  document["added_tokens"].push_back({{"content", "<more>"}, {"special", true}});
  const std::string file = Write("tokenizer.json", document.dump());
  EXPECT_THAT(RunProgram({"predict", "--prompt", "The Louvre", "--tokenizer", file}).err,
              HasSubstr("the tokenizer has 4097 tokens, and the model's vocabulary has 4096"));
}

TEST_F(InputsCliTest, TokenizerOfSentencePieceIsRead) {
  const fs::path file = RepositoryFolder() / "tests/golden/tokenizer-sentencepiece.json";
  const Outcome predicted =
      RunProgram({"predict", "--prompt", "The city is", "--tokenizer", file, "--json"});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
  Json texts = Json::array();
  const Json result = Json::parse(predicted.out);
  for (const Json& token : result["tokens"]) texts.push_back(token["text"]);
  EXPECT_EQ(texts, (Json{"<s>", " The", " city", " is"}));
  const Outcome generated = RunProgram(
      {"generate", "--prompt", "The city is", "--tokenizer", file, "--tokens", "3", "--json"});
  ASSERT_EQ(generated.exit_code, 0) << generated.err;
  const Json text = Json::parse(generated.out);
  EXPECT_EQ(text["text"],
            Tokenizer::Load(file).DecodeContinuation(text["ids"].get<std::vector<int64_t>>()));
}

TEST_F(InputsCliTest, TokenizerWithForeignTextTokensIsRefusedBeforeTheWork) {
  Json document = ReadJson(RepositoryFolder() / "models/demo-mamba/tokenizer.json");
  document["added_tokens"].push_back({{"content", "Louvre"}, {"special", false}});
  const std::string file = Write("tokenizer.json", document.dump());
  for (const Words& command :
       {Words{"moments"}, Words{"edit", "--prompt", "{} is in", "--subject", "Rome", "--target",
                                "Oslo", "--cache", folder_ / "cache"}}) {
    const Outcome outcome =
        RunProgram(command + Words{"--tokenizer", file, "--out", folder_ / "out"});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr("token 4096 is outside the model's vocabulary of 4096"),
                      Not(HasSubstr("second moments"))));
  }
}

}  // namespace
}  // namespace mambascope
