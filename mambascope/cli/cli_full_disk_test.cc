// A full disk and a folder that is read-only end a command with one line. Nothing is lost.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "mambascope/cli/cli_test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// The beginning of a command line that runs it where `mount` has changed the files that it sees,
// and `after` afterwards. Needs no rights of an administrator.
std::string Mounted(const std::string& mount, const std::string& after = ":") {
  return fmt::format("unshare -rm sh -c '{} && \"$@\"; status=$?; {}; exit $status' sh env {}",
                     mount, after, kQuickStart);
}

class FullDiskTest : public testing::Test {
 protected:
  FullDiskTest() { fs::create_directory(folder_ / "out"); }
  void SetUp() override {
    if (std::system("unshare -rm mount -t tmpfs none /mnt 2>/dev/null") != 0)
      GTEST_SKIP() << "this user may not mount";
  }
  // A trace of four facts to the folder `out`.
  Words Trace(const std::string& out) const {
    return {"trace",   "--relations", DemoData("relations/river_continent.json"),
            "--limit", "4",           "--all-facts",
            "--out",   Out(out),      "--quiet"};
  }
  std::string Out(const std::string& name) const { return (folder_ / name).string(); }

  TempFolder folder_;
};

TEST_F(FullDiskTest, ResultsThatFitAreKept) {
  ASSERT_EQ(RunProgram(Trace("whole")).exit_code, 0);
  const size_t lines = fs::file_size(folder_ / "whole/trace.jsonl");
  // Some lines fit, or all of them, or the numbers but not the page, whose libraries take 800 KB.
  for (const size_t kilobytes : {lines / 2048, lines / 1024 + 4, lines / 1024 + 200}) {
    fs::remove_all(folder_ / "kept");
    fs::create_directory(folder_ / "kept");
    const Outcome full =
        RunProgram(Trace("out"),
                   Mounted(fmt::format("mount -t tmpfs -o size={}k none {}", kilobytes, Out("out")),
                           fmt::format("cp {}/* {}", Out("out"), Out("kept"))));
    EXPECT_EQ(full.exit_code, 1);
    EXPECT_THAT(full.err, AllOf(HasSubstr("error: " + Out("out/trace.")),
                                HasSubstr("cannot be written: No space left on device; make room"),
                                HasSubstr("complete results are kept")));
    EXPECT_EQ(std::count(full.err.begin(), full.err.end(), '\n'), 1) << full.err;
    for (const auto& entry : fs::directory_iterator(folder_ / "kept"))
      EXPECT_NE(entry.path().extension(), ".part");
    EXPECT_EQ(RunProgram(Trace("kept")).exit_code, 0);
    for (const char* name : {"trace.jsonl", "trace.json", "trace.html"})
      EXPECT_TRUE(ReadFile(folder_ / "kept" / name) == ReadFile(folder_ / "whole" / name)) << name;
  }
}

// The model lacks a tokenizer, too: the folder is looked at before any work.
TEST_F(FullDiskTest, AReadOnlyFolderIsRefusedBeforeTheWork) {
  const std::string read_only =
      Mounted(fmt::format("mount --bind {0} {0} && mount -o remount,bind,ro {0}", Out("out")));
  for (const char* below : {"out", "out/new"}) {
    const Outcome outcome =
        RunProgram(Trace(below) + Words{"--model", GoldenFolder() / "mamba"}, read_only);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.err, fmt::format("error: {}: cannot be written: Read-only file system; "
                                       "choose another place for the output\n",
                                       Out(below)));
  }
}

}  // namespace
}  // namespace mambascope
