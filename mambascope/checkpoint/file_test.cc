// Output is never half-written, and a path that cannot be written is refused before the work
// begins.
#include "mambascope/checkpoint/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mambascope/checkpoint/mapping.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/checkpoint/zip.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  int Files() const {
    return static_cast<int>(std::distance(fs::directory_iterator(folder_.path()), {}));
  }

  // Runs `work` in another process, which this one may kill.
  static pid_t Fork(const std::function<void()>& work) {
    const pid_t child = fork();
    if (child != 0) return child;
    work();
    _exit(0);
  }
  static int Wait(pid_t child) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }

  TempFolder folder_;
  fs::path path_ = folder_ / "file";
};

TEST_F(FileTest, ReadsWhatWasWritten) {
  const std::string bytes("a\0b\n\xff", 5);
  WriteFile(path_, bytes);
  EXPECT_EQ(ReadFile(path_), bytes);
  WriteFile(path_, "");
  EXPECT_EQ(ReadFile(path_), "");
  EXPECT_EQ(Files(), 1);
}

TEST_F(FileTest, FailureLeavesTheEarlierFileAsItWas) {
  WriteFile(path_, "earlier");
  EXPECT_THROW(WriteFile(path_,
                         [](std::ostream& out) {
                           out << "half";
                           throw Error("the work failed");
                         }),
               Error);
  EXPECT_THAT(
      ErrorOf([&] { WriteFile(path_, [](std::ostream& out) { out.setstate(std::ios::badbit); }); }),
      HasSubstr("cannot be written"));
  EXPECT_EQ(ReadFile(path_), "earlier");
  EXPECT_EQ(Files(), 1) << "no part is left behind";
}

// A process that is killed in the middle of a file leaves its part.
TEST_F(FileTest, PartsOfDeadProcessesAreRemoved) {
  const auto leave_part = [&] {
    const int status = Wait(Fork([&] {
      WriteFile(path_, [](std::ostream& out) {
        out << "half" << std::flush;
        kill(getpid(), SIGKILL);
      });
    }));
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_EQ(ReadFile(folder_ / "file.1.part"), "half");
  };
  leave_part();
  PrepareFile(path_);
  EXPECT_EQ(Files(), 0);
  leave_part();
  leave_part();  // where the first part was, once that is removed
  WriteFile(path_, "whole");
  EXPECT_EQ(Files(), 1);
  EXPECT_EQ(ReadFile(path_), "whole");
}

TEST_F(FileTest, PartsOfOthersAreKept) {
  const std::vector<std::string> names = {"file.part",  "file..part",   "file.a1.part",
                                          "file.1",     "other.1.part", "file.1.part.gz",
                                          "ile.1.part", "a-file.1.part"};
  for (const std::string& name : names) WriteFile(folder_ / name, name);
  PrepareFile(path_);
  WriteFile(path_, "x");
  for (const std::string& name : names) EXPECT_EQ(ReadFile(folder_ / name), name);
}

// Two processes may write one file, such as a cache's. Each replaces it by a whole one.
TEST_F(FileTest, PartsOfLivingProcessesAreKept) {
  int begun[2], go[2];
  char byte = 0;
  ASSERT_EQ(pipe(begun), 0);
  ASSERT_EQ(pipe(go), 0);
  const pid_t child = Fork([&] {
    WriteFile(path_, [&](std::ostream& out) {
      if (write(begun[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1) _exit(1);
      out << "child";
    });
  });
  ASSERT_EQ(read(begun[0], &byte, 1), 1);
  PrepareFile(path_);
  WriteFile(path_, "parent");
  EXPECT_EQ(ReadFile(path_), "parent");
  EXPECT_TRUE(fs::exists(folder_ / "file.1.part"));
  ASSERT_EQ(write(go[1], &byte, 1), 1);
  EXPECT_EQ(Wait(child), 0);
  EXPECT_EQ(ReadFile(path_), "child");
  EXPECT_EQ(Files(), 1);
}

// The limit on the size of a file stands for a full disk.
TEST_F(FileTest, AFullDiskLeavesTheEarlierFileAsItWas) {
  WriteFile(path_, "earlier");
  std::string error;
  const pid_t child = Fork([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string what = ErrorOf([&] { WriteFile(path_, std::string(100'000, 'x')); });
    WriteFile(folder_ / "error", what.substr(0, 900));
  });
  EXPECT_EQ(Wait(child), 0);
  EXPECT_THAT(ReadFile(folder_ / "error"),
              AllOf(HasSubstr(path_.string() + ": cannot be written: File too large"),
                    HasSubstr("make room, then give the same command again")));
  EXPECT_EQ(ReadFile(path_), "earlier");
  EXPECT_EQ(Files(), 2) << "no part is left behind";
  EXPECT_THAT(ErrorOf([] { ThrowUnwritable("a", ENOSPC); }),
              AllOf(HasSubstr("a: cannot be written: No space left"), HasSubstr("make room")));
}

TEST_F(FileTest, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(ErrorOf([&] { ReadFile(path_); }),
              AllOf(HasSubstr(path_.string()), HasSubstr("No such file")));
  EXPECT_THAT(ErrorOf([&] { ReadFile(folder_.path()); }),
              AllOf(HasSubstr(folder_.path().string()), HasSubstr("is a folder")));
  EXPECT_THAT(ErrorOf([&] { ReadFile(std::string(5000, 'a')); }),
              AllOf(HasSubstr("aaa"), HasSubstr("File name too long")));
}

TEST_F(FileTest, PreparedPlacesCanBeWritten) {
  PrepareFolder(folder_ / "a/b");
  PrepareFolder(folder_ / "a/b");
  WriteFile(folder_ / "a/b/file", "x");
  PrepareFile(folder_ / "c/d/file");
  WriteFile(folder_ / "c/d/file", "earlier");
  PrepareFile(folder_ / "c/d/file");
  EXPECT_EQ(ReadFile(folder_ / "c/d/file"), "earlier");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "c/d"), {}), 1)
      << "no probe is left behind";
  PrepareFile("file-in-the-working-folder");
  EXPECT_FALSE(fs::exists("file-in-the-working-folder"));
}

TEST_F(FileTest, PlacesThatCannotBeWrittenAreRefused) {
  WriteFile(path_, "a file where a folder should be");
  const std::string file = path_.string(), folder = folder_.path().string();
  EXPECT_THAT(ErrorOf([&] { PrepareFolder(path_); }),
              AllOf(HasSubstr(file), HasSubstr("Not a directory"), HasSubstr("another place")));
  EXPECT_THAT(ErrorOf([&] { PrepareFolder(path_ / "below"); }),
              AllOf(HasSubstr(file), HasSubstr("Not a directory")));
  EXPECT_THAT(ErrorOf([&] { PrepareFile(path_ / "below"); }),
              AllOf(HasSubstr(file), HasSubstr("Not a directory")));
  EXPECT_THAT(ErrorOf([&] { PrepareFile(folder); }),
              AllOf(HasSubstr(folder), HasSubstr("Is a directory")));
  EXPECT_THAT(ErrorOf([&] { PrepareFile(folder_ / "new/"); }), HasSubstr("Is a directory"));
  EXPECT_EQ(ReadFile(path_), "a file where a folder should be");
}

// A folder of links, as in a cache of Hugging Face, shares its files with other folders.
TEST_F(FileTest, ALinkIsReplacedAndItsFileStaysAsItIs) {
  WriteFile(folder_ / "target", "old");
  fs::create_symlink(folder_ / "target", path_);
  fs::create_hard_link(folder_ / "target", folder_ / "hard");
  fs::create_symlink(folder_ / "nothing", folder_ / "dangling");
  for (const char* name : {"file", "hard", "dangling"}) {
    PrepareFile(folder_ / name);
    WriteFile(folder_ / name, "new");
    EXPECT_FALSE(fs::is_symlink(folder_ / name));
    EXPECT_EQ(ReadFile(folder_ / name), "new");
  }
  EXPECT_EQ(ReadFile(folder_ / "target"), "old");
  EXPECT_FALSE(fs::exists(folder_ / "nothing"));
}

TEST_F(FileTest, PipesAndDevicesAreNotRead) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  for (const fs::path& path : {path_, fs::path("/dev/zero")}) {
    EXPECT_THAT(ErrorOf([&] { ReadFile(path); }),
                AllOf(HasSubstr(path.string()), HasSubstr("expected a file")));
    EXPECT_THAT(ErrorOf([&] { Mapping mapping(path); }), HasSubstr("expected a file"));
    EXPECT_THAT(ErrorOf([&] { ZipReader zip(path, ""); }), HasSubstr("expected a file"));
  }
}

TEST(FileTargetTest, DevicesAreNotReplaced) {
  const TempFolder folder;
  fs::create_symlink("/dev/null", folder / "link");
  EXPECT_THROW(WriteFile(folder / "link", "x"), Error);
  EXPECT_THROW(PrepareFile("/dev/null"), Error);
  EXPECT_THROW(WriteFile("/dev/null", "x"), Error);
  EXPECT_FALSE(std::filesystem::is_regular_file("/dev/null"));
}

}  // namespace
}  // namespace mambascope
