// Tests files of second moments: those of mambascope, published ones, and others.
#include "mambascope/experiments/editing/moments_file.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/npz_test_support.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const Place kFileMixed0{Site::kMixed, 0}, kFileMixed3{Site::kMixed, 3};

class MomentsFileTest : public testing::Test {
 protected:
  // Writes a file as ROME's layer_stats does.
  fs::path WritePublished(const std::string& name, double value, int64_t width = 4) const {
    const at::Tensor sum = at::eye(width, at::kFloat) * value;
    WriteNpz(folder_ / name, {{"mom2.mom2", sum},
                              {"mom2.count", at::scalar_tensor(10, at::kLong)},
                              {"mom2.constructor", std::string("util.runningstats.SecondMoment()")},
                              {"sample_size", at::scalar_tensor(100000, at::kLong)}});
    return folder_ / name;
  }
  TempFolder folder_;
};

TEST_F(MomentsFileTest, PublishedFilesAreReadByPathAndByTheLayersModule) {
  const fs::path file =
      WritePublished("backbone.layers.3.mixer.out_proj_float32_mom2_100000.npz", 2);
  WritePublished("backbone.layers.13.mixer.out_proj_float32_mom2_100000.npz", 3);
  WritePublished("backbone.layers.3.mixer.in_proj_float32_mom2_100000.npz", 4);
  WritePublished("transformer.h.17.mlp.c_proj_float32_mom2_100000.npz", 5);
  const auto value = [&](const fs::path& path, const Place& place) {
    return ReadMoments(path, place, 4, "any").Mean()[0][0].item<double>() * 10;
  };
  EXPECT_EQ(value(file, kFileMixed3), 2);
  EXPECT_EQ(value(folder_.path(), kFileMixed3), 2);
  EXPECT_EQ(value(folder_.path(), {Site::kMixed, 13}), 3);
  EXPECT_EQ(value(folder_.path(), {Site::kMixerIn, 3}), 4);
  EXPECT_EQ(value(folder_.path(), {Site::kMlpMid, 17}), 5);
  EXPECT_THAT(ErrorOf([&] {
                value(folder_.path(), {Site::kMlpMid, 7});
              }),
              HasSubstr("no second moments of mlp_mid.7 (.npz files: "));
  WritePublished("backbone.layers.3.mixer.out_proj_float32_mom2_1000.npz", 6);
  EXPECT_THAT(ErrorOf([&] { value(folder_.path(), kFileMixed3); }),
              HasSubstr("more than one file has the second moments of mixed.3"));
}

TEST_F(MomentsFileTest, OursKeepAllThatTheyHold) {
  fs::create_directory(folder_ / "moments");
  const fs::path file = MomentsPath(folder_ / "moments", kFileMixed3);
  EXPECT_EQ(file.filename(), "mixed.3.npz");
  const StoredMoments written{.moments = {.sum = at::eye(4, at::kDouble), .count = 7},
                              .documents = 3,
                              .place = kFileMixed3,
                              .model = "m",
                              .text = "t",
                              .made_by = "o",
                              .convergence = {.tokens = {5, 7},
                                              .change = {std::nullopt, 0.25},
                                              .solutions = at::ones({2, 4}, at::kDouble)}};
  WriteMoments(file, written);
  const StoredMoments read = ReadMomentsFile(file, 4);
  EXPECT_TRUE(at::equal(read.moments.sum, written.moments.sum));
  EXPECT_EQ(read.moments.count, 7);
  EXPECT_EQ(read.documents, 3);
  EXPECT_EQ(read.place, kFileMixed3);
  EXPECT_EQ(read.model + read.text + read.made_by, "mto");
  EXPECT_THAT(read.convergence.tokens, ElementsAre(5, 7));
  EXPECT_THAT(read.convergence.change, ElementsAre(std::nullopt, 0.25));
  EXPECT_TRUE(at::equal(read.convergence.solutions, written.convergence.solutions));
  // A folder that holds `moments` is accepted too.
  EXPECT_EQ(ReadMoments(folder_.path(), kFileMixed3, 4, "m").count, 7);
  EXPECT_EQ(ReadMoments(folder_ / "moments", kFileMixed3, 4, "m").count, 7);
  // ROME's code reads these keys.
  const Npz npz = ReadNpz(file);
  EXPECT_EQ(std::get<std::string>(npz.at("mom2.constructor")), "util.runningstats.SecondMoment()");
  EXPECT_EQ(std::get<at::Tensor>(npz.at("mom2.count")).item<int64_t>(), 7);
  EXPECT_EQ(std::get<at::Tensor>(npz.at("sample_size")).item<int64_t>(), 3);
  EXPECT_TRUE(at::equal(std::get<at::Tensor>(npz.at("mom2.mom2")), written.moments.sum));
}

TEST_F(MomentsFileTest, RefusesWhatDoesNotFit) {
  const auto read = [&](const fs::path& path, const Place& place = kFileMixed3, int64_t width = 4) {
    return ErrorOf([&] { ReadMoments(path, place, width, "m"); });
  };
  EXPECT_THAT(read(folder_.path()),
              AllOf(HasSubstr("no second moments of mixed.3 (.npz files: none)"),
                    HasSubstr("mambascope moments --layers 3")));
  EXPECT_THAT(read(folder_ / "none"), HasSubstr("none: "));
  fs::create_directory(folder_ / "moments");
  WriteMoments(folder_ / "moments/mixed.3.npz",
               {.moments = {.sum = at::eye(4, at::kDouble), .count = 7},
                .documents = 3,
                .place = kFileMixed3,
                .model = "other"});
  EXPECT_THAT(read(folder_.path()),
              HasSubstr("mixed.3.npz: these second moments are of another model"));
  EXPECT_THAT(read(folder_.path(), kFileMixed0),
              HasSubstr("no second moments of mixed.0 (.npz files: mixed.3.npz"));
  EXPECT_THAT(read(folder_ / "moments/mixed.3.npz", kFileMixed0),
              HasSubstr("these are the second moments of mixed.3, but those of mixed.0"));
  EXPECT_THAT(read(folder_.path(), kFileMixed3, 5),
              HasSubstr("have width 4, but the model's keys have width 5"));
  const auto broken = [&](const Npz& npz) {
    WriteNpz(folder_ / "broken.npz", npz);
    return read(folder_ / "broken.npz");
  };
  const at::Tensor count = at::scalar_tensor(1, at::kLong), sum = at::eye(4);
  EXPECT_THAT(broken({{"mom2.mom2", sum}}), HasSubstr("lacks the array 'mom2.count'"));
  EXPECT_THAT(broken({{"mom2.count", count}}), HasSubstr("lacks the array 'mom2.mom2'"));
  EXPECT_THAT(broken({{"mom2.count", at::scalar_tensor(0, at::kLong)}, {"mom2.mom2", sum}}),
              HasSubstr("'mom2.count' is not a count"));
  EXPECT_THAT(broken({{"mom2.count", std::string("7")}, {"mom2.mom2", sum}}),
              HasSubstr("'mom2.count' is a text; expected numbers"));
  EXPECT_THAT(broken({{"mom2.count", at::scalar_tensor(0.5)}, {"mom2.mom2", sum}}),
              HasSubstr("'mom2.count' is not an integer"));
  EXPECT_THAT(broken({{"mom2.count", count.expand({2, 2})}, {"mom2.mom2", sum}}),
              HasSubstr("'mom2.count' has the shape [2, 2]; expected []"));
  const Npz good = {{"mom2.count", count}, {"mom2.mom2", sum}};
  Npz wrong = good;
  wrong["mambascope.site"] = std::string("mixed");
  wrong["mambascope.layer"] = at::scalar_tensor(int64_t{4294967304}, at::kLong);
  EXPECT_THAT(broken(wrong), HasSubstr("'mambascope.layer' is 4294967304, which is no layer"));
  wrong = good;
  wrong["convergence.tokens"] = at::ones({2, 2}, at::kLong);
  wrong["convergence.change"] = at::ones({2});
  EXPECT_THAT(broken(wrong), HasSubstr("'convergence.tokens' has the shape [2, 2]"));
  wrong["convergence.tokens"] = at::ones({2}, at::kLong);
  wrong["convergence.solutions"] = at::ones({2, 3});
  EXPECT_THAT(broken(wrong), HasSubstr("'convergence.solutions' has the shape [2, 3]"));
  EXPECT_THAT(broken({{"mom2.count", count}, {"mom2.mom2", at::ones({4, 3})}}),
              HasSubstr("has the shape [4, 3], but must be square"));
  EXPECT_THAT(broken({{"mom2.count", count}, {"mom2.mom2", sum / 0}}), HasSubstr("not finite"));
  WriteFile(folder_ / "text.npz", "hello");
  EXPECT_THAT(read(folder_ / "text.npz"), HasSubstr("text.npz: cannot be read as a zip"));
}

}  // namespace
}  // namespace mambascope
