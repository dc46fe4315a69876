// What a run says of its progress, and how it ends when it is interrupted.
#include "mambascope/cli/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "mambascope/cli/cli_facts_test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

ProgressState State(double done, int64_t total) {
  return {.what = "trace: facts", .done = done, .total = total};
}

TEST(ProgressTextTest, SaysHowMuchIsDoneAndLeft) {
  EXPECT_EQ(ProgressText(State(0, 50), 2, 0), "trace: facts 0/50, 2 s so far");
  EXPECT_EQ(ProgressText(State(10, 50), 5, 5), "trace: facts 10/50, 20 s left");
  EXPECT_EQ(ProgressText(State(10.5, 50), 21, 21), "trace: facts 10/50, 21 %, 79 s left");
  EXPECT_EQ(ProgressText(State(1, 100), 10, 10), "trace: facts 1/100, 16 min left");
  EXPECT_EQ(ProgressText({.what = "loading demo"}, 7, 0), "loading demo, 7 s so far");
  ProgressState state = State(30, 50);
  state.begun_with = 20;  // which took no time
  state.unit = "cells";
  state.units = 50;
  state.stage = "evaluating";
  EXPECT_EQ(ProgressText(state, 10, 10),
            "trace: facts 30/50 (evaluating), 5.0 cells per second, 20 s left");
}

// The last step may take long, or one may take longer than the others.
TEST(ProgressTextTest, NeverSaysThatNothingIsLeft) {
  EXPECT_EQ(ProgressText(State(50, 50), 12, 10), "trace: facts 50/50, 12 s so far");
  EXPECT_EQ(ProgressText(State(49.99, 50), 10, 10), "trace: facts 49/50, 99 %, 10 s so far");
  EXPECT_EQ(ProgressText(State(25, 50), 15, 10), "trace: facts 25/50, 5 s left");
  EXPECT_EQ(ProgressText(State(25, 50), 20, 10), "trace: facts 25/50, 20 s so far");
}

TEST(ProgressTextTest, LongWorkIsNotedOnce) {
  ProgressState state = State(1, 50);
  state.unit = "cells";
  state.units = 640;
  EXPECT_EQ(LongWorkNote(state, 10, "--limit takes fewer"),
            "this takes about 8 min, for about 32000 cells; --limit takes fewer");
  EXPECT_EQ(LongWorkNote(state, 4, ""), std::nullopt) << "too early to say";
  EXPECT_EQ(LongWorkNote(State(10, 50), 10, ""), std::nullopt) << "50 s in all";
  EXPECT_EQ(LongWorkNote(State(0, 50), 10, ""), std::nullopt) << "nothing is done";
  state = State(45, 50);
  state.begun_with = 44;
  EXPECT_EQ(LongWorkNote(state, 10.5, ""), "this takes about 63 s") << "of six that were open";
}

// A program in a process of its own.
class ChildProcess {
 public:
  ChildProcess(const Words& words, const std::string& err) {
    pid_ = fork();
    if (pid_ != 0) return;
    signal(SIGINT, SIG_DFL);  // a shell in the background may ignore it
    setenv("OMP_WAIT_POLICY", "passive", 1);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    std::vector<std::string> all = Words{MAMBASCOPE_BINARY} + words;
    std::vector<char*> arguments;
    for (std::string& word : all) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execv(MAMBASCOPE_BINARY, arguments.data());
    _exit(127);
  }
  void Interrupt() const { kill(pid_, SIGINT); }
  int ExitCode() {
    int status = 0;
    waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_;
};

// Waits for at most a minute.
template <typename Condition>
bool WaitUntil(const Condition& condition) {
  for (int i = 0; i < 600 && !condition(); ++i) usleep(100'000);
  return condition();
}

class InterruptTest : public testing::Test {
 protected:
  std::string Err() const { return fs::exists(err_) ? ReadFile(err_) : ""; }

  const TempFolder folder_;
  const std::string err_ = folder_ / "err", out_ = folder_ / "out";
};

TEST_F(InterruptTest, DataSetGoesOnWhereItStopped) {
  const Words words = {"trace",   "--relations", RepositoryFolder() / "data/demo/relations",
                       "--limit", "300",         "--out",
                       out_,      "--noise",     "3"};
  const auto lines = [&] {
    return fs::exists(out_ + "/trace.jsonl") ? Lines(ReadFile(out_ + "/trace.jsonl")).size() : 0;
  };
  ChildProcess child(words, err_);
  ASSERT_TRUE(WaitUntil([&] { return lines() > 1; })) << Err();
  child.Interrupt();
  EXPECT_EQ(child.ExitCode(), 130);
  const std::string err = Err();
  EXPECT_TRUE(err.ends_with("stopped; run the same command again to continue\n")) << err;
  EXPECT_THAT(err, Not(HasSubstr("\r")));
  EXPECT_FALSE(fs::exists(out_ + "/trace.json"));
  for (const auto& entry : fs::directory_iterator(out_))
    EXPECT_EQ(entry.path().filename(), "trace.jsonl") << "no half-written file";
  const size_t before = lines();
  ASSERT_LT(before, 300U);
  Words fewer = words;
  fewer[4] = "1";
  const Outcome again = RunProgram(fewer + Words{"--explain"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("the fact is already computed"));
}

TEST_F(InterruptTest, SingleRunSaysThatNothingWasWritten) {
  ChildProcess child(
      {"edit", "--prompt", "The landmark called {} can be found in", "--subject", "Eiffel Tower",
       "--target", "Rome", "--layer", "8", "--contexts", "rome", "--out", out_, "--quiet"},
      err_);
  ASSERT_TRUE(WaitUntil([&] { return fs::exists(out_); }));
  child.Interrupt();
  EXPECT_EQ(child.ExitCode(), 130);
  EXPECT_EQ(Err(), "stopped; nothing was written\n") << "with --quiet, too";
  EXPECT_TRUE(fs::is_empty(out_));
}

// Elsewhere than on a terminal a long run says what it does in plain lines, each of its own.
TEST_F(InterruptTest, LongRunsSayWhatTheyDoInPlainLines) {
  ChildProcess child({"moments", "--out", out_}, err_);
  ASSERT_TRUE(WaitUntil([&] { return Lines(Err()).size() > 2; })) << Err();
  child.Interrupt();
  EXPECT_EQ(child.ExitCode(), 130);
  const Words lines = Lines(Err());
  for (size_t i = 0; i + 1 < lines.size(); ++i)
    EXPECT_THAT(lines[i], AllOf(testing::StartsWith("progress: "), Not(HasSubstr("\r")),
                                Not(HasSubstr(" 0 s left"))));
  EXPECT_THAT(Err(), HasSubstr("moments: documents"));
}

}  // namespace
}  // namespace mambascope
