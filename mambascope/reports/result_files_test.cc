// Result files of every command are read back as they were written.
#include "mambascope/reports/result_files.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/experiments/editing/edit_json.h"
#include "mambascope/experiments/editing/edit_test_support.h"
#include "mambascope/experiments/knockout/knockout_test_support.h"
#include "mambascope/experiments/lre/lre_json.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

namespace fs = std::filesystem;

TracedFact StoredFact() {
  return {.relation = "city",
          .clean = {.text = "Paris is in",
                    .ids = {1, 2},
                    .tokens = {"Paris", " is in"},
                    .subject = "Paris",
                    .subject_span = {0, 1}},
          .corrupt = Prompt{.text = "Rome is in",
                            .ids = {3, 2},
                            .tokens = {"Rome", " is in"},
                            .subject = "Rome",
                            .subject_span = {0, 1}},
          .answer_id = 7,
          .answer = " France",
          .p_clean = 0.5,
          .p_corrupt = 1.0 / 3};
}

// The options that tell runs apart.
Json StoredOptions(const std::string& command, const std::string& model,
                   const std::string& part = "") {
  return {{"command", command}, {"model", model}, {"part", part}};
}

TraceResult StoredTrace(const std::string& model, Site site) {
  TraceResult result{.options = StoredOptions("trace", model, std::string(SiteName(site))),
                     .name = model,
                     .site = site,
                     .facts = {{StoredFact(), {{0.5, std::nullopt}, {1.0 / 3, 0.4}}}}};
  result.summary = SummarizeTraces(result.facts);
  return result;
}

PathsResult StoredPaths(const std::string& model, const std::string& at) {
  PathsResult result{.options = StoredOptions("paths", model, at),
                     .name = model,
                     .at = at,
                     .conditions = {"recovery", "gate"},
                     .facts = {}};
  result.facts = {{StoredFact(), result.conditions, {{0.5, 0.4}, {0.4, 0.4}}}};
  result.average = AveragePaths(result.facts);
  return result;
}

KnockoutResult StoredKnockout(const std::string& model) {
  KnockoutResult result = WithSummary(MakeKnockouts(model, 3));
  result.options = StoredOptions("knockout", model);
  return result;
}

AttentionResult StoredAttention() {
  const at::Tensor mean = at::tensor({1.0, 0.0, -0.25, 2.0}).reshape({2, 2}).to(at::kFloat);
  return {.options = StoredOptions("attention", "tiny"),
          .ids = {4, 9},
          .texts = {"a", std::nullopt},
          .layers = {{.layer = 3,
                      .channels = 8,
                      .mean = mean,
                      .absolute = mean.abs(),
                      .normalised = mean.abs() / 2,
                      .channel = mean}},
          .channel = 5};
}

OneEditResult StoredEdit() {
  return {.options = StoredOptions("edit", "tiny"),
          .layers = {5},
          .projection = "W_o",
          .prompt = "The {} is in",
          .subject = "Louvre",
          .target = " Rome",
          .loss = {{2, 1, 0.5, 0.5, 0.25}},
          .stopped = "loss",
          .before = {.top = {{1, " Paris", 0.9}}, .p_target = 0.01},
          .after = {.top = {{2, " Rome", 0.95}}, .p_target = 0.95, .says_target = true},
          .health = {.weights = {{5, "W_o", 1.5, 30}}, .perplexity = {{12.5, 12.75}}},
          .perplexity_text = "text.txt"};
}

MomentsResult StoredMoments() {
  const Place place{Site::kMixed, 2};
  return {.options = StoredOptions("moments", "tiny"),
          .projections = {{place, {"W_o"}}},
          .moments = {{.place = place,
                       .width = 4,
                       .tokens = 1024,
                       .documents = 6,
                       .condition = INFINITY,
                       .convergence = {.tokens = {512, 1024}, .change = {std::nullopt, 0.25}}}}};
}

LreResult StoredRelations() {
  const LreMeans means{.faithfulness = {90, 2.5}, .causality = {20}};
  return MakeLreResult(StoredOptions("lre", "tiny"),
                       {{.name = "gender",
                         .kind = "bias",
                         .range = 2,
                         .chance = 50,
                         .layer = 3,
                         .causal_layer = kEmbedLayer,
                         .chosen = means,
                         .by_layer = {{3, means}}},
                        {.name = "few", .kind = "bias", .skipped = "it has 2 samples"}});
}

class ResultFilesTest : public testing::Test {
 protected:
  fs::path Write(const std::string& name, const Json& json) const {
    const fs::path file = folder_ / name;
    fs::create_directories(file.parent_path());
    WriteFile(file, DumpJson(json, 1) + "\n");
    return file;
  }
  ResultFile WriteAndRead(const std::string& name, const Json& json) const {
    const std::vector<ResultFile> files = ReadResults(Write(name, json));
    EXPECT_EQ(files.size(), 1u);
    return files.at(0);
  }
  // A result of one run.
  template <typename Result>
  void ExpectReadBack(const std::string& name, const Result& result) const {
    const ResultFile file = WriteAndRead(name, result);
    const Result* read = std::get_if<Result>(&file.result);
    ASSERT_NE(read, nullptr) << name;
    EXPECT_EQ(Json(*read), Json(result)) << name;
    EXPECT_EQ(file.runs, std::vector<Json>{result.options}) << name;
  }
  // The names below the folder.
  std::vector<std::string> NamesOf(const std::vector<ResultFile>& files) const {
    std::vector<std::string> names;
    for (const ResultFile& file : files)
      names.push_back(file.file.lexically_relative(folder_.path()).string());
    return names;
  }
  static std::string ReadError(const fs::path& place) {
    return ErrorOf([&] { ReadResults(place); });
  }
  // Expects an error that names the file.
  void ExpectRefused(const Json& json) const {
    const fs::path file = Write("wrong.json", json);
    EXPECT_THAT(ReadError(file), HasSubstr(file.string() + ": ")) << json;
  }

  const TempFolder folder_;
};

TEST_F(ResultFilesTest, TracesOfSitesAndModelsAreReadBack) {
  const TraceResult resid = StoredTrace("a", Site::kResid), gate = StoredTrace("a", Site::kGate),
                    other = StoredTrace("b", Site::kResid),
                    other_gate = StoredTrace("b", Site::kGate);
  for (const TraceResults& results :
       {TraceResults{{resid}}, TraceResults{{resid, gate}}, TraceResults{{resid}, {other}},
        TraceResults{{resid, gate}, {other, other_gate}}}) {
    const ResultFile file = WriteAndRead("trace.json", TraceJson(results));
    ASSERT_TRUE(std::holds_alternative<TraceResults>(file.result));
    EXPECT_EQ(TraceJson(std::get<TraceResults>(file.result)), TraceJson(results));
    std::vector<Json> runs;
    for (const auto& sites : results) {
      for (const TraceResult& result : sites) runs.push_back(result.options);
    }
    EXPECT_EQ(file.runs, runs);
  }
}

TEST_F(ResultFilesTest, PathsOfTokensAndModelsAreReadBack) {
  const PathsResult subject = StoredPaths("a", "subject_last"),
                    last = StoredPaths("a", "prompt_last");
  for (const PathsResults& results :
       {PathsResults{{subject}}, PathsResults{{subject, last}}, PathsResults{{subject}, {last}}}) {
    const ResultFile file = WriteAndRead("paths.json", PathsJson(results));
    ASSERT_TRUE(std::holds_alternative<PathsResults>(file.result));
    EXPECT_EQ(PathsJson(std::get<PathsResults>(file.result)), PathsJson(results));
    EXPECT_EQ(file.runs[0], subject.options);
  }
}

TEST_F(ResultFilesTest, KnockoutsOfModelsAreReadBack) {
  const std::vector<KnockoutResult> one = {StoredKnockout("a")},
                                    two = {StoredKnockout("a"), StoredKnockout("b")};
  for (const auto& results : {one, two}) {
    const ResultFile file = WriteAndRead("knockout.json", KnockoutJson(results));
    ASSERT_TRUE(std::holds_alternative<std::vector<KnockoutResult>>(file.result));
    EXPECT_EQ(KnockoutJson(std::get<std::vector<KnockoutResult>>(file.result)),
              KnockoutJson(results));
    EXPECT_EQ(file.runs.size(), results.size());
    EXPECT_EQ(file.runs.back(), results.back().options);
  }
}

TEST_F(ResultFilesTest, EditsAreReadBackByTheirKind) {
  const Json options = StoredOptions("edit", "tiny");
  const std::vector<RecordResult> records = SmallSweepRecords();
  ExpectReadBack("edit.json", EditSweepResult{.options = options,
                                              .choice = {4, 9, 20},
                                              .summary = SummarizeSweep(records),
                                              .records = records});
  MassEditResult many{.options = options};
  many.points.push_back({.edits = 10, .means = AverageScores({MakeScores(1, 0.5, 1)})});
  many.records.push_back({MakeRecord(3), MakeScores(0, 0, 1), MakeScores(1, 0.5, 1)});
  ExpectReadBack("edit.json", many);
  ExpectReadBack("edit.json", StoredEdit());
}

TEST_F(ResultFilesTest, OtherResultsAreReadBack) {
  ExpectReadBack("attention.json", StoredAttention());
  ExpectReadBack("lre.json", StoredRelations());
  ExpectReadBack("moments.json", StoredMoments());
}

TEST_F(ResultFilesTest, AFileMayHaveAnyName) {
  const ResultFile file = WriteAndRead("mine.txt", StoredTrace("a", Site::kGate));
  EXPECT_TRUE(std::holds_alternative<TraceResults>(file.result));
}

TEST_F(ResultFilesTest, AFolderIsSearchedForResultsInOrder) {
  Write("b/trace.json", StoredTrace("a", Site::kResid));
  Write("a/paths.json", StoredPaths("a", "subject_last"));
  Write("a/deep/er/knockout.json", StoredKnockout("a"));
  Write("a/contexts.json", Json::array());
  Write("trace.jsonl", Json::object());
  EXPECT_THAT(NamesOf(ReadResults(folder_.path())),
              ElementsAre("a/deep/er/knockout.json", "a/paths.json", "b/trace.json"));
}

TEST_F(ResultFilesTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(ReadError(folder_ / "missing"), HasSubstr((folder_ / "missing").string()));
  fs::create_directories(folder_ / "empty/er");
  EXPECT_THAT(ReadError(folder_ / "empty"),
              HasSubstr((folder_ / "empty").string() + ": holds no results"));
}

TEST_F(ResultFilesTest, JsonThatIsNoResultIsRefused) {
  for (const Json& json : {Json(3), Json::array({1, 2}), Json({{"a", 1}}), Json({{"options", 3}}),
                           Json({{"options", {{"command", "fly"}}}}), Json({{"models", 3}})})
    ExpectRefused(json);
}

TEST_F(ResultFilesTest, ACommandThatIsNoTextIsRefused) {
  ExpectRefused({{"options", {{"command", 5}}}});
}

TEST_F(ResultFilesTest, AResultOfNoRunIsRefused) {
  const Json options = StoredOptions("trace", "a");
  ExpectRefused({{"options", options}, {"sites", Json::array()}});
  ExpectRefused({{"options", options}, {"models", Json::array()}});
  ExpectRefused({{"options", StoredOptions("knockout", "a")}, {"models", Json::array()}});
}

TEST_F(ResultFilesTest, TextThatIsNoJsonIsRefused) {
  const fs::path file = folder_ / "trace.json";
  const std::string text = DumpJson(StoredTrace("a", Site::kResid));
  for (const std::string& part : {std::string(), text.substr(0, text.size() / 2)}) {
    WriteFile(file, part);
    EXPECT_THAT(ReadError(folder_.path()), HasSubstr(file.string()));
  }
}

TEST_F(ResultFilesTest, AMissingKeyIsNamed) {
  Json trace = StoredTrace("a", Site::kResid), knockout = StoredKnockout("a");
  trace.erase("average");
  const fs::path file = Write("trace.json", trace);
  EXPECT_THAT(ReadError(file), AllOf(HasSubstr(file.string() + ": is no whole result"),
                                     HasSubstr("`mambascope trace`"), HasSubstr("'average'")));
  knockout["facts"][0].erase("sources");
  ExpectRefused(knockout);
  trace["average"] = "a text";
  ExpectRefused(trace);
}

// Lists that belong together are drawn together.
TEST_F(ResultFilesTest, ListsOfOtherSizesAreRefused) {
  const std::vector<std::pair<Json, std::vector<const char*>>> results = {
      {StoredTrace("a", Site::kResid),
       {"/average/ie", "/average/ie/0", "/average/ci95", "/average/ci95/1", "/average/as_published",
        "/facts/0/probs", "/facts/0/probs/1", "/facts/0/tokens", "/facts/0/corrupt_ids"}},
      {StoredPaths("a", "last"),
       {"/facts/0/probs/gate", "/ci95/gate", "/conditions/gate", "/conditions", "/ci95"}},
      {StoredKnockout("a"),
       {"/facts/0/is_top", "/facts/0/is_top/0", "/facts/0/probs", "/facts/0/probs/0",
        "/facts/0/sources", "/curves/0/ci95", "/curves/0/x", "/curves/0/accuracy_percent"}}};
  for (const auto& [result, places] : results) {
    for (const char* place : places) {
      Json damaged = result;
      Json& list = damaged.at(Json::json_pointer(place));
      list = list.is_object() ? Json::object() : Json::array();
      SCOPED_TRACE(place);
      ExpectRefused(damaged);
    }
  }
  Json trace = StoredTrace("a", Site::kResid);
  trace["facts"][0]["subject_span"] = {1, 3};
  ExpectRefused(trace);
  trace = StoredTrace("a", Site::kResid);
  trace["options"]["arguments"] = {"trace", 3};
  ExpectRefused(trace);
  trace = StoredTrace("a", Site::kResid);
  trace["options"]["model"] = 3;
  ExpectRefused(trace);
}

TEST_F(ResultFilesTest, AnUnknownSiteIsRefused) {
  Json trace = StoredTrace("a", Site::kResid);
  trace["site"] = "nowhere";
  ExpectRefused(trace);
}

}  // namespace
}  // namespace mambascope
