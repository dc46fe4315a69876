// A command never writes over the results of another run, unless --force says so.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/cli/cli_facts_test_support.h"
#include "mambascope/cli/output.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

TEST(DefaultFolderTest, NamesTheRun) {
  EXPECT_EQ(DefaultFolder("trace", {"demo"}, "resid"), "out/trace-demo-resid");
  EXPECT_EQ(DefaultFolder("trace", {"demo"}, "resid", {"data/relations/", "more/facts.json"}),
            "out/trace-demo-resid-relations+facts");
  EXPECT_EQ(DefaultFolder("lre", {"/models/mamba-130m-hf/"}), "out/lre-mamba-130m-hf");
  EXPECT_EQ(DefaultFolder("knockout", {"a/demo", "demo-neox"}, "cut-conv"),
            "out/knockout-demo+demo-neox-cut-conv");
  EXPECT_EQ(DefaultFolder("edit", {"my model"}, "rome"), "out/edit-my_model-rome");
  const std::string here = fs::current_path().filename().string();
  EXPECT_EQ(DefaultFolder("moments", {"."}), DefaultFolder("moments", {here}));
}

// A command with results in `out`: one run, another one, and what tells them apart.
struct TwoRuns {
  std::string name;
  Words run, other;
  std::string differs, result;
};

class OneOutputCliTest : public FactsCliTest {
 protected:
  OneOutputCliTest() {
    std::string text;
    for (const char* word : {"sea", "hill", "river", "town", "road", "field", "tree", "bird"})
      text += fmt::format("The {0} is near a {0}.\n", word);
    WriteFile(text_, text);
  }
  // With second moments that are collected fast.
  Words Edit(const Words& more) const {
    return Words{"edit", "--text", text_, "--ridge", "0.1"} + more;
  }

  const std::string text_ = folder_ / "text.txt";
};

class OutputCliTest : public OneOutputCliTest, public testing::WithParamInterface<TwoRuns> {
 protected:
  Outcome Run(Words command, const Words& more = {}) const {
    if (command[0] == "edit") command = Edit({command.begin() + 1, command.end()});
    return RunProgram(command + Words{"--out", folder_ / "out" / Result()} + more);
  }
  // The part of --out below the folder: a file's name where the command writes one.
  std::string Result() const { return GetParam().run[0] == "states" ? GetParam().result : ""; }
};

const Words kLouvre = {"--prompt", "The landmark called {} can be found in", "--subject", "Louvre"};
const Words kTower = {"--prompt", "The landmark called {} can be found in", "--subject",
                      "Eiffel Tower"};
const Words kColosseum = {"--corrupt-subject", "Colosseum"};
const Words kRome = {"--target", "Rome", "--layer", "8", "--steps", "2"};
const std::string kAnimals =
    (RepositoryFolder() / "data/demo/relations/animal_class.json").string();
const Words kLre = {"lre", "--relations", kAnimals, "--limit", "6", "--trials", "1", "--layers"};
const Words kMoments = {"moments", "--layers", "1", "--limit-documents"};

const TwoRuns kTwoRuns[] = {
    {"Trace", Words{"trace"} + kLouvre + kColosseum, Words{"trace"} + kTower + kColosseum,
     "differs in subject", "trace.json"},
    {"Paths", Words{"paths"} + kLouvre + kColosseum,
     Words{"paths", "--at", "prompt_last"} + kLouvre + kColosseum, "differs in at", "paths.json"},
    {"Knockout", Words{"knockout"} + kLouvre, Words{"knockout", "--window", "3"} + kLouvre,
     "differs in window", "knockout.json"},
    {"Edit", Words{"edit"} + kTower + kRome, Words{"edit"} + kLouvre + kRome, "differs in subject",
     "edit.safetensors"},
    {"Attention",
     {"attention", "--ids", "5,6", "--layer", "1"},
     {"attention", "--ids", "5,7", "--layer", "1"},
     "differs in ids",
     "attention.json"},
    {"States", {"states", "--ids", "5,6"}, {"states", "--ids", "5,7"}, "states of demo", "s.st"},
    {"Moments", kMoments + Words{"12"}, kMoments + Words{"13"}, "differs in text_fingerprint",
     "moments/mixed.1.npz"},
    {"Lre", kLre + Words{"8"}, kLre + Words{"9"}, "differs in layers", "lre.json"}};
INSTANTIATE_TEST_SUITE_P(Commands, OutputCliTest, testing::ValuesIn(kTwoRuns),
                         [](const auto& info) { return info.param.name; });

TEST_P(OutputCliTest, AnotherRunIsRefusedAndForced) {
  const fs::path file = fs::path(folder_ / "out") / GetParam().result;
  ASSERT_EQ(Run(GetParam().run).exit_code, 0);
  const std::string first = ReadFile(file);
  const Outcome again = Run(GetParam().run);
  EXPECT_EQ(again.exit_code, 0) << again.err;
  const Outcome other = Run(GetParam().other);
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err,
              AllOf(HasSubstr(folder_ / "out"), HasSubstr(GetParam().run[0] + " of demo"),
                    HasSubstr(GetParam().differs), HasSubstr("--out OTHER"), HasSubstr("--force")));
  EXPECT_EQ(ReadFile(file), first) << "the first run's result stays as it is";
  const Outcome forced = Run(GetParam().other, {"--force"});
  EXPECT_EQ(forced.exit_code, 0) << forced.err;
  EXPECT_NE(ReadFile(file), first);
}

TEST_F(OneOutputCliTest, OneFactDoesNotTakeThePlaceOfADataSet) {
  RunForResult("trace", "out", {"--limit", "2"});
  const auto before = Files("out");
  const Words fact = Words{"trace", "--out", folder_ / "out"} + kLouvre + kColosseum;
  EXPECT_THAT(RunProgram(fact).err, HasSubstr("trace.json is the result of another run"));
  EXPECT_EQ(Files("out"), before);
  fs::remove(folder_ / "out/trace.json");  // as if it had been stopped
  EXPECT_THAT(RunProgram(fact).err, HasSubstr("trace.jsonl has results of trace for a data set"));
  EXPECT_EQ(RunProgram(fact + Words{"--force"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(folder_ / "out/trace.jsonl"));
  // Nor the other way round.
  EXPECT_EQ(RunFacts("trace", "out", {"--limit", "2"}).exit_code, 1);
  EXPECT_EQ(RunFacts("trace", "out", {"--limit", "2", "--force"}).exit_code, 0);
  EXPECT_EQ(Lines(ReadFile(folder_ / "out/trace.jsonl")).size(), 2u);
}

TEST_F(OneOutputCliTest, ForceReplacesTheLinesOfAnotherRun) {
  RunForResult("paths", "out", {"--limit", "3"});
  fs::remove(folder_ / "out/paths.json");
  EXPECT_EQ(RunFacts("paths", "out", {"--limit", "1", "--at", "prompt_last"}).exit_code, 1);
  EXPECT_EQ(RunFacts("paths", "out", {"--limit", "1", "--at", "prompt_last", "--force"}).exit_code,
            0);
  EXPECT_EQ(Lines(ReadFile(folder_ / "out/paths.jsonl")).size(), 1u);
}

TEST_F(OneOutputCliTest, RecordsDoNotTakeThePlaceOfAnEdit) {
  const std::string out = folder_ / "out";
  ASSERT_EQ(RunProgram(Edit({"--out", out}) + kTower + kRome).exit_code, 0);
  const Words records = Edit({"--counterfact", RepositoryFolder() / "data/demo/counterfact.json",
                              "--layer", "8", "--steps", "2", "--limit", "2", "--out", out});
  const Outcome sweep = RunProgram(records), many = RunProgram(records + Words{"--edits", "2"});
  EXPECT_THAT(sweep.err, HasSubstr("differs in prompt, subject, target"));
  EXPECT_THAT(many.err, HasSubstr("prompt, subject, target"));
  EXPECT_EQ(RunProgram(records + Words{"--force"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(out + "/edit.safetensors")) << "the sweep's edit.json tells of no edit";
  EXPECT_THAT(RunProgram(Edit({"--out", out}) + kTower + kRome).err, HasSubstr("edit.json"));
}

TEST_F(OneOutputCliTest, TableIsWrittenBesideTheResults) {
  const std::string table = folder_ / "new/table.csv";
  const Words fact = Words{"trace", "--out", folder_ / "out"} + kLouvre + kColosseum;
  const Outcome outcome = RunProgram(fact + Words{"--table", table});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::EndsWith(table + "\n"));
  const Json probs = Result("trace", "out")["facts"][0]["probs"];
  size_t cells = 0;
  for (const Json& row : probs) cells += row.size();
  EXPECT_EQ(Lines(ReadFile(table)).size(), 1 + cells);
  // An existing file that is no table, a file of the run, and a folder are refused.
  const std::string notes = folder_ / "notes.json", own = folder_ / "table/trace.json";
  WriteFile(notes, "{}");
  for (const std::string& wrong : {notes, own}) {
    const Outcome outcome = RunProgram(
        Words{"trace", "--out", folder_ / "table", "--table", wrong} + kLouvre + kColosseum);
    EXPECT_EQ(outcome.exit_code, 1) << wrong;
    EXPECT_THAT(outcome.err, HasSubstr("--table " + wrong));
    EXPECT_FALSE(fs::exists(own));
  }
  EXPECT_EQ(ReadFile(notes), "{}");
  const Outcome refused = RunProgram(fact + Words{"--table", folder_.path().string()});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("cannot be written: Is a directory"));
  EXPECT_EQ(RunProgram({"lre", "--apply", "x", "--subject", "y", "--table", table}).exit_code, 2);
}

// Without --out, the folder is named by the run.
TEST_F(OneOutputCliTest, FolderIsNamedByTheRun) {
  const fs::path was = fs::current_path();
  fs::current_path(folder_.path());
  const Outcome trace = RunProgram(Words{"trace", "--site", "gate"} + kLouvre + kColosseum),
                edit = RunProgram(Edit(kTower) + kRome);
  fs::current_path(was);
  EXPECT_THAT(trace.out, HasSubstr("\nout/trace-demo-gate/trace.json\n")) << trace.err;
  EXPECT_THAT(edit.out, HasSubstr("\nout/edit-demo-rome/edit.json\n")) << edit.err;
  EXPECT_TRUE(fs::exists(folder_ / "out/trace-demo-gate/trace.html"));
  EXPECT_TRUE(fs::exists(folder_ / "out/edit-demo-rome/contexts.json"));
}

}  // namespace
}  // namespace mambascope
