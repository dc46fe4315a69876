// The commands `report` and `demo`: what they gather, write and print, and that the printed
// commands make the same results again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "mambascope/cli/cli_facts_test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// Small results, which all tests of the suite report: traces of one and of two sites, a knockout.
class ReportCliTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    const std::string rivers =
        (RepositoryFolder() / "data/demo/relations/river_continent.json").string();
    const auto make = [&](const std::string& command, const std::string& out, const Words& more) {
      const Outcome outcome = RunProgram(
          Words{command, "--relations", rivers, "--limit", "2", "--out", Out(out)} + more);
      EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    };
    make("trace", "results/trace", {});
    make("knockout", "results/knockout", {"--from", "subject,last"});
    make("trace", "sites", {"--site", "resid,ssm_out"});
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::string Out(const std::string& name) { return (*folder_ / name).string(); }

  // Runs the command that the report of `result` prints for its first figure, with its results in
  // another folder, and expects the same file there.
  static void ExpectSameAgain(const std::string& result, const std::string& file) {
    const Json report =
        RunForJson({"report", Out(result), "--out", Out("again/" + result + "-report")});
    const std::string command = report.at("/chapters/0/figures/0/command"_json_pointer),
                      again = Out("again/" + result), name = "mambascope";
    ASSERT_THAT(command, StartsWith(name + " "));
    const std::string line = kQuickStart + Quoted(MAMBASCOPE_BINARY) + command.substr(name.size()) +
                             " --quiet --out " + Quoted(again);
    ASSERT_EQ(std::system(line.c_str()), 0) << line;
    EXPECT_TRUE(ReadFile(fs::path(again) / file) == ReadFile(fs::path(Out(result)) / file)) << line;
  }
  static void ExpectRefused(const std::string& place, const std::string& says) {
    const Outcome outcome = RunProgram({"report", place, "--out", Out("refused")});
    EXPECT_EQ(outcome.exit_code, 1) << place;
    EXPECT_THAT(outcome.err, AllOf(StartsWith("error: " + says), Not(HasSubstr("unexpected"))));
    EXPECT_FALSE(fs::exists(Out("refused")));
  }

  static TempFolder* folder_;
};
TempFolder* ReportCliTest::folder_ = nullptr;

TEST_F(ReportCliTest, GathersResultsOnOnePage) {
  const std::string page = Out("page/report.html");
  const Outcome outcome = RunProgram({"report", Out("results"), "--out", Out("page")});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(StartsWith("Causal tracing\n  At resid of demo, "),
                    HasSubstr("\nKnockout\n  In demo (cut), "), EndsWith(page + "\n")));
  EXPECT_THAT(ReadFile(page), AllOf(HasSubstr("<h1>Causal tracing</h1>"),
                                    HasSubstr("<h1>Knockout</h1>"), HasSubstr("<h1>Facts</h1>")));
}

TEST_F(ReportCliTest, JsonListsChaptersAndFiguresWithTheirCommands) {
  const Json json = RunForJson(
      {"report", Out("results/knockout"), Out("results/trace/trace.json"), "--out", Out("json")});
  EXPECT_THAT(Keys(json), ElementsAre("chapters", "files", "report"));
  EXPECT_EQ(json["report"], Out("json/report.html"));
  EXPECT_EQ(json["files"], Json::array());
  ASSERT_THAT(json["chapters"], SizeIs(2));
  const std::pair<const char*, const char*> kChapters[] = {{"Causal tracing", "mambascope trace "},
                                                           {"Knockout", "mambascope knockout "}};
  for (size_t c = 0; c < 2; ++c) {
    const Json& chapter = json["chapters"][c];
    EXPECT_EQ(chapter["heading"], kChapters[c].first);
    EXPECT_THAT(chapter["figures"], SizeIs(2)) << "a heat map and curves; change and accuracy";
    for (const Json& figure : chapter["figures"]) {
      EXPECT_THAT(Keys(figure), ElementsAre("command", "finding", "heading", "of", "range"));
      EXPECT_THAT(figure["command"].get<std::string>(), StartsWith(kChapters[c].second));
    }
  }
}

TEST_F(ReportCliTest, CommandOfATraceMakesTheSameFile) {
  ExpectSameAgain("results/trace", "trace.json");
}

TEST_F(ReportCliTest, CommandOfAKnockoutMakesTheSameFile) {
  ExpectSameAgain("results/knockout", "knockout.json");
}

TEST_F(ReportCliTest, CommandOfSeveralSitesMakesTheSameFile) {
  ExpectSameAgain("sites", "trace.json");
}

TEST_F(ReportCliTest, FiguresAreWrittenAsPicturesSpecificationsAndTables) {
  if (std::system("node --version > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "no node (apt-get install nodejs)";
  const Json json =
      RunForJson({"report", Out("results"), "--out", Out("drawn"), "--figures", Out("figures")});
  EXPECT_THAT(json["files"], SizeIs(3 * 4));
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(Out("figures"))) {
    EXPECT_THAT(json["files"], testing::Contains(Json(entry.path().filename().string())));
    ++count;
  }
  EXPECT_EQ(count, json["files"].size()) << "nothing else is left there";
  for (const std::string name : json["files"]) {
    const fs::path file = Out("figures/" + name);
    if (!name.ends_with(".vl.json")) continue;
    const std::string stem = file.string().substr(0, file.string().size() - 8);
    const Json spec = ReadJson(file), table = spec.at("usermeta").at("table");
    EXPECT_THAT(spec.at("$schema").get<std::string>(), HasSubstr("vega-lite/v6"));
    const std::string picture = ReadFile(stem + ".svg"), numbers = ReadFile(stem + ".csv");
    EXPECT_THAT(picture.substr(0, 60), StartsWith("<svg"));
    EXPECT_THAT(picture.substr(picture.size() - 8), HasSubstr("</svg>"));
    EXPECT_THAT(numbers.substr(0, numbers.find('\n')),
                StartsWith(table.at("columns").at(0).get<std::string>() + ","));
    EXPECT_EQ(Lines(numbers).size(), 1 + table.at("rows").size());
  }
}

TEST_F(ReportCliTest, WhatHoldsNoResultIsNamed) {
  ExpectRefused(Out("missing"), Out("missing"));
  fs::create_directories(Out("empty"));
  ExpectRefused(Out("empty"), Out("empty") + ": holds no results");
  const std::string text = ReadFile(Out("results/trace/trace.json"));
  fs::create_directories(Out("broken/deep"));
  WriteFile(Out("broken/deep/trace.json"), text.substr(0, text.size() / 2));
  ExpectRefused(Out("broken"), Out("broken/deep/trace.json"));
  WriteFile(Out("broken/deep/trace.json"), "{}");
  ExpectRefused(Out("broken"), Out("broken/deep/trace.json"));
}

TEST_F(ReportCliTest, AFolderMustBeNamed) {
  EXPECT_EQ(RunProgram({"report"}).exit_code, 2);
  EXPECT_EQ(RunProgram({"report", Out("results"), "--out", ""}).exit_code, 2);
}

// From any folder: the bundled relations are found where the bundled models are.
TEST_F(ReportCliTest, TheTourEndsWithAReport) {
  const fs::path was = fs::current_path();
  fs::current_path(folder_->path());
  const Outcome outcome =
      RunProgram({"demo", "--limit", "3", "--out", "tour"},
                 kQuickStart + ("XDG_CACHE_HOME=" + Quoted(Out("cache"))) + " ");
  fs::current_path(was);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("1 of 9. "), HasSubstr("$ mambascope trace "),
                                 HasSubstr("9 of 9. "), EndsWith("tour/report.html\n")));
  const std::string page = ReadFile(Out("tour/report.html"));
  for (const char* chapter :
       {"Causal tracing", "Path-specific effects", "Edits", "Linear relational embeddings",
        "Knockout", "Attention and hidden attention"})
    EXPECT_THAT(page, HasSubstr("<h1>" + std::string(chapter) + "</h1>"));
}

}  // namespace
}  // namespace mambascope
