// Safetensors files that are written are read back. Every kind of malformed file is an Error that
// names the problem.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The bytes of a file with this header and data.
std::string Bytes(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + header + data;
}

std::string ErrorOfOpening(const std::filesystem::path& path) {
  return ErrorOf([&] { OpenSafetensors(path); });
}

class SafetensorsTest : public testing::Test {
 protected:
  std::filesystem::path Write(const std::string& bytes) const {
    WriteFile(path_, bytes);
    return path_;
  }
  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "x.safetensors";
};

TEST_F(SafetensorsTest, RoundTripKeepsTypesShapesAndValues) {
  at::manual_seed(3);
  const std::map<std::string, at::Tensor> tensors = {
      {"f32", at::randn({3, 5})},
      {"f16", at::randn({2, 7}).to(at::kHalf)},
      {"bf16", at::randn({9}).to(at::kBFloat16)},
      {"i64", at::tensor({int64_t{1} << 40, int64_t{-7}}, at::kLong)},
      {"scalar", at::full({}, 2.5)},
      {"empty", at::zeros({0, 4})},
      {"strided", at::randn({4, 6}).t()}};
  WriteSafetensors(path_, tensors);
  const auto file = OpenSafetensors(path_);
  EXPECT_EQ(file->tensors().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(file->tensors().at(name).shape, tensor.sizes().vec()) << name;
    EXPECT_EQ(file->Read(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(file->Read(name).equal(tensor)) << name;
  }
}

TEST_F(SafetensorsTest, ReadCopiesNothingAndOutlivesTheFile) {
  WriteSafetensors(path_, {{"a", at::arange(6, at::kFloat)}, {"b", at::ones({2})}});
  at::Tensor first, second;
  {
    const auto file = OpenSafetensors(path_);
    first = file->Read("a");
    second = file->Read("a");
    EXPECT_NE(file->Read("b").data_ptr(), first.data_ptr());
  }
  EXPECT_EQ(first.data_ptr(), second.data_ptr());
  first[2] = 40;  // a write stays private to this process
  EXPECT_EQ(second[2].item<float>(), 40);
  EXPECT_EQ(OpenSafetensors(path_)->Read("a")[2].item<float>(), 2);
}

TEST_F(SafetensorsTest, MisalignedDataIsReadRight) {
  const at::Tensor values = at::arange(3, at::kFloat) + 0.5;
  const std::string data(static_cast<const char*>(values.data_ptr()), values.nbytes());
  for (int shift = 0; shift < 8; ++shift) {
    const std::string header = R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                               R"("x":{"dtype":"F32","shape":[3],"data_offsets":[1,13]}})" +
                               std::string(static_cast<size_t>(shift), ' ');
    EXPECT_TRUE(OpenSafetensors(Write(Bytes(header, "?" + data)))->Read("x").equal(values))
        << shift;
  }
}

TEST_F(SafetensorsTest, MetadataIsNoTensor) {
  const auto file = OpenSafetensors(Write(Bytes(R"({"__metadata__":{"format":"pt"}})", "")));
  EXPECT_TRUE(file->tensors().empty());
}

TEST_F(SafetensorsTest, UnknownTypeIsListedAndRefusedWhenAskedFor) {
  std::filesystem::copy(GoldenFolder() / "mamba/config.json", folder_ / "config.json");
  WriteFile(folder_ / "model.safetensors",
            Bytes(R"({"old":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
                  R"("new":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[0,4]}})",
                  std::string(8, '\0')));
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  EXPECT_TRUE(checkpoint.Has("new"));
  EXPECT_EQ(checkpoint.Get("old", {1}).item<float>(), 0);
  EXPECT_THAT(ErrorOf([&] {
                checkpoint.Get("new", {2, 2});
              }),
              AllOf(HasSubstr("tensor 'new'"), HasSubstr("F8_E4M3"),
                    HasSubstr("float32, float16 or bfloat16; take the unquantised model")));
}

TEST_F(SafetensorsTest, EveryCutOfARealFileIsRefused) {
  const std::string whole = ReadFile(RepositoryFolder() / "models/demo-mamba/model.safetensors");
  for (const size_t size :
       {size_t{0}, size_t{7}, size_t{8}, size_t{100}, whole.size() / 2, whole.size() - 1}) {
    EXPECT_THAT(ErrorOfOpening(Write(whole.substr(0, size))), HasSubstr("x.safetensors: ")) << size;
  }
  EXPECT_THAT(ErrorOfOpening(Write(whole.substr(0, whole.size() / 2))),
              AllOf(HasSubstr("tensor 'backbone."), HasSubstr("is the file truncated?")));
}

// Without the check of the bytes that no tensor has, every weight would be shifted by a byte.
TEST_F(SafetensorsTest, AHeaderThatIsAByteShortIsRefused) {
  const std::string header = R"({"t":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}} )";
  std::string bytes = Bytes(header, std::string(16, 'x'));
  bytes[0] = static_cast<char>(header.size() - 1);
  EXPECT_THAT(ErrorOfOpening(Write(bytes)), HasSubstr("no tensor has the bytes [16, 17)"));
}

TEST_F(SafetensorsTest, FolderOrNothingInPlaceOfAFileIsRefused) {
  EXPECT_THAT(ErrorOfOpening(folder_.path()),
              AllOf(HasSubstr(folder_.path().string()), HasSubstr("is a folder")));
  EXPECT_THAT(ErrorOfOpening(folder_ / "none"),
              AllOf(HasSubstr("none: cannot be read"), HasSubstr("No such file")));
}

TEST_F(SafetensorsTest, TypeThatTheFormatLacksIsNotWritten) {
  EXPECT_THROW(WriteSafetensors(path_, {{"c", at::zeros({2}, at::kComplexFloat)}}), Error);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

struct BadFile {
  const char* name;
  std::string bytes;  // the whole file
  std::vector<const char*> says;
};

void PrintTo(const BadFile& file, std::ostream* out) { *out << file.name; }

// A file with one tensor "t", described by `entry`, and 16 bytes of data.
std::string Entry(const std::string& entry) {
  return Bytes(R"({"t":)" + entry + "}", std::string(16, 'x'));
}

std::string HeaderSize(uint64_t size) {
  return std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + "{}";
}

class BadSafetensorsTest : public SafetensorsTest, public testing::WithParamInterface<BadFile> {};

TEST_P(BadSafetensorsTest, IsRefusedByName) {
  const std::string error = ErrorOfOpening(Write(GetParam().bytes));
  EXPECT_THAT(error, HasSubstr("x.safetensors: "));
  for (const char* text : GetParam().says) EXPECT_THAT(error, HasSubstr(text));
}

const BadFile kBadFiles[] = {
    {"Empty", "", {"shorter than the 8 bytes"}},
    {"ShorterThanItsHeaderSize", "1234567", {"shorter than the 8 bytes"}},
    {"HeaderOver100Megabytes",
     HeaderSize(100'000'001),
     {"the header has 100000001 bytes", "100000000"}},
    {"HeaderSizeNegative", HeaderSize(~uint64_t{0}), {"the header has 18446744073709551615 bytes"}},
    {"HeaderPastTheEnd", HeaderSize(3), {"past the end"}},
    {"HeaderNotJson", Bytes("{\"t\": oops}", ""), {"invalid JSON at byte 7"}},
    {"HeaderNotAnObject", Bytes("[1, 2]", ""), {"is not a safetensors file"}},
    {"Text", "a text that is no checkpoint", {"is not a safetensors file"}},
    {"HeaderNestedWithoutEnd",
     Bytes("{\"t\": " + std::string(1'000'000, '['), ""),
     {"nested more than"}},
    {"EntryNotAnObject", Entry("3"), {"tensor 't'", "lacks a valid dtype, shape or data_offsets"}},
    {"NoDtype",
     Entry(R"({"shape":[4],"data_offsets":[0,16]})"),
     {"tensor 't'", "lacks a valid dtype"}},
    {"NoShape", Entry(R"({"dtype":"F32","data_offsets":[0,16]})"), {"tensor 't'", "lacks a valid"}},
    {"NoOffsets", Entry(R"({"dtype":"F32","shape":[4]})"), {"tensor 't'", "lacks a valid"}},
    {"OneOffset",
     Entry(R"({"dtype":"F32","shape":[4],"data_offsets":[0]})"),
     {"tensor 't'", "lacks a valid"}},
    {"ShapeNotIntegers",
     Entry(R"({"dtype":"F32","shape":[4.5],"data_offsets":[0,16]})"),
     {"tensor 't'", "lacks a valid"}},
    {"ShapeNotAList",
     Entry(R"({"dtype":"F32","shape":4,"data_offsets":[0,16]})"),
     {"tensor 't'", "lacks a valid"}},
    {"ShapeNegative",
     Entry(R"({"dtype":"F32","shape":[-2,-2],"data_offsets":[0,16]})"),
     {"tensor 't'", "16 bytes", "[-2, -2] of F32"}},
    {"ShapeOverflows",
     Entry(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
     {"tensor 't'", "do not match"}},
    {"BytesOverflow",
     Entry(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})"),
     {"tensor 't'", "do not match"}},
    {"OffsetsPastTheEnd",
     Entry(R"({"dtype":"F32","shape":[4],"data_offsets":[4,20]})"),
     {"tensor 't'", "[4, 20)", "16 bytes of data"}},
    {"OffsetsNegative",
     Entry(R"({"dtype":"F32","shape":[4],"data_offsets":[-16,0]})"),
     {"tensor 't'"}},
    {"EndBeforeBegin",
     Entry(R"({"dtype":"F32","shape":[4],"data_offsets":[16,0]})"),
     {"tensor 't'", "[16, 0)"}},
    {"SizeDoesNotMatch",
     Entry(R"({"dtype":"BF16","shape":[4],"data_offsets":[0,16]})"),
     {"tensor 't'", "16 bytes", "[4] of BF16"}},
    {"Overlap",
     Bytes(
         R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
         std::string(16, 'x')),
     {"tensor 'b'", "overlaps tensor 'a'"}},
    {"GapBeforeATensor",
     Entry(R"({"dtype":"F32","shape":[3],"data_offsets":[4,16]})"),
     {"no tensor has the bytes [0, 4) of the data", "damaged"}},
    {"GapBetweenTensors",
     Bytes(
         R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F8","shape":[8],"data_offsets":[8,16]}})",
         std::string(16, 'x')),
     {"no tensor has the bytes [3, 8)"}},
    {"MoreAfterTheTensors",
     Entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,12]})"),
     {"no tensor has the bytes [12, 16)"}}};

INSTANTIATE_TEST_SUITE_P(Files, BadSafetensorsTest, testing::ValuesIn(kBadFiles),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace mambascope
