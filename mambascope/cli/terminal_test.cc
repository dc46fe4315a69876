// Streams that are closed, full or left by their reader cost nothing but what was printed there.
#include "mambascope/cli/terminal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "mambascope/cli/cli_facts_test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class StreamsCliTest : public FactsCliTest {
 protected:
  // Runs the program in a shell, with these redirections after its words. Returns the exit status.
  int RunWith(const Words& words, const std::string& redirections) const {
    std::string line = "( " + std::string(kQuickStart) + Quoted(MAMBASCOPE_BINARY);
    for (const std::string& word : words) line += " " + Quoted(word);
    const int status = std::system((line + " " + redirections + " )").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  Words Trace(const std::string& out) const {
    return {"trace", "--relations", relation_, "--limit", "2", "--explain", "--out", folder_ / out};
  }
  void ExpectResults(const std::string& out) const {
    const auto files = Files(out);
    ASSERT_EQ(files.size(), 3u) << out;
    for (const std::string& line : Lines(files.at("trace.jsonl")))
      EXPECT_THAT(line, StartsWith("{"));
    EXPECT_EQ(Result("trace", out)["facts"].size(), 2u);
  }
};

// The plan went into trace.jsonl, which had got the number of stderr.
TEST_F(StreamsCliTest, NothingIsWrittenIntoResultsWhenStderrIsClosed) {
  EXPECT_EQ(RunWith(Trace("closed"), ">/dev/null 2>&-"), 0);
  ExpectResults("closed");
  EXPECT_EQ(RunWith(Trace("all"), "<&- >&- 2>&-"), 1) << "stdout was not written";
  ExpectResults("all");
}

TEST_F(StreamsCliTest, ResultsAreWrittenWhereStdoutCannotBe) {
  for (const std::string out : {">/dev/full", ">&-", "| true"}) {
    const std::string err = folder_ / "err";
    const int status = RunWith(Trace("out"), "2>" + Quoted(err) + " " + out);
    ExpectResults("out");
    if (out.starts_with('|')) continue;  // the status is that of `true`
    EXPECT_EQ(status, 1) << out;
    EXPECT_THAT(ReadFile(err), HasSubstr("error: standard output cannot be written: ")) << out;
  }
}

TEST_F(StreamsCliTest, AnErrorThatCannotBePrintedIsExitCodeOne) {
  for (const char* redirection : {"2>&-", "2>/dev/full"})
    EXPECT_EQ(RunWith({"info", "--model", "none"}, redirection), 1) << redirection;
  EXPECT_EQ(RunWith({"info", "--bad"}, "2>&-"), 2);
}

// A data set may hold texts that would colour a terminal, or worse.
TEST_F(StreamsCliTest, ControlCharactersAreShownAsText) {
  const std::string odd = "\x1b]0;title\x07\x1b[31m";
  for (const Outcome& outcome :
       {RunProgram({"predict", "--prompt", odd}), RunProgram({"predict", "--model", odd}),
        RunProgram({"predict", "--" + odd}), RunProgram({"predict", "--prompt", odd, "--json"}),
        RunProgram({"trace", "--prompt", odd + " {} is", "--subject", "Rome", "--corrupt-subject",
                    "Oslo", "--out", folder_ / "odd"})}) {
    EXPECT_THAT(outcome.out + outcome.err, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07"))));
    EXPECT_THAT(outcome.out + outcome.err, HasSubstr("1b"));
  }
}

TEST_F(StreamsCliTest, ErrorsQuoteNoWholeFiles) {
  const std::string odd(40'000, 'x');
  for (const Words& words :
       {Words{"trace", "--prompt", odd, "--subject", "Rome", "--noise", "3", "--out",
              folder_ / "o"},
        Words{"predict", "--top", odd}, Words{"predict", "--model", odd},
        Words{"states", "--prompt", "hi", "--sites", odd, "--out", folder_ / "x.safetensors"}}) {
    const Outcome outcome = RunProgram(words);
    EXPECT_GT(outcome.exit_code, 0);
    EXPECT_LT(outcome.err.size(), 2000u) << words[0];
    EXPECT_THAT(outcome.err, HasSubstr("bytes are left out]")) << words[0];
  }
}

}  // namespace
}  // namespace mambascope
