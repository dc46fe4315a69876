// `edit` and `apply` from the shell, on the bundled models.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "mambascope/cli/cli_test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;

constexpr const char* kEditPrompt = "The landmark called {} can be found in";

class CliEditTest : public testing::Test {
 protected:
  // A part of the bundled text is enough for second moments that have an inverse.
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    setenv("XDG_CACHE_HOME", (*folder_ / "cache").c_str(), 1);
    std::istringstream all(ReadFile(RepositoryFolder() / "data/demo/sentences.jsonl"));
    std::ofstream some(*folder_ / "text.jsonl");
    std::string line;
    for (int i = 0; i < 300 && std::getline(all, line); ++i) some << line << "\n";
    some.close();
    EXPECT_EQ(RunProgram({"moments", "--text", (*folder_ / "text.jsonl").string(), "--out",
                          (*folder_ / "shared").string(), "--quiet"})
                  .exit_code,
              0);
  }
  static void TearDownTestSuite() {
    unsetenv("XDG_CACHE_HOME");
    delete folder_;
  }

  std::string Out(const std::string& name) const { return (*folder_ / name).string(); }
  Words Edit(const std::string& out, const Words& more) const {
    return Words{"edit", "--moments", Out("shared"), "--out", Out(out)} + more;
  }
  Words One(const std::string& out, const Words& more) const {
    return Edit(
        out,
        Words{"--prompt", kEditPrompt, "--subject", "Eiffel Tower", "--target", "Rome"} + more);
  }
  Words Records(const std::string& out, const Words& more) const {
    return Edit(
        out, Words{"--counterfact", (RepositoryFolder() / "data/demo/counterfact.json").string()} +
                 more);
  }
  static std::string Top(const std::string& model, const std::string& prompt) {
    return RunForJson(
        {"predict", "--model", model, "--prompt", prompt, "--top", "1"})["top"][0]["text"];
  }

  static TempFolder* folder_;
};
TempFolder* CliEditTest::folder_ = nullptr;

TEST_F(CliEditTest, OneEditMakesTheModelSayTheTarget) {
  const Json json = RunForJson(One("one", {"--layer", "8", "--projection", "W_o"}));
  EXPECT_THAT(Keys(json), testing::UnorderedElementsAre("options", "edit"));
  const Json& edit = json["edit"];
  EXPECT_EQ(edit["before"]["top"][0]["text"], " Paris");
  EXPECT_EQ(edit["after"]["top"][0]["text"], " Rome");
  EXPECT_GT(edit["after"]["p_target"].get<double>(), 0.5);
  EXPECT_LT(edit["before"]["p_target"].get<double>(), 0.01);
  EXPECT_GT(edit["loss"].size(), 2u);
  EXPECT_LT(edit["loss"].back()["nll"].get<double>(), edit["loss"][0]["nll"].get<double>());
  EXPECT_GT(edit["change_norm"].get<double>(), 0);
  EXPECT_GT(edit["perplexity"]["after"].get<double>(), 1);
  EXPECT_EQ(ParseJson(ReadFile(Out("one/edit.json")), "edit.json"), json);
  EXPECT_TRUE(std::filesystem::exists(Out("one/edit.html")));
  EXPECT_EQ(ReadFile(Out("one/contexts.json")),
            ReadFile(RepositoryFolder() / "models/demo-mamba/contexts.json"))
      << "the model's own";

  const Json again = RunForJson(One("one", {"--layer", "8", "--projection", "W_o"}));
  EXPECT_EQ(again["edit"], edit) << "the same command gives the same file";

  const Outcome applied =
      RunProgram({"apply", "--edit", Out("one/edit.safetensors"), "--out", Out("edited")});
  EXPECT_EQ(applied.exit_code, 0) << applied.err;
  const std::string louvre = "The landmark called Louvre can be found in",
                    eiffel = "The landmark called Eiffel Tower can be found in";
  EXPECT_EQ(Top(Out("edited"), eiffel), " Rome");
  EXPECT_EQ(Top(Out("edited"), louvre), Top("demo", louvre)) << "a neighbor";
  EXPECT_EQ(Top("demo", eiffel), " Paris") << "the checkpoint has changed";
  const Json in_process = edit["after"]["top"],
             reloaded = RunForJson(
                 {"predict", "--model", Out("edited"), "--prompt", eiffel, "--top", "5"})["top"];
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(reloaded[i]["id"], in_process[i]["id"]);
    EXPECT_NEAR(reloaded[i]["prob"].get<double>(), in_process[i]["prob"].get<double>(), 1e-5);
  }
  EXPECT_THAT(RunProgram({"apply", "--model", "demo-neox", "--edit", Out("one/edit.safetensors"),
                          "--out", Out("other")})
                  .err,
              HasSubstr("an edit of another checkpoint"));
}

TEST_F(CliEditTest, OtherModelsAndMethods) {
  const std::pair<const char*, const char*> kPlaces[] = {{"demo-neox", "3"}, {"demo-mamba2", "0"}};
  for (const auto& [model, layer] :
       kPlaces) {  // of the published projection, with moments of their own
    const Words edit = {"edit",      "--model",   model,          "--text",   Out("text.jsonl"),
                        "--out",     Out(model),  "--layer",      layer,      "--prompt",
                        kEditPrompt, "--subject", "Eiffel Tower", "--target", "Rome"};
    EXPECT_EQ(RunForJson(edit)["edit"]["after"]["top"][0]["text"], " Rome") << model;
  }
  const Json memit =
      RunForJson(One("memit", {"--method", "memit", "--layers", "3-7", "--clamp", "1.5"}));
  EXPECT_EQ(memit["edit"]["after"]["top"][0]["text"], " Rome");
  EXPECT_EQ(memit["options"]["method"], "memit");
  EXPECT_EQ(memit["edit"]["weights"].size(), 5u);
  EXPECT_EQ(
      RunProgram({"apply", "--edit", Out("memit/edit.safetensors"), "--out", Out("memit-edited")})
          .exit_code,
      0);
  EXPECT_EQ(Top(Out("memit-edited"), "The landmark called Eiffel Tower can be found in"), " Rome");
}

TEST_F(CliEditTest, SweepOverLayersAndProjections) {
  const Words sweep = {"--layers", "1,8", "--projections", "W_g,W_o", "--limit", "3"};
  const Json json = RunForJson(Records("sweep", sweep));
  ASSERT_EQ(json["sweep"].size(), 4u);
  for (const Json& row : json["sweep"]) {
    EXPECT_THAT(Keys(row), IsSupersetOf({"layer", "projection", "records", "ES", "PS", "NS", "S",
                                         "ED", "PD", "ND", "seconds_per_edit"}));
    EXPECT_EQ(row["records"], 3);
    EXPECT_FALSE(row.contains("entropy"));
  }
  EXPECT_EQ(json["records"].size(), 3u);
  EXPECT_EQ(json["pre"]["ES"], 0);
  EXPECT_EQ(json["pre"]["NS"], 100);
  EXPECT_GT(json["best"]["S"].get<double>(), 50);
  // A larger limit goes on with what is there; another option does not.
  const std::string lines = ReadFile(Out("sweep/edit.jsonl"));
  const Json more =
      RunForJson(Records("sweep", {"--layers", "1,8", "--projections", "W_g,W_o", "--limit", "4"}));
  EXPECT_EQ(more["records"].size(), 4u);
  EXPECT_EQ(ReadFile(Out("sweep/edit.jsonl")).substr(0, lines.size()), lines);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(more["records"][i], json["records"][i]);
  EXPECT_THAT(RunProgram(Records("sweep", sweep + Words{"--steps", "3"})).err,
              HasSubstr("edit.json is the result of another run"));
  EXPECT_THAT(RunProgram(Records("sweep", sweep + Words{"--generate"})).err,
              HasSubstr("edit.json is the result of another run"));
  // An interruption leaves half a line.
  WriteFile(*folder_ / "sweep/edit.jsonl", lines + lines.substr(0, 100));
  const Json resumed = RunForJson(Records("sweep", sweep));
  EXPECT_EQ(resumed["records"], json["records"]);
  // Whole passes find the same values.
  const std::string checked =
      RunProgram(Records("checked", {"--layers", "8", "--limit", "2", "--check", "--explain"})).err;
  EXPECT_THAT(checked, AllOf(HasSubstr("plan: 2 records"),
                             HasSubstr("check: 1 value searched again by full forward passes; "
                                       "largest relative difference ")));
  EXPECT_LT(std::stod(checked.substr(checked.rfind(' '))), 1e-3);
}

TEST_F(CliEditTest, ManyEditsInOneModel) {
  const Json memit = RunForJson(Records("many", {"--method", "memit", "--layers", "3-7", "--clamp",
                                                 "1.5", "--limit", "6", "--edits", "1,3,6"}));
  ASSERT_EQ(memit["many"].size(), 3u);
  for (const Json& row : memit["many"]) {
    EXPECT_EQ(row["records"], 6);
    EXPECT_EQ(row["pre"]["ES"], 0);
    EXPECT_GT(row["ES"].get<double>(), 60);
    EXPECT_GT(row["NS"].get<double>(), 80);
    EXPECT_EQ(row["weights"].size(), 5u);
    EXPECT_GT(row["perplexity"]["after"].get<double>(), 1);
  }
  EXPECT_GT(memit["many"][2]["weights"][0]["change_norm"].get<double>(),
            memit["many"][0]["weights"][0]["change_norm"].get<double>());
  const Json rome =
      RunForJson(Records("one-by-one", {"--layer", "7", "--limit", "3", "--edits", "1,3"}));
  ASSERT_EQ(rome["many"].size(), 2u);
  EXPECT_EQ(rome["many"][0]["records"], 1);
  EXPECT_EQ(rome["many"][1]["records"], 3);
  EXPECT_GT(rome["many"][1]["weights"][0]["change_norm"].get<double>(),
            rome["many"][0]["weights"][0]["change_norm"].get<double>());
}

TEST_F(CliEditTest, GenerationsAreMeasured) {
  const std::string relations = (RepositoryFolder() / "data/demo/relations").string();
  const Json json = RunForJson(
      Records("generate", {"--layer", "7", "--limit", "1", "--generate", "--snippets", relations}));
  EXPECT_GT(json["sweep"][0]["entropy"].get<double>(), 0);
  EXPECT_GT(json["sweep"][0]["reference"].get<double>(), 0);
  EXPECT_GT(json["pre"]["entropy"].get<double>(), 0);
}

TEST_F(CliEditTest, ZsreIsEditedAndEvaluated) {
  WriteFile(
      *folder_ / "zsre.json",
      R"([{"subject": "Eiffel Tower", "src": "The landmark called Eiffel Tower can be found in",
      "rephrase": "Travellers who want to see Eiffel Tower go to", "answers": ["Paris"], "alt": "Rome",
      "loc": "The landmark called Louvre can be found in", "loc_ans": "Paris"}])");
  const Json json = RunForJson(Edit("zsre", {"--zsre", Out("zsre.json"), "--layer", "8"}));
  EXPECT_EQ(json["sweep"][0]["EA"], 100);
  EXPECT_EQ(json["sweep"][0]["rewrite_acc"], 100);
  EXPECT_EQ(json["pre"]["EA"], 0);
  EXPECT_THAT(
      Keys(json["records"][0]["edits"][0]),
      IsSupersetOf({"rewrite_acc", "paraphrase_acc", "neighborhood_acc", "EA", "PA", "NA"}));
  for (const char* counterfacts : {"ES", "PS", "NS", "ED"})
    EXPECT_FALSE(json["sweep"][0].contains(counterfacts)) << counterfacts;
  // Lines of older versions have the accuracies under other keys, and another mark.
  Json line = ParseJson(ReadFile(Out("zsre/edit.jsonl")), "edit.jsonl");
  line["made_by"] = "0123456789abcdef";
  line.erase("check");
  WriteFile(Out("zsre/edit.jsonl"), line.dump() + "\n");
  EXPECT_THAT(RunProgram(Edit("zsre", {"--zsre", Out("zsre.json"), "--layer", "8"})).err,
              HasSubstr("edit.jsonl: line 1 was made with"));
}

// The bundled Mamba: nine of ten facts are rewritten, and their neighbors stay.
TEST_F(CliEditTest, RomeRewritesTheDemoFactsAndKeepsTheirNeighbors) {
  const Json json =
      RunForJson(Records("200", {"--layer", "7", "--projection", "W_o", "--limit", "200"}));
  const Json& row = json["sweep"][0];
  EXPECT_EQ(row["records"], 200);
  EXPECT_GE(row["EA"].get<double>(), 90);
  EXPECT_GE(row["NS"].get<double>(), 0.9 * json["pre"]["NS"].get<double>());
  EXPECT_LT(json["pre"]["EA"].get<double>(), 1);
}

TEST_F(CliEditTest, WhatCannotBeDoneIsSaid) {
  const auto error = [&](const Words& words) { return RunProgram(words).err; };
  EXPECT_THAT(error(One("bad", {"--layer", "16"})), AllOf(HasSubstr("16"), HasSubstr("0-15")));
  EXPECT_THAT(error(One("bad", {"--layer", "8", "--projection", "W_down"})), HasSubstr("W_o"));
  EXPECT_THAT(error(One("bad", {"--layers", "7,8"})), HasSubstr("--layer"));
  EXPECT_THAT(error(Edit("bad", {"--prompt", kEditPrompt, "--subject", "Eiffel Tower", "--target",
                                 " ", "--layer", "8"})),
              HasSubstr("has no token"));
  EXPECT_THAT(error(Edit("bad", {"--prompt", "The Louvre is in", "--subject", "Eiffel Tower",
                                 "--target", "Rome", "--layer", "8"})),
              HasSubstr("Eiffel Tower"));
  EXPECT_THAT(error(One("bad", {"--layer", "8", "--contexts", "rome"})),
              HasSubstr("--contexts memit"));
  EXPECT_THAT(error(One("bad", {"--layer", "8", "--dtype", "bfloat16"})), HasSubstr("float32"));
  EXPECT_THAT(error(One("bad", {"--method", "memit", "--layers", "3-7", "--projection", "W_a"})),
              HasSubstr("another part of the layer reads its output"));
  EXPECT_THAT(
      error(One("bad", {"--method", "memit", "--layers", "3-7", "--projection", "W_a,W_o"})),
      HasSubstr("one projection"));
  EXPECT_FALSE(std::filesystem::exists(Out("bad/edit.json")))
      << "refused, and yet something was written";
  EXPECT_THAT(error(Records("bad", {"--layer", "8", "--limit", "2", "--edits", "5"})),
              HasSubstr("exceeds the number of records to edit, 2"));

  std::ofstream(*folder_ / "short.jsonl") << R"({"text": "The Louvre is in Paris."})"
                                          << "\n"
                                          << R"({"text": "The sea is wide."})"
                                          << "\n";
  const Words singular = {
      "edit",         "--prompt", kEditPrompt, "--subject", "Eiffel Tower",     "--target",
      "Rome",         "--layer",  "8",         "--text",    Out("short.jsonl"), "--out",
      Out("singular")};
  EXPECT_THAT(error(singular + Words{"--ridge", "0"}),
              AllOf(HasSubstr("singular"), HasSubstr("--ridge"), HasSubstr("--text")));
  const Outcome with_ridge = RunProgram(singular);
  EXPECT_EQ(with_ridge.exit_code, 0);
  EXPECT_THAT(with_ridge.err, HasSubstr("a ridge of 0.001 is added (mixed.8: 8 tokens for a width "
                                        "of 384)"));
  const Json moments = ReadJson(Out("singular/edit.json"))["options"]["moments"]["mixed.8"];
  EXPECT_EQ(moments["ridge"], 1e-3);
  EXPECT_EQ(RunProgram(singular + Words{"--ridge", "0.1", "--force"}).exit_code, 0);
  EXPECT_THAT(
      error({"edit", "--model", "demo-mamba2", "--prompt", kEditPrompt, "--subject", "Eiffel Tower",
             "--target", "Rome", "--layer", "8", "--moments", Out("shared"), "--out", Out("bad")}),
      HasSubstr("another model"));
  for (const Words& words :
       {Words{"edit", "--prompt", kEditPrompt}, One("bad", {"--layer", "8", "--check"}),
        Records("bad", {"--zsre", "x.json"}), One("bad", {"--counterfact", "x.json"}),
        One("bad", {"--cache", "x"}), Records("bad", {"--check-prompts", "Rome is"}),
        One("bad", {"--layer", "8", "--limit", "3"}), One("bad", {"--layer", "8", "--lambda", "3"}),
        Words{"edit"}})
    EXPECT_EQ(RunProgram(words).exit_code, 2) << testing::PrintToString(words);
}

// KnowEdit's records have no true object, and neighbors with true answers of their own.
TEST_F(CliEditTest, RecordWithoutATruthHasItsNeighborsScore) {
  const Json record = {{"subject", "Louvre"},
                       {"prompt", "The landmark called Louvre can be found in"},
                       {"target_new", "Rome"},
                       {"locality",
                        {{"Relation_Specificity",
                          {{{"prompt", "The landmark called Eiffel Tower can be found in"},
                            {"ground_truth", Json::array({Json::array({"Paris"})})}}}}}}};
  WriteFile(*folder_ / "recent.json", Json::array({record}).dump());
  const Words command = Edit("recent", {"--counterfact", Out("recent.json"), "--layer", "8"});
  EXPECT_THAT(RunProgram(command).err, HasSubstr("--all-facts"));
  const Json json = RunForJson(command + Words{"--all-facts"});
  const Json& row = json["sweep"][0];
  EXPECT_EQ(row["NS"], 100.0) << "the Eiffel Tower is still in Paris";
  EXPECT_EQ(row["EA"], 100.0) << "the Louvre is in Rome now";
  EXPECT_TRUE(row["ES"].is_null() && row["S"].is_null()) << "there is no true object to beat";
  EXPECT_EQ(json["records"][0]["target_true"], "");
}

TEST_F(CliEditTest, BadRecordIsLeftOutAndCounted) {
  Json records = Json::array();
  for (const char* subject : {"Louvre", "Eiffel Tower"})
    records.push_back({{"prompt", fmt::format("The landmark called {} can be found in", subject)},
                       {"subject", subject},
                       {"target_new", "Rome"},
                       {"ground_truth", "Paris"}});
  records.push_back(records[0]);
  records[2]["target_new"] = 1945;
  WriteFile(*folder_ / "bad.json", records.dump());
  const Outcome outcome =
      RunProgram(Edit("bad", {"--counterfact", Out("bad.json"), "--layer", "8", "--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("left out 1 of 3 records"),
                                 HasSubstr("bad.json: record 2: field 'target_new' is 1945")));
  const Json json = ParseJson(outcome.out, "stdout");
  EXPECT_EQ(json["choice"]["left_out"], 1);
  EXPECT_EQ(json["records"].size(), 2u);
}

}  // namespace
}  // namespace mambascope
