// Options are declared once: the page that documents them ends with what the program prints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"

namespace mambascope {
namespace {

TEST(OptionsTest, PageEndsWithWhatTheProgramPrints) {
  const std::string page = ReadFile(RepositoryFolder() / "docs/cli.md");
  EXPECT_EQ(page.substr(std::min(page.find("## Options\n"), page.size())), OptionsMarkdown())
      << "run ./dev docs";
}

// Counts what it is shown.
class Names : public OptionVisitor {
 public:
  void operator()(OptionValue /*value*/, const OptionInfo& info) override {
    EXPECT_TRUE(names_.insert(info.names).second) << info.names << " is declared twice";
    EXPECT_FALSE(info.help.empty()) << info.names;
    EXPECT_FALSE(info.help.ends_with('.')) << info.help;
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
