// A job's results are those of its items, whoever made them; a folder is one run's at a time.
#include "mambascope/jobs/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/jobs/output_folder.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class JobTest : public testing::Test {
 protected:
  // Squares, three at a time; `made_` gets what is really computed.
  Job<int, int> Squares(ResultStore* store) {
    return {.key = [](const int& n) { return std::to_string(n); },
            .run =
                [this](const std::vector<int>& items,
                       const std::function<void(double, int64_t)>& progress) {
                  std::vector<int> squares;
                  for (int n : items) {
                    made_.push_back(n);
                    squares.push_back(n * n);
                    progress(
                        static_cast<double>(squares.size()) / static_cast<double>(items.size()),
                        static_cast<int64_t>(squares.size()));
                  }
                  return squares;
                },
            .at_a_time = 3,
            .store = store,
            .progress = [this](const JobProgress& progress) { last_ = progress; }};
  }
  std::vector<int> made_;
  JobProgress last_;
  const TempFolder folder_;
};

TEST_F(JobTest, ResultsAreInTheOrderOfTheItems) {
  EXPECT_THAT(RunJob(Squares(nullptr), {4, 1, 3, 2, 5}), ElementsAre(16, 1, 9, 4, 25));
  EXPECT_EQ(last_.done, 5);
  EXPECT_EQ(last_.units, 5);
  EXPECT_EQ(last_.total, 5);
}

struct Square {
  int value = 0;
};
void to_json(Json& json, const Square& square) { json = {{"value", square.value}}; }
void from_json(const Json& json, Square& square) { square.value = json.at("value"); }

TEST_F(JobTest, GoesOnWhereAnEarlierRunStopped) {
  const auto run = [&](const std::vector<int>& items) {
    made_.clear();
    ResultStore store(folder_ / "squares.jsonl", {{"job", "squares"}});
    Job<int, Square> job{.key = [](const int& n) { return std::to_string(n); },
                         .run =
                             [this](const std::vector<int>& some, const auto& progress) {
                               std::vector<Square> squares;
                               for (int n : some) {
                                 made_.push_back(n);
                                 squares.push_back({n * n});
                               }
                               progress(1, static_cast<int64_t>(some.size()));
                               return squares;
                             },
                         .at_a_time = 2,
                         .store = &store,
                         .progress = [this](const JobProgress& progress) { last_ = progress; }};
    std::vector<int> values;
    for (const Square& square : RunJob(job, items)) values.push_back(square.value);
    return values;
  };
  EXPECT_THAT(run({3, 1}), ElementsAre(9, 1));
  EXPECT_THAT(run({1, 2, 3, 4}), ElementsAre(1, 4, 9, 16));
  EXPECT_THAT(made_, ElementsAre(2, 4)) << "the others are there";
  EXPECT_EQ(last_.begun_with, 2);
  EXPECT_EQ(last_.done, 4);
  EXPECT_THAT(run({4, 3}), ElementsAre(16, 9));
  EXPECT_TRUE(made_.empty());
}

TEST_F(JobTest, FolderIsOneRunsAtATime) {
  {
    const OutputFolder first(folder_ / "out", {"a.json"});
    EXPECT_EQ(first / "a.json", folder_ / "out/a.json");
    EXPECT_THAT(ErrorOf([&] { OutputFolder(folder_ / "out", {}); }),
                HasSubstr("another mambascope is writing"));
    const OutputFolder other(folder_ / "elsewhere", {});
  }
  const OutputFolder again(folder_ / "out", {});
}

// A run that is killed leaves no lock behind.
TEST_F(JobTest, LockEndsWithItsProcess) {
  PrepareFolder(folder_ / "out");
  const pid_t child = fork();
  if (child == 0) {
    new OutputFolder(folder_ / "out", {});  // never let go
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  const OutputFolder again(folder_ / "out", {});
}

}  // namespace
}  // namespace mambascope
