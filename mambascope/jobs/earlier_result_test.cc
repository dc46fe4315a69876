// A run writes over its own results only.
#include "mambascope/jobs/earlier_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class EarlierResultTest : public testing::Test {
 protected:
  // Of a run that writes NAME.json, and lines too where `files` says so.
  OutputFolder Folder(const std::vector<std::string>& files = {"trace.json"}) const {
    return OutputFolder(folder_ / "out", files);
  }
  void Write(const std::string& file, const std::string& text) const {
    PrepareFolder(folder_ / "out");
    WriteFile(folder_ / "out" / file, text);
  }
  void WriteResult(const Json& options) const {
    Write("trace.json", Json{{"options", options}}.dump());
  }
  std::string Refusal(const std::vector<Json>& identities,
                      const std::vector<std::string>& files = {"trace.json"}) const {
    return ErrorOf([&] { RefuseOtherRun(Folder(files), "trace", identities, OtherRuns::kRefuse); });
  }
  void Expect(const std::vector<std::string>& names) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_ / "out"))
      found.push_back(entry.path().filename());
    EXPECT_THAT(found, testing::UnorderedElementsAreArray(names));
  }

  const TempFolder folder_;
  const Json run_ = {{"command", "trace"}, {"site", "resid"}, {"noise", nullptr}, {"std", 0.1}};
};

TEST_F(EarlierResultTest, ResultOfTheSameRunStands) {
  RefuseOtherRun(Folder(), "trace", {run_}, OtherRuns::kRefuse);  // an empty folder
  Json options = run_;
  options["threads"] = 3;  // decides no number
  WriteResult(options);
  RefuseOtherRun(Folder(), "trace", {run_}, OtherRuns::kRefuse);
  RefuseOtherRun(Folder(), "trace", {{{"site", "resid"}}}, OtherRuns::kRefuse);  // as far as known
  Expect({"trace.json"});
}

TEST_F(EarlierResultTest, AnotherRunIsNamedWithWhatDiffersAndBothWaysOut) {
  Json other = run_;
  other.update({{"site", "gate"}, {"std", 0.2}, {"model", "demo"}});
  WriteResult(other);
  EXPECT_THAT(Refusal({run_}), AllOf(HasSubstr((folder_ / "out").string() + ": trace.json"),
                                     HasSubstr("trace of demo"), HasSubstr("differs in site, std;"),
                                     HasSubstr("--out OTHER"), HasSubstr("--force")));
  Json more = run_;
  more["prompt"] = "{} is";  // which the stored run did not have
  WriteResult(run_);
  EXPECT_THAT(Refusal({more}), HasSubstr("differs in prompt;"));
}

TEST_F(EarlierResultTest, SeveralModelsAreComparedOneByOne) {
  Json second = run_;
  second["site"] = "gate";
  Write("trace.json", Json{{"models", {{{"options", run_}}, {{"options", second}}}}}.dump());
  RefuseOtherRun(Folder(), "trace", {run_, second}, OtherRuns::kRefuse);
  EXPECT_THAT(Refusal({second, run_}), HasSubstr("differs in site;"));
  EXPECT_THAT(Refusal({run_}), HasSubstr("the number of models"));
}

TEST_F(EarlierResultTest, SitesAndTokensOfModelsAreComparedOneByOne) {
  Json second = run_;
  second["site"] = "gate";
  const Json both = {{{"options", run_}}, {{"options", second}}};
  for (const char* list : {"sites", "tokens"}) {
    Write("trace.json", Json{{list, both}}.dump());
    RefuseOtherRun(Folder(), "trace", {run_, second}, OtherRuns::kRefuse);
    EXPECT_THAT(Refusal({second, run_}), HasSubstr("differs in site;"));
    Write("trace.json", Json{{"models", {{{list, both}}, {{list, both}}}}}.dump());
    RefuseOtherRun(Folder(), "trace", {run_, second, run_, second}, OtherRuns::kRefuse);
    EXPECT_THAT(Refusal({run_, second}), HasSubstr("the number of models"));
  }
}

TEST_F(EarlierResultTest, FileThatIsNoResultIsRefused) {
  for (const char* text : {"", "notes", "[]", "{}", R"({"options": 3})", R"({"models": [3]})",
                           R"({"models": {"a": 1}})", R"({"models": 3})"}) {
    Write("trace.json", text);
    EXPECT_THAT(Refusal({run_}), HasSubstr("trace.json")) << text;
  }
}

TEST_F(EarlierResultTest, LinesOfADataSetAreRefusedWhereTheRunHasNone) {
  Write("trace.jsonl", "");
  RefuseOtherRun(Folder(), "trace", {run_}, OtherRuns::kRefuse);  // holds nothing
  for (const char* file : {"trace.jsonl", "trace.demo.jsonl"}) {
    Write(file, "{}\n");
    EXPECT_THAT(Refusal({run_}), AllOf(HasSubstr(file), HasSubstr("--force"))) << file;
    RefuseOtherRun(Folder({"trace.json", file}), "trace", {run_}, OtherRuns::kRefuse);
    fs::remove(folder_ / "out" / file);
  }
  Write("trace.safetensors", "x");  // which no trace.json tells of
  EXPECT_THAT(Refusal({run_}), HasSubstr("trace.safetensors"));
  Write("paths.jsonl", "{}\n");
  fs::remove(folder_ / "out/trace.safetensors");
  RefuseOtherRun(Folder(), "trace", {run_}, OtherRuns::kRefuse);  // another command's lines
}

TEST_F(EarlierResultTest, ReplacingLeavesNoFileOfTheOtherRunBeside) {
  WriteResult({{"site", "gate"}});
  for (const char* file : {"trace.jsonl", "trace.demo.jsonl", "trace.safetensors", "paths.jsonl"})
    Write(file, "{}\n");
  RefuseOtherRun(Folder({"trace.json", "trace.safetensors"}), "trace", {run_}, OtherRuns::kReplace);
  // The run writes the first two itself, once it has its results.
  Expect({"trace.json", "trace.safetensors", "paths.jsonl"});
  WriteResult(run_);
  Write("trace.jsonl", "{}\n");
  RefuseOtherRun(Folder(), "trace", {run_}, OtherRuns::kReplace);
  Expect({"trace.json", "trace.jsonl", "trace.safetensors", "paths.jsonl"});  // all its own
}

// A run that took another one's place was interrupted: its own lines are there, and NAME.json is
// still the other run's.
TEST_F(EarlierResultTest, ReplacingKeepsTheLinesThatTheRunWritesItself) {
  WriteResult({{"site", "gate"}});
  Write("trace.jsonl", "{}\n");
  RefuseOtherRun(Folder({"trace.json", "trace.jsonl"}), "trace", {run_}, OtherRuns::kReplace);
  Expect({"trace.json", "trace.jsonl"});
}

}  // namespace
}  // namespace mambascope
