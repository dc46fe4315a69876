// A job's results are those of its items, whoever made them; a folder is one run's at a time.
#include "mambascope/jobs/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <latch>
#include <mutex>
#include <numeric>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/jobs/fact_job.h"
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
                [this](const std::vector<int>& items, const BatchReport<int>& report) {
                  std::vector<int> squares;
                  for (int n : items) {
                    made_.push_back(n);
                    squares.push_back(n * n);
                    report.progress(
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

// Each of two workers waits for the other, so they work at the same time.
TEST_F(JobTest, WorkersShareTheBatches) {
  std::barrier both(2);
  std::vector<int> items(8);
  std::iota(items.begin(), items.end(), 0);
  Job<int, int> job = Squares(nullptr);
  std::mutex mutex;
  std::vector<std::vector<int>> of_workers(2);
  job.at_a_time = 2;
  job.workers = 2;
  job.run = [&](const std::vector<int>& some, const BatchReport<int>& report) {
    both.arrive_and_wait();
    report.progress(0.5, 1);
    {
      const std::lock_guard lock(mutex);
      for (const int n : some) of_workers.at(report.worker).push_back(n);
    }
    both.arrive_and_wait();
    return std::vector<int>{some[0] * some[0], some[1] * some[1]};
  };
  EXPECT_THAT(RunJob(job, items), ElementsAre(0, 1, 4, 9, 16, 25, 36, 49));
  EXPECT_EQ(of_workers[0].size(), 4);
  EXPECT_EQ(of_workers[1].size(), 4);
  EXPECT_EQ(last_.done, 6);  // the last report came in the middle of two batches
  EXPECT_EQ(last_.units, 4);
}

// The error of one worker reaches the caller, and the other one stops at its next report.
TEST_F(JobTest, ErrorOfAWorkerEndsTheOthers) {
  std::latch failing(1);
  Job<int, int> job = Squares(nullptr);
  job.at_a_time = 1;
  job.workers = 2;
  job.run = [&](const std::vector<int>& some, const BatchReport<int>& report) {
    if (some[0] == 1) {
      failing.count_down();
      throw Error("no square");
    }
    failing.wait();
    for (;;) report.progress(0.5, 1);  // throws once the other worker has failed
    return some;
  };
  EXPECT_EQ(ErrorOf([&] { RunJob(job, {0, 1, 2, 3}); }), "no square");
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
                             [this](const std::vector<int>& some, const auto& report) {
                               std::vector<Square> squares;
                               for (int n : some) {
                                 made_.push_back(n);
                                 squares.push_back({n * n});
                               }
                               report.progress(1, static_cast<int64_t>(some.size()));
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

// A batch may take long: what is finished in it is stored at once, and only once.
TEST_F(JobTest, ResultsAreStoredWhenABatchSaysThatTheyAreFinished) {
  ResultStore store(folder_ / "squares.jsonl", {{"job", "squares"}});
  std::vector<size_t> sizes;
  const Job<int, Square> job{
      .key = [](const int& n) { return std::to_string(n); },
      .run =
          [&](const std::vector<int>& some, const BatchReport<Square>& report) {
            report.finished(0, {some[0] * some[0]});
            sizes.push_back(store.size());
            std::vector<Square> squares;
            for (int n : some) squares.push_back({n * n});
            return squares;
          },
      .at_a_time = 2,
      .store = &store};
  EXPECT_EQ(RunJob(job, {1, 2, 3}).size(), 3u);
  EXPECT_THAT(sizes, ElementsAre(1, 3));
  const std::string lines = ReadFile(folder_ / "squares.jsonl");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3);
}

// Whatever a batch says.
TEST_F(JobTest, ProgressNeverGoesBackwardsOrPastTheEnd) {
  std::vector<double> done;
  const Job<int, int> job{
      .key = [](const int& n) { return std::to_string(n); },
      .run =
          [](const std::vector<int>& some, const BatchReport<int>& report) {
            for (const double share : {0.5, 1.0, 0.2, 3.0}) report.progress(share, 1);
            return some;
          },
      .at_a_time = 2,
      .progress = [&](const JobProgress& progress) { done.push_back(progress.done); }};
  RunJob(job, {1, 2, 3, 4});
  EXPECT_THAT(done, ElementsAre(0, 1, 2, 2, 2, 3, 4, 4, 4));
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

// A fact's share is of all the sweeps of a batch (trace --isolate has three).
TEST_F(JobTest, SeveralSweepsOfABatchCountOnce) {
  std::vector<double> done;
  std::vector<int64_t> units;
  const std::vector<FactPair> pairs(2,
                                    {.relation = "", .clean = {}, .corrupt = {}, .answer_id = {}});
  RunFactJob<Square>(pairs,
                     {.at_a_time = 1,
                      .sweeps = 3,
                      .progress =
                          [&](const JobProgress& progress) {
                            done.push_back(3 * progress.done);
                            units.push_back(progress.units);
                          }},
                     [](size_t, const std::vector<FactPair>&, const std::vector<FactPart>&,
                        const CellOptions& cells, Audit& audit) {
                       for (int sweep = 0; sweep < 3; ++sweep) {
                         audit.plan.cases += 4;
                         for (int64_t cell : {2, 4}) cells.sweep.progress(cell, 4);
                       }
                       return std::vector<Square>(1);
                     });
  EXPECT_THAT(done, testing::Pointwise(testing::DoubleNear(1e-9),
                                       {0., .5, 1., 1.5, 2., 2.5, 3., 3.5, 4., 4.5, 5., 5.5, 6.}));
  EXPECT_THAT(units, ElementsAre(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24));
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
