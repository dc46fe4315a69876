// The command `moments`: layers and projections, the files it writes, and that it goes on where it
// was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/cli_test_support.h"
#include "mambascope/cli/common.h"
#include "mambascope/experiments/editing/moments_file.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

TEST(ParseLayersTest, ReadsNumbersRangesListsAndAll) {
  EXPECT_THAT(ParseLayers("3", 16), ElementsAre(3));
  EXPECT_THAT(ParseLayers("0-2", 16), ElementsAre(0, 1, 2));
  EXPECT_THAT(ParseLayers("6,2,4,2", 16), ElementsAre(2, 4, 6));
  EXPECT_THAT(ParseLayers("14-15,0", 16), ElementsAre(0, 14, 15));
  EXPECT_THAT(ParseLayers("all", 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(ParseLayers("blocks.3.hook_resid_post,5,blocks.7", 16), ElementsAre(3, 5, 7));
}

TEST(ParseLayersTest, NamesTheModelsLayersInErrors) {
  for (const char* wrong : {"16", "0-16", "5-4", "-1", "1-", "x", "", "1,", "1 2", "99999999999",
                            "all,1", "blocks.", "blocks.16"}) {
    EXPECT_THAT(ErrorOf([&] { ParseLayers(wrong, 16); }),
                AllOf(HasSubstr("--layers"), HasSubstr("0-15")))
        << wrong;
  }
}

class MomentsCliTest : public testing::Test {
 protected:
  MomentsCliTest() {
    std::ifstream in(RepositoryFolder() / "data/demo/sentences.jsonl");
    std::string text, line;
    for (int i = 0; i < 80 && std::getline(in, line); ++i) text += line + "\n";
    WriteFile(text_, text);
  }
  Words Command(const Words& more) const {
    Words words = {"moments", "--text", text_, "--out", out_};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string Failure(const Words& more) const {
    const Outcome outcome = RunProgram(Command(more));
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(out_) / "moments"))
      names.push_back(entry.path().filename());
    return names;
  }
  TempFolder folder_;
  const std::string text_ = folder_ / "text.jsonl", out_ = folder_ / "out";
};

TEST_F(MomentsCliTest, WritesAFilePerSiteAndLayerAndWhatItDid) {
  const Json json = RunForJson(Command({"--layers", "2-3", "--projections", "W_a,W_g,W_o"}));
  EXPECT_THAT(Files(), UnorderedElementsAre("mixer_in.2.npz", "mixer_in.3.npz", "mixed.2.npz",
                                            "mixed.3.npz"));
  EXPECT_EQ(ReadJson(fs::path(out_) / "moments.json"), json);
  EXPECT_THAT(ReadFile(fs::path(out_) / "moments.html"),
              AllOf(HasSubstr("moments_mixer_in"), HasSubstr("moments_mixed")));
  EXPECT_THAT(Keys(json), UnorderedElementsAre("options", "moments"));
  ASSERT_EQ(json["moments"].size(), 4);
  const Json& first = json["moments"][0];
  EXPECT_THAT(Keys(first), UnorderedElementsAre("site", "layer", "projections", "width", "tokens",
                                                "documents", "condition", "convergence"));
  EXPECT_EQ(first["site"], "mixer_in");
  EXPECT_EQ(first["layer"], 2);
  EXPECT_EQ(first["projections"], Json({"W_a", "W_g"}));
  EXPECT_EQ(first["width"], 192);
  EXPECT_EQ(first["documents"], 76);
  EXPECT_GE(first["condition"], 1);
  ASSERT_EQ(first["convergence"].size(), 3);
  EXPECT_TRUE(first["convergence"][0]["change"].is_null());
  EXPECT_GT(first["convergence"][2]["change"], 0);
  const Moments moments = ReadMoments(out_, {Site::kMixed, 3}, 384,
                                      Fingerprint(RepositoryFolder() / "models/demo-mamba"));
  EXPECT_EQ(moments.count, json["moments"][3]["tokens"]);
}

TEST_F(MomentsCliTest, MoreLayersAreAddedToAFolder) {
  RunForJson(Command({"--layers", "0", "--projections", "W_o"}));
  const std::string before = ReadFile(fs::path(out_) / "moments/mixed.0.npz");
  const Json both = RunForJson(Command({"--layers", "0,4", "--projections", "W_o"}));
  EXPECT_EQ(both["moments"].size(), 2);
  EXPECT_EQ(both["moments"][1]["tokens"], both["moments"][0]["tokens"]);
  EXPECT_EQ(ReadFile(fs::path(out_) / "moments/mixed.0.npz"), before);
}

TEST_F(MomentsCliTest, ATransformerHasTheMomentsOfWOAndWDown) {
  const Json json = RunForJson(
      Command({"--model", "demo-neox", "--layers", "1", "--limit-documents", "4", "--quiet"}));
  EXPECT_THAT(Files(), UnorderedElementsAre("mixed.1.npz", "mlp_mid.1.npz"));
  EXPECT_EQ(json["moments"][0]["projections"], Json({"W_o"}));
  EXPECT_EQ(json["moments"][1]["projections"], Json({"W_down"}));
  EXPECT_EQ(json["moments"][0]["documents"], 3);
}

TEST_F(MomentsCliTest, ErrorsSayWhatIsThere) {
  EXPECT_THAT(Failure({"--layers", "16"}), AllOf(HasSubstr("--layers 16"), HasSubstr("0-15")));
  EXPECT_THAT(Failure({"--projections", "W_down"}),
              HasSubstr("this model has no 'W_down'; it has W_a, W_g, W_o; all takes every one"));
  EXPECT_THAT(Failure({"--text", folder_ / "none.txt"}), HasSubstr("none.txt: cannot be read"));
  RunForJson(
      Command({"--layers", "0", "--projections", "W_o", "--limit-documents", "3", "--quiet"}));
  EXPECT_THAT(Failure({"--layers", "0", "--limit-documents", "4"}),
              HasSubstr("differs in text_fingerprint"));
  EXPECT_THAT(Failure({"--layers", "0", "--limit-documents", "3", "--ridge", "1"}),
              HasSubstr("differs in ridge"));
  EXPECT_THAT(Failure({"--layers", "0", "--limit-documents", "3", "--model", "demo-mamba2"}),
              HasSubstr("differs in fingerprint"));
  fs::remove(fs::path(out_) / "moments.json");  // a run that was stopped has the files only
  EXPECT_THAT(Failure({"--layers", "0", "--limit-documents", "4"}),
              HasSubstr("mixed.0.npz: these second moments are of another text"));
  EXPECT_EQ(RunProgram(Command({"--layers", "0", "--limit-documents", "4", "--force"})).exit_code,
            0);
}

TEST_F(MomentsCliTest, WrongCommandLinesExitWithTwo) {
  for (const Words& wrong : std::vector<Words>{
           {"--ridge", "-1"}, {"--limit-documents", "1"}, {"--max-tokens", "0"}, {"--layers"}})
    EXPECT_EQ(RunProgram(Command(wrong)).exit_code, 2) << testing::PrintToString(wrong);
}

// Text of one document short enough that convergence was never looked at: the page has no figure,
// and says so by its table alone.
TEST_F(MomentsCliTest, AShortTextHasNoFigures) {
  const Json json = RunForJson(Command({"--layers", "0", "--limit-documents", "2", "--quiet"}));
  EXPECT_EQ(json["moments"][0]["convergence"], Json::array());
  EXPECT_THAT(ReadFile(fs::path(out_) / "moments.html"), testing::Not(HasSubstr("moments_mixed")));
}

TEST_F(MomentsCliTest, WarnsOfFewerTokensThanAKeyHasFeatures) {
  const Words few = {"--layers", "0-4", "--projections", "W_o", "--limit-documents", "3"};
  EXPECT_THAT(RunProgram(Command(few)).err,
              AllOf(HasSubstr("up to 384 features (mixed.0, mixed.1, mixed.2 and 2 more)"),
                    HasSubstr("have no inverse")));
  const TempFolder other;
  EXPECT_EQ(RunProgram({"moments", "--text", text_, "--layers", "0", "--projections", "W_o",
                        "--out", other / "enough"})
                .err,
            "");
}

TEST_F(MomentsCliTest, WithoutATextTheBundledOneIsTaken) {
  const Json json = RunForJson({"moments", "--out", out_, "--layers", "0", "--projections", "W_a",
                                "--limit-documents", "80"});
  EXPECT_EQ(json["options"]["texts"], Json::array());
  EXPECT_EQ(json["options"]["text_fingerprint"],
            RunForJson({"moments", "--text", text_, "--out", out_, "--layers", "0", "--projections",
                        "W_a"})["options"]["text_fingerprint"]);
}

}  // namespace
}  // namespace mambascope
