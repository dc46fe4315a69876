// Tests runs over a corpus: what is collected and written, continued runs, and refused files.
#include "mambascope/experiments/editing/moments_run.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/token_states.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

const Place kMixed0{Site::kMixed, 0}, kMixed3{Site::kMixed, 3}, kMixerIn1{Site::kMixerIn, 1};

class MomentsRunTest : public testing::Test {
 protected:
  // Writes the first documents of the bundled text.
  void WriteText(int documents) const {
    std::ifstream in(RepositoryFolder() / "data/demo/sentences.jsonl");
    std::string text, line;
    for (int i = 0; i < documents && std::getline(in, line); ++i) text += line + "\n";
    WriteFile(text_, text);
  }
  MomentOptions Options() const {
    return {.places = {kMixed0, kMixed3, kMixerIn1},
            .texts = {text_},
            .rows = 300,
            .model = "model",
            .made_by = "options"};
  }
  std::vector<MomentResult> Collect(const fs::path& folder, const MomentOptions& options) const {
    return CollectMoments(model_, tokenizer_,
                          SummarizeCorpus(options.texts, options.limit_documents), folder, options);
  }

  const Model model_ = Model::Load(RepositoryFolder() / "models/demo-mamba");
  const Tokenizer tokenizer_ = Tokenizer::Load(RepositoryFolder() / "models/demo-mamba");
  TempFolder folder_;
  const fs::path text_ = folder_ / "text.jsonl", out_ = folder_ / "out";
};

TEST_F(MomentsRunTest, CountsAllDocumentsButThoseHeldOut) {
  WriteText(60);
  const std::vector<MomentResult> results = Collect(out_, Options());
  std::vector<std::vector<int64_t>> prompts;
  Corpus corpus({text_});
  for (int i = 0; i < 57; ++i) {
    prompts.emplace_back();
    for (const Token& token : tokenizer_.EncodeContinuation(*corpus.Next()))
      prompts.back().push_back(token.id);
  }
  MomentCollector collector(model_, {kMixed3});
  for (const std::vector<int64_t>& prompt : prompts) collector.Add({prompt}, {kMixed3});
  const Moments expected = collector.At(kMixed3), read = ReadMoments(out_, kMixed3, 384, "model");
  EXPECT_EQ(read.count, expected.count);
  EXPECT_LT(MaxDifference(read.sum, expected.sum), 1e-5 * expected.sum.abs().max().item<double>());
  ASSERT_EQ(results.size(), 3);
  EXPECT_EQ(results[1].place, kMixed3);
  EXPECT_EQ(results[1].width, 384);
  EXPECT_EQ(results[1].tokens, expected.count);
  EXPECT_EQ(results[1].documents, 57);
  EXPECT_EQ(results[1].condition, MomentSolver(read).condition());
}

TEST_F(MomentsRunTest, HoldsOutOneDocumentIn20) {
  EXPECT_EQ(HeldOut(2), 1);
  EXPECT_EQ(HeldOut(200), 10);
  EXPECT_EQ(HeldOut(1'000'000), 64);
}

TEST_F(MomentsRunTest, LongDocumentsAreCutOff) {
  WriteText(4);
  MomentOptions options = Options();
  options.max_tokens = 7;
  EXPECT_EQ(Collect(out_, options)[0].tokens, 21);
}

// The change at each doubling is computed from the solutions with both sums.
TEST_F(MomentsRunTest, ConvergenceIsTheChangeOfTheSolutions) {
  WriteText(120);
  MomentOptions options = Options();
  const std::vector<MomentResult> results = Collect(out_, options);
  const Convergence& convergence = results[2].convergence;  // of width 192
  ASSERT_GE(convergence.tokens.size(), 3);
  EXPECT_GE(convergence.tokens[0], 512);
  EXPECT_GE(convergence.tokens[1], 1.9 * convergence.tokens[0]);
  EXPECT_EQ(convergence.change[0], std::nullopt);
  ASSERT_TRUE(convergence.change[1] && convergence.change[2]);
  EXPECT_LT(*convergence.change[2], *convergence.change[1]);
  EXPECT_GT(*convergence.change[2], 0.05);
  // The last two solutions are computed by hand.
  std::vector<std::vector<int64_t>> prompts;
  std::vector<PromptToken> watched;
  Corpus corpus({text_});
  while (const std::optional<std::string> document = corpus.Next()) {
    prompts.emplace_back();
    for (const Token& token : tokenizer_.EncodeContinuation(*document))
      prompts.back().push_back(token.id);
  }
  int64_t left = 64;
  for (size_t i = 114; i < 120; ++i) {
    const auto size = static_cast<int64_t>(prompts[i].size()), count = std::min<int64_t>(11, left);
    for (int64_t j = 0; j < count; ++j)
      watched.push_back({prompts[i], (2 * j + 1) * size / (2 * count)});
    left -= count;
  }
  const at::Tensor keys = TokenStates(model_, watched, {kMixerIn1}).at(kMixerIn1).to(at::kDouble);
  ASSERT_EQ(keys.size(0), 64);
  MomentCollector collector(model_, {kMixerIn1});
  std::vector<at::Tensor> solutions;
  for (size_t i = 0; solutions.size() < 2; ++i) {
    collector.Add({prompts[i]}, {kMixerIn1});
    if (collector.count(kMixerIn1) == convergence.tokens[solutions.size() + 1])
      solutions.push_back(MomentSolver(collector.At(kMixerIn1)).Solve(keys));
  }
  const double expected =
      ((solutions[1] - solutions[0]).norm(2, 1) / solutions[1].norm(2, 1)).mean().item<double>();
  EXPECT_NEAR(*convergence.change[2], expected, 1e-3 * expected);
}

// A repeated document has many tokens, but fewer different keys than features.
TEST_F(MomentsRunTest, SingularMomentsHaveSolutionsOnlyWithARidge) {
  WriteText(1);
  const std::string line = ReadFile(text_);
  std::string text;
  for (int i = 0; i < 60; ++i) text += line;
  WriteFile(text_, text);
  MomentOptions options = Options();
  const MomentResult without = Collect(out_, options)[0];
  options.ridge = 0.1;
  const MomentResult with = Collect(folder_ / "ridge", options)[0];
  ASSERT_GE(with.convergence.tokens.size(), 2);
  EXPECT_EQ(without.convergence.tokens, with.convergence.tokens);
  EXPECT_GT(without.condition, 1e12);
  EXPECT_LT(with.condition, 1e12);
  EXPECT_FALSE(without.convergence.solutions.defined());
  EXPECT_EQ(without.convergence.change[1], std::nullopt);
  EXPECT_LT(with.convergence.change[1].value(), 1e-4);
  EXPECT_TRUE(at::equal(ReadMoments(out_, kMixed0, 384, "model").sum,
                        ReadMoments(folder_ / "ridge", kMixed0, 384, "model").sum));
}

TEST_F(MomentsRunTest, AnInterruptedRunGivesTheSameFiles) {
  WriteText(80);
  MomentOptions options = Options();
  Collect(out_, options);
  struct Interruption {};
  options.seconds_to_save = 0;
  const fs::path resumed = folder_ / "resumed";
  for (const int64_t most : {10, 40}) {
    int64_t begun = -1;
    options.progress = [&](int64_t documents, int64_t of, int64_t) {
      EXPECT_EQ(of, 76);
      if (begun < 0) begun = documents;
      if (documents >= most) throw Interruption();
    };
    if (most == 10)
      options.places = {kMixed0, kMixerIn1};  // the other places start in the next run
    else options.places = Options().places;
    EXPECT_THROW(Collect(resumed, options), Interruption);
    EXPECT_LT(begun, most);
  }
  int64_t done = 0;
  options.progress = [&](int64_t documents, int64_t, int64_t) { done = documents; };
  Collect(resumed, options);
  EXPECT_EQ(done, 76);
  for (const Place& place : Options().places) {
    const std::string name = MomentsPath("", place).string();
    EXPECT_EQ(ReadFile(resumed / name), ReadFile(out_ / name)) << name;
  }
  // Another run has nothing left to do.
  options.progress = [&](int64_t, int64_t, int64_t) { ADD_FAILURE(); };
  EXPECT_EQ(Collect(resumed, options)[0].documents, 76);
}

TEST_F(MomentsRunTest, RefusesWhatSomethingElseMade) {
  WriteText(30);
  Collect(out_, Options());
  const auto error = [&](const MomentOptions& options) {
    return ErrorOf([&] { Collect(out_, options); });
  };
  MomentOptions options = Options();
  options.model = "another";
  EXPECT_THAT(error(options),
              AllOf(HasSubstr("mixed.0.npz: these second moments are of another model"),
                    HasSubstr("--out")));
  options = Options();
  options.made_by = "others";
  EXPECT_THAT(error(options), HasSubstr("mixed.0.npz: was made with other options"));
  options = Options();
  options.limit_documents = 20;
  EXPECT_THAT(error(options), HasSubstr("mixed.0.npz: these second moments are of another text"));
  fs::copy_file(out_ / "mixed.0.npz", out_ / "mixed.5.npz");
  options = Options();
  options.places = {{Site::kMixed, 5}};
  EXPECT_THAT(error(options), HasSubstr("mixed.5.npz: was not made by"));
  EXPECT_EQ(error(Options()), "no error");
}

TEST_F(MomentsRunTest, RefusesATextOfOneDocument) {
  WriteText(1);
  EXPECT_THAT(ErrorOf([&] { Collect(out_, Options()); }),
              HasSubstr("needs at least 2 documents, but has 1"));
}

// Writes the shards of a run to OUT/1-of-n, and returns their folders.
class MomentShardsTest : public MomentsRunTest {
 protected:
  std::vector<fs::path> CollectShards(int64_t count) const {
    std::vector<fs::path> folders;
    for (int64_t i = 1; i <= count; ++i) {
      MomentOptions options = Options();
      options.shard = Shard{i, count};
      folders.push_back(folder_ / options.shard->folder());
      Collect(folders.back(), options);
    }
    return folders;
  }
};

TEST_F(MomentShardsTest, JoinedAreTheWholeRun) {
  WriteText(120);
  Collect(out_, Options());
  for (const int64_t count : {1, 2, 3, 5}) {
    const std::vector<fs::path> folders = CollectShards(count);
    for (const Place& place : Options().places) {
      const int64_t width = model_.width(place);
      const StoredMoments joined = JoinMoments(folders, place, width),
                          whole = ReadMomentsFile(MomentsPath(out_, place), width);
      EXPECT_TRUE(at::equal(joined.moments.sum, whole.moments.sum)) << count << " shards";
      EXPECT_EQ(joined.moments.count, whole.moments.count);
      EXPECT_EQ(joined.documents, whole.documents);
      EXPECT_EQ(joined.shard, "");
    }
  }
}

TEST_F(MomentShardsTest, AnInterruptedShardGivesTheSameFile) {
  WriteText(120);
  const fs::path file = MomentsPath(CollectShards(2)[1], kMixed3);
  const std::string bytes = ReadFile(file);
  fs::remove_all(file.parent_path());
  struct Interruption {};
  MomentOptions options = Options();
  options.shard = Shard{2, 2};
  options.seconds_to_save = 0;
  options.progress = [](int64_t documents, int64_t, int64_t) {
    if (documents > 40) throw Interruption();
  };
  EXPECT_THROW(Collect(file.parent_path(), options), Interruption);
  options.progress = {};
  Collect(file.parent_path(), options);
  EXPECT_EQ(ReadFile(file), bytes);
}

TEST_F(MomentShardsTest, RefusesWhatIsNotAllShardsOfOneRun) {
  WriteText(60);
  const std::vector<fs::path> folders = CollectShards(2);
  const auto error = [&](const std::vector<fs::path>& of) {
    return ErrorOf([&] { JoinMoments(of, kMixed3, 384); });
  };
  EXPECT_THAT(error({folders[0], folders[0]}), HasSubstr("does not hold shard 2/2"));
  EXPECT_THAT(error({folders[0]}), HasSubstr("does not hold shard 1/1"));
  EXPECT_THAT(ErrorOf([&] { ReadMoments(folders[1], kMixed3, 384, "model"); }),
              AllOf(HasSubstr("only shard 2/2"), HasSubstr("mambascope merge")));
  MomentOptions options = Options();
  options.shard = Shard{1, 2};
  EXPECT_THAT(ErrorOf([&] { Collect(folders[1], options); }), HasSubstr("of another shard"));
  options.made_by = "others";
  options.others = MomentOptions::Others::kReplace;
  Collect(folders[0], options);
  EXPECT_THAT(error(folders), HasSubstr("is of another run"));
}

TEST_F(MomentShardsTest, RefusesAShardWithoutAPass) {
  WriteText(30);
  MomentOptions options = Options();
  options.shard = Shard{50, 50};
  EXPECT_THAT(ErrorOf([&] { Collect(out_, options); }),
              AllOf(HasSubstr("--shard 50/50: the text has only"), HasSubstr("shards at most")));
  EXPECT_FALSE(fs::exists(MomentsPath(out_, kMixed0)));
}

}  // namespace
}  // namespace mambascope
