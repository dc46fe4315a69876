// Options are declared once: --help and the pages in docs/cli/ hold what the declarations say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/cli/cli_test_support.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/option_pages.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

TEST(OptionsTest, PagesHoldWhatTheProgramSays) {
  for (const OptionPage& page : OptionPages()) {
    const std::string text = ReadFile(RepositoryFolder() / "docs" / page.file);
    EXPECT_EQ(text, ReplaceTables(text, page)) << page.file << ": run ./dev docs";
  }
}

TEST(OptionsTest, EveryCommandHasAPageThatTheIndexNames) {
  const std::filesystem::path docs = RepositoryFolder() / "docs";
  const std::string index = ReadFile(docs / "cli.md");
  std::set<std::string> commands, pages;
  for (const CommandEntry& entry : Commands()) {
    if (!entry.has_page) continue;
    commands.insert(entry.name);
    EXPECT_THAT(index, testing::HasSubstr("(cli/" + entry.name + ".md)"));
    EXPECT_THAT(
        ReadFile(docs / "cli" / (entry.name + ".md")),
        testing::AllOf(testing::StartsWith("# " + entry.name + "\n"),
                       testing::HasSubstr("\n## Usual calls\n"),
                       testing::HasSubstr("\n## Options\n"), testing::HasSubstr("\n## Result\n")))
        << entry.name;
  }
  for (const auto& file : std::filesystem::directory_iterator(docs / "cli"))
    pages.insert(file.path().stem());
  EXPECT_EQ(pages, commands);
}

// `moments` visits the topic Text twice.
TEST(OptionsTest, HelpAndPageGroupThemByTopic) {
  const std::vector<OptionPage> pages = OptionPages();
  const auto page = std::find_if(pages.begin(), pages.end(),
                                 [](const OptionPage& p) { return p.file == "cli/moments.md"; });
  ASSERT_NE(page, pages.end());
  const std::string topic = page->tables.substr(0, page->tables.find("\n###"));
  const std::string help = RunProgram({"moments", "--help"}).out;
  const size_t begin = help.find("\nText:\n");
  ASSERT_NE(begin, help.npos) << help;
  for (const std::string& text : {topic, help.substr(begin, help.find("\n\n", begin) - begin)}) {
    for (const char* option : {"--text", "--limit-documents", "--max-tokens"})
      EXPECT_THAT(text, testing::HasSubstr(option));
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("--layers")));
  }
}

TEST(OptionsTest, PrintsThemAsJson) {
  const Json json = RunForJson({"options"});
  EXPECT_EQ(json["commands"].size(), Commands().size());
  const auto find = [](const Json& options, const std::string& name) {
    for (const Json& option : options) {
      if (option["names"][0] == name) return option;
    }
    return Json();
  };
  EXPECT_EQ(find(json["common"], "--seed")["least"], 0);
  EXPECT_EQ(find(json["common"], "--device")["one_of"], Json({"cpu", "cuda"}));
  for (const Json& command : json["commands"]) {
    if (command["name"] == "edit") {
      EXPECT_EQ(find(command["options"], "--layer")["names"], Json({"--layer", "--layers"}));
      EXPECT_EQ(find(command["options"], "--edits")["list"], "commas");
    }
  }
}

TEST(OptionsTest, APageWithoutMarkersIsRefused) {
  const OptionPage page = OptionPages().at(0);
  EXPECT_THROW(ReplaceTables("# trace\n", page), Error);
  EXPECT_THROW(ReplaceTables("<!-- options: written by ./dev docs -->\n", page), Error);
}

// Counts what it is shown.
class Names : public OptionVisitor {
 public:
  void operator()(OptionValue /*value*/, const OptionInfo& info) override {
    EXPECT_TRUE(names_.insert(info.names).second) << info.names << " is declared twice";
    EXPECT_FALSE(info.help.empty()) << info.names;
    EXPECT_FALSE(info.help.ends_with('.')) << info.help;
    EXPECT_FALSE(topic().empty()) << info.names;
  }
  const std::set<std::string>& names() const { return names_; }

 private:
  std::set<std::string> names_;
};

TEST(OptionsTest, EachIsDeclaredOnceAndExplained) {
  for (const CommandEntry& entry : Commands()) {
    Names names;
    const auto command = entry.make();
    VisitAllOptions(*command, names);
    EXPECT_GE(names.names().size(), 10u) << entry.name;
  }
}

// Two values of one option: the identity follows those that decide results, and no others.
TEST(OptionsTest, IdentityHasWhatDecidesResults) {
  const auto identity = [](const std::function<void(CommonArguments&)>& change) {
    const auto trace = MakeTrace();
    change(trace->common);
    return DescribeRun("trace", *trace).identity;
  };
  const Json usual = identity([](CommonArguments&) {});
  EXPECT_EQ(identity([](CommonArguments& c) { c.threads = 1; }), usual);
  EXPECT_EQ(identity([](CommonArguments& c) { c.quiet = true; }), usual);
  EXPECT_NE(identity([](CommonArguments& c) { c.seed = 7; }), usual);
  EXPECT_EQ(identity([](CommonArguments& c) { c.seed = 0; }), usual) << "the default, said aloud";
  EXPECT_NE(identity([](CommonArguments& c) { c.dtype = "bfloat16"; }), usual);
  EXPECT_NE(identity([](CommonArguments& c) { c.model = "demo-mamba2"; }), usual)
      << "by its fingerprint";
  EXPECT_EQ(identity([](CommonArguments& c) { c.model = "demo-mamba"; }), usual)
      << "the same folder by another name";
}

}  // namespace
}  // namespace mambascope
