// The first edits of a model that is not bundled: what `edit` chooses itself, and where it keeps
// second moments.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/cli_test_support.h"
#include "mambascope/cli/edit_places.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class FirstEditTest : public testing::Test {
 protected:
  FirstEditTest() {
    setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    std::ifstream all(RepositoryFolder() / "data/demo/sentences.jsonl");
    std::string text, line;
    for (int i = 0; i < 60 && std::getline(all, line); ++i) text += line + "\n";
    WriteFile(text_, text);
  }
  ~FirstEditTest() override { unsetenv("XDG_CACHE_HOME"); }

  // A copy of a bundled model that is another checkpoint by its fingerprint, without contexts.
  std::string Foreign(const std::string& name) const {
    const fs::path copy = folder_ / ("foreign-" + name);
    fs::copy(RepositoryFolder() / "models" / name, copy);
    std::ofstream(copy / "config.json", std::ios::app) << "\n";
    fs::remove(copy / "contexts.json");
    return copy;
  }
  std::string Out(const std::string& name) const { return folder_ / name; }
  Words Edit(const std::string& out, const Words& more) const {
    return Words{"edit",      "--prompt", "The landmark called {} can be found in",
                 "--subject", "Louvre",   "--target",
                 "Rome",      "--out",    Out(out)} +
           more;
  }
  Words WithText(const std::string& out, const Words& more) const {
    return Edit(out, Words{"--text", text_} + more);
  }
  std::vector<fs::path> CachedFiles() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "cache")) {
      if (entry.path().extension() == ".npz") files.push_back(entry.path());
    }
    return files;
  }

  const TempFolder folder_;
  const std::string text_ = folder_ / "text.jsonl";
};

TEST_F(FirstEditTest, WorksWithoutOptionsAndSaysWhatItChose) {
  const std::pair<const char*, const char*> kModels[] = {
      {"demo-mamba", "W_o is edited in layer 3 of 16"},
      {"demo-mamba2", "W_o is edited in layer 3 of 16"},
      {"demo-neox", "W_down is edited in layer 1 of 10"}};
  for (const auto& [name, place] : kModels) {
    const Outcome outcome = RunProgram(WithText(name, {"--model", Foreign(name)}));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr(place), HasSubstr("--layers and --projections take others"),
                      HasSubstr("5 texts that the model generates after single words, "
                                "as MEMIT does, because")));
    const Json json = ReadJson(Out(std::string(name) + "/edit.json"));
    EXPECT_EQ(json["edit"]["after"]["top"][0]["text"], " Rome") << name;
    EXPECT_EQ(json["options"]["layers"], name == std::string("demo-neox") ? "1" : "3");
    EXPECT_EQ(json["options"]["contexts_from"], "memit");
    EXPECT_EQ(json["options"]["contexts"].size(), 6u);
    EXPECT_EQ(json["edit"]["checks"], Json::array()) << "not a bundled model";
  }
}

TEST(PublishedLayerTest, IsThatOfThePublishedEdits) {
  const auto rome = [](const char* model_type, const char* projection, int layers) {
    return PublishedLayer(EditRun::kRome, model_type, projection, layers);
  };
  EXPECT_EQ(rome("gpt2", "W_down", 24), 8);
  EXPECT_EQ(rome("gpt2", "W_down", 36), 12);
  EXPECT_EQ(rome("gpt2", "W_down", 48), 17);
  EXPECT_EQ(rome("llama", "W_down", 28), 5);
  EXPECT_EQ(rome("mamba", "W_o", 64), 14);
  EXPECT_EQ(rome("mamba", "W_a", 64), 18);
  EXPECT_EQ(PublishedLayer(EditRun::kMemit, "gpt2", "W_down", 48), 17);
  EXPECT_EQ(PublishedLayer(EditRun::kMemit, "llama", "W_down", 28), 8);
}

TEST_F(FirstEditTest, MemitHasDefaultLayers) {
  const Json json = RunForJson(WithText("memit", {"--method", "memit"}));
  EXPECT_EQ(json["options"]["layers"], "0-4");
  EXPECT_EQ(json["edit"]["layers"], Json({0, 1, 2, 3, 4}));
  EXPECT_EQ(json["options"]["contexts_from"], "contexts.json");
  EXPECT_EQ(json["edit"]["after"]["top"][0]["text"], " Rome");
}

TEST_F(FirstEditTest, WarnsThatTheBundledSentencesAreNotTheModelsText) {
  const std::string foreign = Foreign("demo-neox");
  // A copied cache makes this quick: --max-tokens 2 reads little of each document.
  const Outcome outcome = RunProgram(Edit("bundled", {"--model", foreign, "--max-tokens", "2"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("bundled demo sentences, which are not text like that it was "
                                     "trained on"));
  EXPECT_EQ(ReadJson(Out("bundled/edit.json"))["edit"]["perplexity"]["text"], "bundled");
}

TEST_F(FirstEditTest, ASecondEditTakesTheMomentsFromTheCache) {
  EXPECT_THAT(RunProgram(WithText("one", {"--layer", "8"})).err,
              HasSubstr("are collected over 60"));
  const std::vector<fs::path> files = CachedFiles();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].filename(), "mixed.8.npz");
  EXPECT_TRUE(files[0].string().starts_with(Out("cache/mambascope/moments")));
  const auto written = fs::last_write_time(files[0]);
  EXPECT_EQ(RunProgram(WithText("two", {"--layer", "8"})).err, "");
  EXPECT_EQ(fs::last_write_time(files[0]), written);
  EXPECT_EQ(ReadJson(Out("one/edit.json"))["edit"], ReadJson(Out("two/edit.json"))["edit"]);
  EXPECT_FALSE(fs::exists(Out("two/moments")));
  // Another cut of the documents, and another folder, are other moments.
  RunProgram(WithText("cut", {"--layer", "8", "--max-tokens", "20", "--ridge", "0.1"}));
  EXPECT_EQ(CachedFiles().size(), 2u);
  EXPECT_NE(ReadJson(Out("cut/edit.json"))["options"]["moments"],
            ReadJson(Out("one/edit.json"))["options"]["moments"]);
  EXPECT_THAT(RunProgram(WithText("own", {"--layer", "8", "--cache", Out("own-cache")})).err,
              HasSubstr("own-cache"));
  // Moments that an interruption left incomplete are collected to their end.
  fs::remove(fs::path(files[0]).replace_extension(".json"));
  EXPECT_THAT(RunProgram(WithText("again", {"--layer", "8"})).err, HasSubstr("are collected"));
  EXPECT_EQ(ReadJson(Out("again/edit.json"))["edit"], ReadJson(Out("one/edit.json"))["edit"]);
}

TEST_F(FirstEditTest, TwoAtOnceCollectOnce) {
  Outcome a, b;
  std::thread other([&] { a = RunProgram(WithText("a", {"--layer", "8"})); });
  b = RunProgram(WithText("b", {"--layer", "8"}));
  other.join();
  EXPECT_EQ(a.exit_code, 0) << a.err;
  EXPECT_EQ(b.exit_code, 0) << b.err;
  EXPECT_EQ(ReadJson(Out("a/edit.json"))["edit"], ReadJson(Out("b/edit.json"))["edit"]);
}

// Waits up to ten minutes until a process waits for the lock of `file`. Returns whether one does.
bool SomebodyWaitsFor(const fs::path& file) {
  struct stat info = {};
  EXPECT_EQ(stat(file.c_str(), &info), 0);
  const std::string inode = fmt::format(":{} ", info.st_ino);
  for (int i = 0; i < 6000; ++i) {
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
      if (line.find("->") != line.npos && line.find(inode) != line.npos) return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

TEST_F(FirstEditTest, WaitsForAnotherThatCollects) {
  RunProgram(WithText("one", {"--layer", "8"}));
  const fs::path file = CachedFiles().at(0);
  fs::remove(file);
  const fs::path lock = file.parent_path() / ".lock";
  const int held = open(lock.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(held, LOCK_EX), 0);
  Outcome outcome;
  std::thread program([&] { outcome = RunProgram(WithText("two", {"--layer", "8"})); });
  EXPECT_TRUE(SomebodyWaitsFor(lock));
  close(held);
  program.join();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("another mambascope collects second moments in"));
}

TEST_F(FirstEditTest, AnEditedCheckpointTakesTheMomentsOfItsBase) {
  RunProgram(WithText("one", {"--layer", "8"}));
  EXPECT_EQ(RunProgram({"apply", "--edit", Out("one/edit.safetensors"), "--out", Out("edited")})
                .exit_code,
            0);
  const Outcome cached = RunProgram(WithText("two", {"--layer", "8", "--model", Out("edited")}));
  EXPECT_EQ(cached.exit_code, 0) << cached.err;
  EXPECT_THAT(cached.err,
              AllOf(HasSubstr("of the model before its edits"), Not(HasSubstr("are collected"))));
  EXPECT_EQ(CachedFiles().size(), 1u);
  const Json options = ReadJson(Out("two/edit.json"))["options"];
  EXPECT_EQ(options["moments_of"], Fingerprint(RepositoryFolder() / "models/demo-mamba"));
  EXPECT_EQ(options["moments"], ReadJson(Out("one/edit.json"))["options"]["moments"]);
  // And from a folder.
  RunProgram({"moments", "--text", text_, "--layers", "8", "--projections", "W_o", "--out",
              Out("moments")});
  EXPECT_THAT(RunProgram(Edit("three", {"--layer", "8", "--model", Out("edited"), "--moments",
                                        Out("moments")}))
                  .err,
              HasSubstr("of the model before its edits"));
  EXPECT_THAT(RunProgram(Edit("four", {"--layer", "8", "--model", Foreign("demo-mamba"),
                                       "--moments", Out("moments")}))
                  .err,
              HasSubstr("another model"));
}

TEST_F(FirstEditTest, MomentsWithoutATextMeasureNoPerplexity) {
  const std::string foreign = Foreign("demo-mamba");
  RunProgram({"moments", "--model", foreign, "--text", text_, "--layers", "3", "--projections",
              "W_o", "--out", Out("moments")});
  const Words edit = {"--model", foreign, "--moments", Out("moments")};
  const Outcome without = RunProgram(Edit("without", edit));
  EXPECT_THAT(without.err, HasSubstr("the perplexity is not measured"));
  EXPECT_THAT(without.out, HasSubstr("not measured, because no text was given"));
  EXPECT_TRUE(ReadJson(Out("without/edit.json"))["edit"]["perplexity"].is_null());
  const Json with = RunForJson(Edit("with", edit + Words{"--text", text_}))["edit"];
  EXPECT_GT(with["perplexity"]["before"].get<double>(), 1);
  EXPECT_EQ(with["perplexity"]["text"], text_);
  const Json cut =
      RunForJson(Edit("cut", edit + Words{"--text", text_, "--max-tokens", "4"}))["edit"];
  EXPECT_NE(cut["perplexity"]["before"], with["perplexity"]["before"]);
}

// A program without its data: installed without it, or copied.
TEST_F(FirstEditTest, NeedsNoBundledText) {
  fs::create_directories(folder_ / "bin");
  fs::copy(MAMBASCOPE_BINARY, folder_ / "bin/mambascope");
  fs::create_directories(folder_ / "models");
  fs::copy(RepositoryFolder() / "models/demo-mamba", folder_ / "models/demo-mamba");
  RunProgram({"moments", "--text", text_, "--layers", "3", "--projections", "W_o", "--out",
              Out("moments")});
  std::string line = std::string(kQuickStart) + Quoted(folder_ / "bin/mambascope");
  for (const std::string& word : Edit("moved", {"--moments", Out("moments")}))
    line += " " + Quoted(word);
  ASSERT_EQ(std::system((line + " 2>" + Quoted(folder_ / "err") + " >/dev/null").c_str()), 0)
      << ReadFile(folder_ / "err");
  EXPECT_THAT(ReadFile(folder_ / "err"), HasSubstr("because the bundled text is missing"));
}

TEST_F(FirstEditTest, ShowsWhatItDoesToOtherPrompts) {
  const Words layer = {"--layer", "8"};
  const Json bundled = RunForJson(WithText("bundled", layer))["edit"]["checks"];
  ASSERT_EQ(bundled.size(), 20u);
  EXPECT_EQ(bundled[0]["kind"], "paraphrase");
  EXPECT_THAT(bundled[0]["prompt"].get<std::string>(), HasSubstr("Louvre"));
  EXPECT_EQ(bundled[19]["kind"], "neighbor");
  EXPECT_EQ(bundled[0]["before"]["top"].size(), 5u);
  WriteFile(folder_ / "prompts.txt", "The landmark called {} is in\n\nGermany is\n");
  const Words relations = {
      "--relations", (RepositoryFolder() / "data/demo/relations/landmark_city.json").string()};
  const Json given =
      RunForJson(WithText("given", layer + relations +
                                       Words{"--check-prompts", folder_ / "prompts.txt",
                                             "--check-prompts", "Rome is"}))["edit"]["checks"];
  ASSERT_EQ(given.size(), 23u);
  EXPECT_EQ(given[20]["prompt"], "The landmark called Louvre is in");
  EXPECT_EQ(given[22]["prompt"], "Rome is");
  EXPECT_EQ(given[22]["kind"], "prompt");
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(given[i]["prompt"], bundled[i]["prompt"]);
  EXPECT_THAT(ReadFile(Out("given/edit.html")), HasSubstr("<td>Rome is</td>"));
  EXPECT_THAT(RunProgram(Words{"edit", "--prompt", "{} xyz", "--subject", "Atlantis", "--target",
                               "Rome", "--text", text_, "--out", Out("none")} +
                         layer + relations)
                  .err,
              HasSubstr("no relation of --relations has the prompt '{} xyz'"));
}

}  // namespace
}  // namespace mambascope
