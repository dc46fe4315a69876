// Reads the machine's memory from files of a made-up machine.
#include "mambascope/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "mambascope/error.h"

namespace mambascope {
namespace {

class MemoryTest : public testing::Test {
 protected:
  MemoryTest() {
    std::string name = (std::filesystem::temp_directory_path() / "mambascope-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    Write("proc/meminfo", "MemTotal:  8000 kB\nMemFree: 10 kB\nMemAvailable:    6000 kB\n");
  }
  ~MemoryTest() override { std::filesystem::remove_all(folder_); }
  void Write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text;
  }
  int64_t Available() const { return AvailableMemory(folder_) / 1024; }
  int64_t Whole() const { return WholeMemory(folder_) / 1024; }

  std::filesystem::path folder_;
};

TEST_F(MemoryTest, IsThatOfTheMachine) {
  EXPECT_EQ(Available(), 6000);
  EXPECT_EQ(Whole(), 8000);
  EXPECT_GT(AvailableMemory(), 100'000'000);
  EXPECT_GE(WholeMemory(), AvailableMemory());
}

TEST_F(MemoryTest, IsThatOfTheControlGroupIfThatIsLess) {
  Write("proc/self/cgroup", "0::/jobs/one\n");
  Write("sys/fs/cgroup/jobs/one/memory.max", "max\n");
  Write("sys/fs/cgroup/jobs/one/memory.current", "1024\n");
  EXPECT_EQ(Available(), 6000) << "no limit";
  Write("sys/fs/cgroup/jobs/memory.max", "4096000\n");
  Write("sys/fs/cgroup/jobs/memory.current", "3072000\n");
  EXPECT_EQ(Available(), 1000) << "a limit of an outer group";
  EXPECT_EQ(Whole(), 4000);
  Write("sys/fs/cgroup/jobs/memory.stat", "anon 7\ninactive_file 1024000\n");
  EXPECT_EQ(Available(), 2000) << "cached files can be freed";
}

TEST_F(MemoryTest, KnowsTheFirstVersionOfControlGroups) {
  Write("proc/self/cgroup", "5:cpu:/x\n4:memory:/elsewhere/one\n0::/\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2048000\n");
  Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1024000\n");
  EXPECT_EQ(Available(), 1000);
}

TEST_F(MemoryTest, WhatIsNotThereIsRefusedWithTheFigures) {
  RequireMemory(1, "a byte", "");
  try {
    RequireMemory(int64_t{1} << 50, "a pass over 9 tokens", "take fewer");
    ADD_FAILURE() << "there is no petabyte";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(),
                testing::AllOf(testing::StartsWith("a pass over 9 tokens would take about "
                                                   "1048576.0 GB of memory; "),
                               testing::EndsWith("B are available; take fewer")));
  }
  EXPECT_EQ(BytesText((1 << 20) + 1), "2 MB");
  EXPECT_EQ(BytesText(int64_t{5} << 29), "2.5 GB");
}

}  // namespace
}  // namespace mambascope
