// What each command prints and writes: the keys that docs/cli/ promises, the same numbers
// whichever way they are asked for.
#include <ATen/ATen.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/cli/cli_test_support.h"
#include "mambascope/cli/common.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::UnorderedElementsAreArray;

void ExpectKeys(const Json& object, const std::vector<std::string>& keys) {
  EXPECT_THAT(Keys(object), UnorderedElementsAreArray(keys));
}

TEST(CliTest, WrongCommandLinesExitWithTwo) {
  const std::vector<std::vector<std::string>> kWrong = {
      {},
      {"nonsense"},
      {"predict", "--nonsense"},
      {"predict", "--prompt"},
      {"predict", "--prompt", "hi", "--ids", "3"},
      {"predict", "--ids", "five"},
      {"predict", "--ids", ""},
      {"predict", "--prompt", "hi", "--top", "0"},
      {"predict", "--prompt", "hi", "--device", "tpu"},
      {"predict", "--prompt", "hi", "--dtype", "float16"},
      {"generate", "--prompt", "hi", "--tokens", "-1"},
      {"states", "--prompt", "hi"},
      {"trace", "--prompt", "{} is"},
      {"info", "--threads", "-2"}};
  for (const std::vector<std::string>& arguments : kWrong) {
    const Outcome outcome = RunProgram(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << testing::PrintToString(arguments);
    EXPECT_EQ(outcome.out, "") << testing::PrintToString(arguments);
    EXPECT_NE(outcome.err, "") << testing::PrintToString(arguments);
  }
}

TEST(CliTest, CommandComesFirst) {
  const Outcome outcome = RunProgram({"--prompt", "Rome is", "predict"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, StartsWith("--prompt: the command comes first"));
}

TEST(CliTest, WrongValuesAreExplained) {
  const std::pair<Words, const char*> kWrong[] = {
      {{"predict", "--top", "abc"},
       "--top: expected a whole number from 1 to 1000000, not 'abc'\n"},
      {{"predict", "--top", "0"}, "--top: expected a whole number from 1 to 1000000, not '0'\n"},
      {{"predict", "--ids", "five"}, "--ids: expected a whole number, not 'five'\n"},
      {{"predict", "--seed", "-1"}, "--seed: expected a whole number from 0, not '-1'\n"},
      {{"predict", "--device", "tpu"}, "--device: expected cpu or cuda, not 'tpu'\n"},
      {{"trace", "--noise", "nan"},
       "--noise: expected a number from 1e-06 to 1000000, not 'nan'\n"},
      {{"trace", "--memory", "lots"}, "--memory: expected a size such as 4G, not 'lots'\n"},
      {{"predict", "--top", "2", "--top", "3"}, "--top is given more than once\n"},
      {{"predict", "--prompt"}, "--prompt needs a value\n"}};
  for (const auto& [arguments, says] : kWrong) {
    const Outcome outcome = RunProgram(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << says;
    EXPECT_THAT(outcome.err, testing::StartsWith(says));
  }
}

TEST(CliTest, RunsWithoutASweepRefuseCheckAndExplain) {
  const std::vector<std::vector<std::string>> kRuns = {
      {"info"},
      {"predict", "--prompt", "Rome is"},
      {"generate", "--prompt", "Rome is"},
      {"states", "--prompt", "Rome is", "--out", "/nowhere/states.safetensors"},
      {"attention", "--prompt", "Rome is", "--layer", "3"},
      {"apply", "--edit", "/nowhere/edit.safetensors", "--out", "/nowhere/model"}};
  for (std::vector<std::string> run : kRuns) {
    for (const char* option : {"--check", "--explain"}) {
      run.emplace_back(option);
      const Outcome outcome = RunProgram(run);
      EXPECT_EQ(outcome.exit_code, 2) << testing::PrintToString(run);
      EXPECT_THAT(outcome.err, StartsWith(option)) << testing::PrintToString(run);
      run.pop_back();
    }
  }
}

TEST(CliTest, HelpAndVersionExitWithZero) {
  const Outcome help = RunProgram({"--help"}),
                version = RunProgram({"--version"}, "env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT ");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, testing::StartsWith(std::string(kVersion) + " ("));
  for (const char* command : {"info", "predict", "generate", "states", "trace"}) {
    EXPECT_THAT(help.out, HasSubstr(std::string("\n  ") + command + " "));
    const Outcome own = RunProgram({command, "--help"});
    EXPECT_EQ(own.exit_code, 0) << command;
    EXPECT_THAT(own.out, HasSubstr(std::string("Example:\n  mambascope ") + command)) << command;
  }
}

std::vector<int64_t> TokenIds(const Json& tokens) {
  std::vector<int64_t> ids;
  for (const Json& token : tokens) ids.push_back(token["id"]);
  return ids;
}

std::string Joined(const std::vector<int64_t>& ids) {
  return fmt::format("{}", fmt::join(ids, ","));
}

class BundledModelCliTest : public testing::TestWithParam<const char*> {
 protected:
  std::vector<std::string> Command(const std::string& command,
                                   const std::vector<std::string>& more) const {
    std::vector<std::string> words = {command, "--model", GetParam()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string FolderName() const {
    return GetParam() == std::string("demo") ? "demo-mamba" : GetParam();
  }

  // A prompt, and what the public Python implementation makes of it.
  const Json golden_ = ReadJson(GoldenFolder() / FolderName() / "expected.json")[0];
  const std::string prompt_ = golden_["prompt"];
};

INSTANTIATE_TEST_SUITE_P(Models, BundledModelCliTest,
                         testing::Values("demo", "demo-mamba2", "demo-hybrid", "demo-neox"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(BundledModelCliTest, InfoSaysWhatTheModelIs) {
  const Json info = RunForJson(Command("info", {}));
  ExpectKeys(info, {"architecture", "layers", "d_model", "vocab", "parameters", "sites",
                    "projections", "mixers", "shared_weights", "tokenizer"});
  const std::string folder = FolderName();
  const Json config = ReadJson(RepositoryFolder() / "models" / folder / "config.json");
  EXPECT_EQ(info["architecture"], config["model_type"]);
  EXPECT_EQ(info["layers"], config["num_hidden_layers"]);
  EXPECT_EQ(info["d_model"], config["hidden_size"]);
  EXPECT_EQ(info["vocab"], config["vocab_size"]);
  int64_t parameters = 0;
  const auto weights =
      OpenSafetensors(RepositoryFolder() / "models" / folder / "model.safetensors");
  for (const auto& [name, tensor] : weights->tensors()) {
    parameters += c10::multiply_integers(tensor.shape);
  }
  EXPECT_EQ(info["parameters"], parameters);
  std::map<std::string, int64_t> widths;
  for (const Json& site : info["sites"]) widths[site["name"]] = site["width"];
  EXPECT_EQ(widths.at("resid"), info["d_model"]);
  EXPECT_EQ(widths.contains("ssm_out"), folder != "demo-neox");
  EXPECT_THAT(info["projections"].get<std::vector<std::string>>(),
              testing::Contains(folder == "demo-neox" ? "W_down" : "W_o"));
}

TEST_P(BundledModelCliTest, PredictListsTheMostProbableTokens) {
  const Json predicted = RunForJson(Command("predict", {"--prompt", prompt_, "--top", "5"}));
  ExpectKeys(predicted, {"tokens", "top"});
  std::string text;
  for (const Json& token : predicted["tokens"]) {
    ExpectKeys(token, {"id", "text", "begin", "end"});
    const size_t begin = token["begin"], end = token["end"];
    EXPECT_EQ(token["text"], prompt_.substr(begin, end - begin)) << "it is ASCII";
    text += token["text"].get<std::string>();
  }
  EXPECT_EQ(text, prompt_);
  EXPECT_EQ(TokenIds(predicted["tokens"]), golden_["input_ids"].get<std::vector<int64_t>>());
  ASSERT_EQ(predicted["top"].size(), 5u);
  for (size_t k = 0; k < 5; ++k) {
    const Json &top = predicted["top"][k], &want = golden_["top5"][k];
    ExpectKeys(top, {"id", "text", "prob", "logit"});
    EXPECT_EQ(top["text"], want[0]);
    EXPECT_EQ(top["id"], want[1]);
    EXPECT_NEAR(top["prob"].get<double>(), want[2].get<double>(), 1e-4);
    const double ratio = top["logit"].get<double>() - predicted["top"][0]["logit"].get<double>();
    EXPECT_NEAR(std::exp(ratio),
                top["prob"].get<double>() / predicted["top"][0]["prob"].get<double>(), 1e-4);
  }
  EXPECT_EQ(RunForJson(Command(
                "predict", {"--ids", Joined(TokenIds(predicted["tokens"])), "--top", "5"}))["top"],
            predicted["top"]);
}

TEST_P(BundledModelCliTest, PredictShowsACellOfTheTrace) {
  const TempFolder out;
  const std::vector<std::string> fact = {
      "--prompt",          "The landmark called {} can be found in",
      "--subject",         "Louvre",
      "--corrupt-subject", "Colosseum"};
  std::vector<std::string> trace = fact, predict = fact;
  trace.insert(trace.end(), {"--site", "resid", "--out", out.path().string()});
  predict.insert(predict.end(), {"--restore", "resid:8:5", "--top", "4096"});
  const Json traced = RunForJson(Command("trace", trace)),
             predicted = RunForJson(Command("predict", predict));
  const Json& one = traced["facts"][0];
  const auto p = [&](const Json& top) {
    for (const Json& token : top) {
      if (token["id"] == one["answer_id"]) return token["prob"].get<double>();
    }
    return -1.0;
  };
  EXPECT_NEAR(p(predicted["top"]), one["p_clean"].get<double>(), 1e-5);
  EXPECT_NEAR(p(predicted["corrupted"]["top"]), one["p_corrupt"].get<double>(), 1e-5);
  EXPECT_NEAR(p(predicted["patched"]["top"]), one["probs"][5][8].get<double>(), 1e-5);
}

TEST_P(BundledModelCliTest, GenerateGoesOnWithTheMostProbableTokens) {
  const std::vector<std::string> greedy =
      Command("generate", {"--prompt", prompt_, "--tokens", "4"});
  const Json generated = RunForJson(greedy);
  ExpectKeys(generated, {"text", "ids"});
  EXPECT_EQ(generated["ids"].size(), 4u);
  EXPECT_THAT(generated["text"].get<std::string>(),
              testing::StartsWith(golden_["top5"][0][0].get<std::string>()));
  EXPECT_EQ(RunForJson(greedy), generated);
  // Token by token, each the whole prompt's most probable one.
  auto ids = golden_["input_ids"].get<std::vector<int64_t>>();
  for (const Json& next : generated["ids"]) {
    const Json predicted = RunForJson(Command("predict", {"--ids", Joined(ids), "--top", "1"}));
    EXPECT_EQ(predicted["top"][0]["id"], next);
    ids.push_back(next);
  }
}

TEST(CliTest, GenerateDrawsByItsSeed) {
  const auto draw = [](const std::string& seed) {
    return RunForJson(
        {"generate", "--prompt", "The", "--tokens", "12", "--top-k", "5", "--seed", seed});
  };
  const Json zero = draw("0");
  EXPECT_EQ(draw("0"), zero);
  EXPECT_TRUE(draw("1") != zero || draw("2") != zero || draw("3") != zero);
}

TEST_P(BundledModelCliTest, StatesHoldsEverySiteAndTheLogits) {
  const TempFolder folder;
  const std::string file = folder / "new/states.safetensors";
  const Json printed = RunForJson(Command("states", {"--prompt", prompt_, "--out", file}));
  EXPECT_EQ(printed["file"], file);
  const auto states = OpenSafetensors(file);
  const Json info = RunForJson(Command("info", {})),
             predicted = RunForJson(Command("predict", {"--prompt", prompt_}));
  const auto tokens = static_cast<int64_t>(predicted["tokens"].size());
  const Json kinds = ReadJson(RepositoryFolder() / "models" / FolderName() / "config.json")
                         .value("layer_types", Json());
  const std::set<std::string> kScanSites = {"conv_in", "ssm_in", "ssm_out", "gate_in", "gate"};
  std::vector<std::string> names = {"embed", "logits", "tokens"};
  for (const Json& site : info["sites"]) {
    const std::string name = site["name"];
    for (int l = 0; l < info["layers"].get<int>() && name != "embed"; ++l) {
      // In a hybrid, a layer with attention has no scan, and values of another width.
      const bool attention = kinds.is_array() && kinds[static_cast<size_t>(l)] == "attention";
      if (attention && kScanSites.contains(name)) continue;
      const Json& width = attention && name == "mixed" ? info["d_model"] : site["width"];
      names.push_back(fmt::format("{}.{}", name, l));
      EXPECT_EQ(states->Read(names.back()).sizes(), (at::IntArrayRef{tokens, width.get<int64_t>()}))
          << names.back();
    }
  }
  EXPECT_THAT(states->tensors(), testing::SizeIs(names.size()));
  EXPECT_EQ(states->Read("embed").sizes(),
            (at::IntArrayRef{tokens, info["d_model"].get<int64_t>()}));
  EXPECT_EQ(states->Read("logits").sizes(),
            (at::IntArrayRef{tokens, info["vocab"].get<int64_t>()}));
  EXPECT_EQ(states->Read("logits")[-1].argmax().item<int64_t>(), predicted["top"][0]["id"]);
  EXPECT_EQ(ToVector(states->Read("tokens")), TokenIds(predicted["tokens"]));
}

TEST(CliTest, StatesKeepsTheSitesThatAreNamed) {
  const TempFolder folder;
  const std::string file = folder / "states.safetensors";
  RunForJson(
      {"states", "--ids", "5,17,3", "--sites", "ssm_after_ssm,hook_resid_post", "--out", file});
  std::vector<std::string> names = {"embed", "logits", "tokens"};
  for (int l = 0; l < 16; ++l)
    names.insert(names.end(), {fmt::format("ssm_out.{}", l), fmt::format("resid.{}", l)});
  std::vector<std::string> written;
  const auto states = OpenSafetensors(file);
  for (const auto& [name, info] : states->tensors()) written.push_back(name);
  EXPECT_THAT(written, UnorderedElementsAreArray(names));
}

class TraceCliTest : public testing::Test {
 protected:
  std::vector<std::string> Command(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"trace",
                                      "--prompt",
                                      "The landmark called {} can be found in",
                                      "--subject",
                                      "Eiffel Tower",
                                      "--corrupt-subject",
                                      "Big Ben",
                                      "--seed",
                                      "3",
                                      "--out",
                                      (folder_ / "new/out").string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  TempFolder folder_;
};

TEST_F(TraceCliTest, WritesWhatItPrints) {
  const Json trace = RunForJson(Command({"--site", "ssm_out"}));
  EXPECT_EQ(ReadJson(folder_ / "new/out/trace.json"), trace);
  EXPECT_THAT(ReadFile(folder_ / "new/out/trace.html"),
              testing::AllOf(HasSubstr("<html"), HasSubstr("Eiffel Tower"), HasSubstr("</html>")));
  ExpectKeys(trace, {"options", "name", "metric", "site", "window", "facts", "average"});
  EXPECT_THAT(Keys(trace["options"]),
              IsSupersetOf({"command", "model", "commit", "version", "seed", "device", "dtype",
                            "prompt", "subject", "corrupt_subject"}));
  EXPECT_EQ(trace["options"]["seed"], 3);
  EXPECT_EQ(trace["site"], "ssm_out");
  EXPECT_EQ(trace["window"], 2) << "10 of 64 layers, of 16";
  EXPECT_THAT(Keys(trace["average"]),
              IsSupersetOf({"rows", "ie", "as_published", "facts_per_row"}));
  EXPECT_EQ(trace["average"]["rows"],
            Json({"subject_first", "subject_middle", "subject_last", "further", "last"}));
  ASSERT_EQ(trace["facts"].size(), 1u);
  const Json& fact = trace["facts"][0];
  EXPECT_THAT(Keys(fact), IsSupersetOf({"relation", "subject", "corrupt_subject", "prompt",
                                        "answer", "answer_id", "p_clean", "p_corrupt", "tokens",
                                        "corrupt_tokens", "subject_span", "probs"}));
  EXPECT_EQ(fact["answer"], " Paris");
  EXPECT_EQ(fact["prompt"], "The landmark called Eiffel Tower can be found in");
  EXPECT_GT(fact["p_clean"], fact["p_corrupt"]);
  EXPECT_EQ(fact["subject_span"], Json({3, 7}));
  ASSERT_EQ(fact["probs"].size(), fact["tokens"].size());
  for (const Json& row : fact["probs"]) EXPECT_EQ(row.size(), 16u);
}

// The same fact in the other ways of saying it: the subject in its place, the clean prompt's own
// answer, the default site and window.
TEST_F(TraceCliTest, OneFactHasOneTraceHoweverItIsAsked) {
  const Json plain = RunForJson(Command({}))["facts"];
  EXPECT_EQ(RunForJson(Command({"--site", "hook_resid_post", "--window", "1", "--answer", "Paris",
                                "--force"}))["facts"],
            plain);
  const std::string whole = "The landmark called Eiffel Tower can be found in";
  EXPECT_EQ(RunForJson({"trace", "--prompt", whole, "--subject", "Eiffel Tower",
                        "--corrupt-subject", "Big Ben", "--out", folder_ / "other"})["facts"],
            plain);
  const Outcome other = RunProgram(Command({"--answer", "London", "--force", "--json"}));
  EXPECT_THAT(other.err, HasSubstr("hardly lowers p('·London')"));
  EXPECT_NE(ParseJson(other.out, "stdout")["facts"], plain);
}

TEST_F(TraceCliTest, QuietPrintsNothing) {
  const std::vector<std::vector<std::string>> kCommands = {
      Command({}),
      {"predict", "--ids", "5"},
      {"generate", "--ids", "5", "--tokens", "1"},
      {"info"},
      {"states", "--ids", "5", "--out", folder_ / "s.safetensors"}};
  for (std::vector<std::string> command : kCommands) {
    EXPECT_NE(RunProgram(command).out, "") << command[0];
    command.emplace_back("--quiet");
    const Outcome quiet = RunProgram(command);
    EXPECT_EQ(quiet.exit_code, 0) << command[0];
    EXPECT_EQ(quiet.out + quiet.err, "") << command[0];
  }
  EXPECT_TRUE(fs::exists(folder_ / "new/out/trace.json"));
}

}  // namespace
}  // namespace mambascope
