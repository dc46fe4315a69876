// Output is never half-written, and a path that cannot be written is refused before the work
// begins.
#include "mambascope/checkpoint/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

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
