// Tests which files of a folder hold the weights.
#include "mambascope/checkpoint/weight_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class WeightFilesTest : public testing::Test {
 protected:
  void Make(const std::vector<std::string>& names) const {
    for (const std::string& name : names) WriteFile(folder_ / name, "");
  }
  void MakeIndex(const std::string& name, const std::string& first,
                 const std::string& second) const {
    WriteFile(folder_ / name, R"({"weight_map":{"a":")" + first + R"(","b":")" + second + R"("}})");
  }
  std::vector<std::string> Found() const {
    std::vector<std::string> names;
    for (const std::filesystem::path& file : FindWeightFiles(folder_.path())) {
      EXPECT_EQ(file.parent_path(), folder_.path());
      names.push_back(file.filename().string());
    }
    return names;
  }
  std::string ErrorOfFinding() const {
    return ErrorOf([&] { FindWeightFiles(folder_.path()); });
  }
  TempFolder folder_;
};

// Each name is preferred to those before it.
TEST_F(WeightFilesTest, AreChosenInOrder) {
  Make({"consolidated.safetensors", ".hidden.safetensors", "training_args.bin", "README.md"});
  EXPECT_THAT(Found(), ElementsAre("consolidated.safetensors"));
  Make({"pytorch_model-00001-of-00001.bin"});
  EXPECT_THAT(Found(), ElementsAre("pytorch_model-00001-of-00001.bin"));
  Make({"pytorch_model.bin"});
  EXPECT_THAT(Found(), ElementsAre("pytorch_model.bin"));
  Make({"one.bin", "two.bin"});
  MakeIndex("pytorch_model.bin.index.json", "one.bin", "two.bin");
  EXPECT_THAT(Found(), ElementsAre("one.bin", "two.bin"));
  Make({"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"});
  EXPECT_THAT(Found(),
              ElementsAre("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"));
  Make({"x.safetensors", "y.safetensors"});
  MakeIndex("model.safetensors.index.json", "x.safetensors", "y.safetensors");
  EXPECT_THAT(Found(), ElementsAre("x.safetensors", "y.safetensors"));
  Make({"model.safetensors"});
  EXPECT_THAT(Found(), ElementsAre("model.safetensors"));
}

TEST_F(WeightFilesTest, OneShardAloneNeedsNoIndex) {
  Make({"model-00001-of-00001.safetensors"});
  EXPECT_THAT(Found(), ElementsAre("model-00001-of-00001.safetensors"));
}

TEST_F(WeightFilesTest, MissingShardOfAnIndexIsNamed) {
  Make({"x.safetensors"});
  MakeIndex("model.safetensors.index.json", "x.safetensors", "y.safetensors");
  EXPECT_THAT(ErrorOfFinding(),
              AllOf(HasSubstr((folder_ / "y.safetensors").string() + " is missing"),
                    HasSubstr("model.safetensors.index.json lists it"),
                    HasSubstr("download the missing files (1 of 2 weight files)")));
}

TEST_F(WeightFilesTest, MissingShardWithoutAnIndexIsNamed) {
  Make({"model-00001-of-00003.safetensors"});
  EXPECT_THAT(
      ErrorOfFinding(),
      AllOf(HasSubstr((folder_ / "model-00002-of-00003.safetensors").string() + " is missing"),
            HasSubstr("model-00001-of-00003.safetensors is one of 3 shards"),
            HasSubstr("(2 of 3 weight files)")));
}

TEST_F(WeightFilesTest, SeveralFilesOfOtherNamesAreRefused) {
  Make({"a.safetensors", "b.safetensors"});
  EXPECT_THAT(ErrorOfFinding(), AllOf(HasSubstr("holds 2 .safetensors files"),
                                      HasSubstr("a.safetensors, b.safetensors"),
                                      HasSubstr("rename the file with the weights")));
}

TEST_F(WeightFilesTest, OtherFormatsAreNamed) {
  const std::pair<const char*, const char*> formats[] = {{"q4.gguf", "GGUF"},
                                                         {"tf_model.h5", "TensorFlow"},
                                                         {"flax_model.msgpack", "Flax"},
                                                         {"model.onnx", "ONNX"}};
  for (const auto& [file, format] : formats) {
    Make({file});
    EXPECT_THAT(ErrorOfFinding(),
                AllOf(HasSubstr(folder_.path().string() + ": holds its weights in the format " +
                                format + " (" + file + "), which is not read"),
                      HasSubstr("config.json with .safetensors files or pytorch_model.bin")));
    std::filesystem::remove(folder_ / file);
  }
  Make({"tf_model.h5", "flax_model.msgpack", "q4.gguf", "pytorch_model.bin"});
  EXPECT_THAT(Found(), ElementsAre("pytorch_model.bin"));
}

}  // namespace
}  // namespace mambascope
