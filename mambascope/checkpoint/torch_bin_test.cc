// PyTorch's .bin files: a file of torch.save is read, a file without a dictionary of tensors is
// refused, and nothing is executed.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/checkpoint/torch_bin_test_support.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

using namespace pickled;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;

const std::string kNumbers = Storage("FloatStorage", "0", 12);  // values 0, 1, ..., 11
const std::string kVector = Tensor(kNumbers, 0, {12}, {1});

std::string Numbers() {
  std::vector<float> numbers(12);
  std::iota(numbers.begin(), numbers.end(), 0.0f);
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

class TorchBinTest : public testing::Test {
 protected:
  // Opens a file with this pickle, whose storage "0" holds the values 0, 1, ..., 11.
  std::unique_ptr<TensorFile> Open(const std::string& pickle) const {
    WriteZip(
        path_,
        {{"archive/data.pkl", pickle}, {"archive/data/0", Numbers()}, {"archive/version", "3\n"}});
    return OpenTorchBin(path_);
  }
  at::Tensor Read(const std::string& tensor) const {
    return Open(Program(Dict({{"t", tensor}})))->Read("t");
  }
  static std::string ErrorOfOpening(const std::filesystem::path& path) {
    return ErrorOf([&] { OpenTorchBin(path); });
  }

  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "x.bin";
};

TEST_F(TorchBinTest, OriginalCheckpointsHoldTheTensorsOfTheirTwins) {
  for (const std::string twin : {"mamba", "mamba2"}) {
    const Checkpoint original = Checkpoint::Open(GoldenFolder() / (twin + "-original")),
                     ours = Checkpoint::Open(GoldenFolder() / twin);
    const auto file = OpenTorchBin(GoldenFolder() / (twin + "-original/pytorch_model.bin"));
    int compared = 0;
    for (const auto& [name, info] : file->tensors()) {
      const std::string ours_name =
          name == "backbone.embedding.weight" ? "backbone.embeddings.weight" : name;
      if (name == "lm_head.weight" && !ours.Has(name))
        continue;  // tied embeddings: Hugging Face does not store it
      EXPECT_TRUE(original.Get(name, info.shape).equal(ours.Get(ours_name, info.shape)))
          << twin << " " << name;
      ++compared;
    }
    EXPECT_GE(compared, 4 * 8 + 2) << twin;  // 4 layers, the embedding and the final norm
  }
}

TEST_F(TorchBinTest, OrderedDictWithMetadataIsADictionary) {
  const std::string metadata =
      Dict({{"_metadata", Fill(OrderedDict(), {{"", Dict({{"version", Int(1)}})}})}});
  const auto file =
      Open(Program(Fill(OrderedDict(), {{"w", kVector}, {"steps", Int(4)}}) + metadata + "b"));
  EXPECT_THAT(file->tensors(), ElementsAre(Key("w")));
  EXPECT_TRUE(file->Read("w").equal(at::arange(12, at::kFloat)));
}

TEST_F(TorchBinTest, NestedDictionariesJoinTheirNames) {
  const std::string weights = Fill(OrderedDict(), {{"a.weight", kVector}, {"b", kVector}});
  EXPECT_THAT(Open(Program(Dict({{"state_dict", weights}, {"epoch", Int(3)}})))->tensors(),
              ElementsAre(Key("state_dict.a.weight"), Key("state_dict.b")));
  EXPECT_THAT(Open(Program(Dict({{"model", Dict({{"module", weights}})}})))->tensors(),
              ElementsAre(Key("model.module.a.weight"), Key("model.module.b")));
}

TEST_F(TorchBinTest, ParameterIsItsTensor) {
  const std::string arguments = Tuple({Tensor(kNumbers, 2, {3}, {1}), "\x88", OrderedDict()});
  EXPECT_TRUE(Read(Global("torch._utils", "_rebuild_parameter") + arguments + "R")
                  .equal(at::arange(2, 5, at::kFloat)));
}

TEST_F(TorchBinTest, ViewsOfOneStorageHaveTheirOffsetsAndStrides) {
  const at::Tensor numbers = at::arange(12, at::kFloat);
  EXPECT_TRUE(
      Read(Tensor(kNumbers, 4, {2, 3}, {3, 1})).equal(numbers.slice(0, 4, 10).view({2, 3})));
  EXPECT_TRUE(Read(Tensor(kNumbers, 0, {4, 3}, {1, 4})).equal(numbers.view({3, 4}).t()));
  EXPECT_TRUE(Read(Tensor(kNumbers, 11, {2, 2}, {0, 0})).equal(at::full({2, 2}, 11.0f)));
  EXPECT_TRUE(Read(Tensor(kNumbers, 3, {}, {})).equal(at::full({}, 3.0f)));
  EXPECT_EQ(Read(Tensor(kNumbers, 12, {0, 5}, {5, 1})).numel(), 0);
  const std::string remembered = Tensor(kNumbers + "q\x05", 0, {6}, {1}),
                    recalled = Tensor("h\x05", 6, {6}, {1});
  EXPECT_TRUE(Open(Program(Dict({{"a", remembered}, {"b", recalled}})))
                  ->Read("b")
                  .equal(numbers.slice(0, 6)));
}

TEST_F(TorchBinTest, StorageTypesThatLibTorchLacksAreListedOnly) {
  const auto file = Open(Program(
      Dict({{"odd", Tensor(Storage("QInt8Storage", "7", 12), 0, {12}, {1})}, {"w", kVector}})));
  EXPECT_EQ(file->tensors().at("odd").dtype, at::ScalarType::Undefined);
  EXPECT_EQ(file->tensors().at("odd").dtype_name, "QInt8Storage");
}

// torch.save(..., pickle_protocol=4): frames, short strings, MEMOIZE, and globals by STACK_GLOBAL.
TEST_F(TorchBinTest, ProtocolFourIsRead) {
  const auto word = [](const std::string& text) {
    return "\x8c" + Raw(static_cast<uint8_t>(text.size())) + text + "\x94";
  };
  const auto global = [&](const std::string& module, const std::string& name) {
    return word(module) + word(name) + "\x93\x94";
  };
  const std::string ordered =
      global("collections", "OrderedDict") + ")R\x94";  // memo 0 to 3: module, name, global, object
  const std::string id = "(" + word("storage") + global("torch", "FloatStorage") + word("0") +
                         word("cpu") + "K\x0ct\x94Q";
  const std::string shape = "K\x02K\x03\x86\x94", strides = "K\x03K\x01\x86\x94";
  const std::string tensor = global("torch._utils", "_rebuild_tensor_v2") + "(" + id + "K\x01" +
                             shape + strides + "\x89h\x02)Rt\x94R\x94";
  const std::string body = ordered + word("t") + tensor + "s.";
  const auto file = Open(std::string("\x80\x04\x95") + Raw(uint64_t{body.size()}) + body);
  EXPECT_TRUE(file->Read("t").equal(at::arange(1, 7, at::kFloat).view({2, 3})));
}

// The zip's checksum reveals a flipped bit.
TEST_F(TorchBinTest, DamagedStorageIsRefused) {
  std::string bytes = ReadFile(GoldenFolder() / "mamba-original/pytorch_model.bin");
  bytes[bytes.size() / 2] ^= 1;  // inside a storage
  TempFolder folder;
  WriteFile(folder / "damaged.bin", bytes);
  const auto file = OpenTorchBin(folder / "damaged.bin");
  int damaged = 0;
  for (const auto& [name, info] : file->tensors()) {
    try {
      file->Read(name);
    } catch (const Error& e) {
      ++damaged;
    }
  }
  EXPECT_EQ(damaged, 1);
}

TEST_F(TorchBinTest, WhatIsNoTorchZipIsRefused) {
  WriteFile(path_, "no zip at all");
  EXPECT_THAT(ErrorOfOpening(path_),
              AllOf(HasSubstr("x.bin: cannot be read as a zip"), HasSubstr("PyTorch 1.6")));
  WriteFile(path_, std::string("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.",
                               15));  // first bytes of a .bin from before PyTorch 1.6
  EXPECT_THAT(ErrorOfOpening(path_),
              AllOf(HasSubstr("x.bin: cannot be read as a zip"), HasSubstr("PyTorch 1.6")));
  WriteZip(path_, {{"archive/other.pkl", Program(Dict({}))}});
  EXPECT_THAT(ErrorOfOpening(path_), AllOf(HasSubstr("x.bin: lacks data.pkl")));
  EXPECT_THAT(ErrorOfOpening(folder_ / "none.bin"),
              AllOf(HasSubstr("none.bin"), HasSubstr("No such file")));
  EXPECT_THAT(ErrorOfOpening(folder_.path()), HasSubstr(folder_.path().string()));
  const std::string whole = ReadFile(GoldenFolder() / "mamba-original/pytorch_model.bin");
  WriteFile(path_, whole.substr(0, whole.size() / 2));
  EXPECT_THAT(ErrorOfOpening(path_), AllOf(HasSubstr("x.bin: "), HasSubstr("truncated")));
}

TEST_F(TorchBinTest, PickleOverItsLimitIsRefusedBeforeItIsRead) {
  WriteZip(path_, {{"archive/data.pkl", std::string((8 << 20) + 1, 'N')}});
  EXPECT_THAT(ErrorOfOpening(path_), HasSubstr("x.bin: data.pkl has 8388609 bytes"));
}

struct BadPickle {
  const char* name;
  std::string pickle;
  std::vector<const char*> says;
};

void PrintTo(const BadPickle& pickle, std::ostream* out) { *out << pickle.name; }

std::string Repeat(const std::string& text, int times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

std::string OneTensor(const std::string& tensor) { return Program(Dict({{"t", tensor}})); }

// A dictionary that contains itself under 20 names.
std::string Circle() {
  std::string pickle = "}q" + std::string(1, '\0');
  for (int i = 0; i < 20; ++i)
    pickle += Text(std::string(1, static_cast<char>('a' + i))) + "h" + std::string(1, '\0') + "s";
  return Program(pickle);
}

// Many tensors, each with a name of 1 MiB.
std::string LongNames() {
  Items tensors;
  for (int i = 0; i < 100; ++i) tensors.emplace_back(std::to_string(i), "N");
  return Program(Dict({{std::string(1 << 20, 'x'), Dict(tensors)}}));
}

class BadPickleTest : public TorchBinTest, public testing::WithParamInterface<BadPickle> {};

TEST_P(BadPickleTest, IsRefusedByName) {
  WriteZip(path_, {{"archive/data.pkl", GetParam().pickle}, {"archive/data/0", Numbers()}});
  const std::string error = ErrorOfOpening(path_);
  EXPECT_THAT(error, HasSubstr("x.bin: "));
  for (const char* text : GetParam().says) EXPECT_THAT(error, HasSubstr(text));
}

const BadPickle kBadPickles[] = {
    {"CallOfOsSystem",
     Program(Global("os", "system") + Tuple({Text("echo was here")}) + "R"),
     {"a call of 'os system'"}},
    {"CallOfEval",
     Program(Global("builtins", "eval") + Tuple({Text("1")}) + "R"),
     {"a call of 'builtins eval'"}},
    {"CallOfNoGlobal", Program(Text("os") + ")R"), {"where a global was expected"}},
    {"UnknownOpcode", Program("i"), {"opcode 0x69", "at byte 3"}},
    {"NewObject", Program(Global("collections", "OrderedDict") + ")\x81"), {"opcode 0x81"}},
    {"Protocol6", "\x80\x06}.", {"protocol 6"}},
    {"Empty", "", {"an end before its STOP"}},
    {"NoStop", "\x80\x02}", {"an end before its STOP"}},
    {"CutInAString", "\x80\x02X\xff", {"an end before its STOP"}},
    {"StringPastTheEnd",
     "\x80\x02X" + Raw(uint32_t{4000000000}) + "abc.",
     {"an end before its STOP"}},
    {"GlobalWithoutLines",
     "\x80\x02"
     "ctorch",
     {"an unfinished line"}},
    {"GlobalWithoutEnd", Program("c" + std::string(1000, 'a') + "\nb\n"), {"an unfinished line"}},
    {"StopOfNothing", ".", {"an empty stack"}},
    {"TupleOfTooFew", Program("N\x87"), {"an empty stack"}},
    {"AppendToNothing", Program("Na"), {"an APPEND to nothing"}},
    {"PutOfNothing", Program("q\x01"), {"a PUT from an empty stack"}},
    {"NoMark", Program("NNt"), {"no MARK"}},
    {"OddItems", Program("}(NNNu"), {"a SETITEMS without pairs"}},
    {"ItemsOfAList", Program("](NNu"), {"where a dictionary was expected"}},
    {"GetOfNothing", Program("h\x07"), {"a GET of something never PUT"}},
    {"IntegerOfNineBytes",
     Program("\x8a\x09"
             "123456789"),
     {"more than 64 bits"}},
    {"BuildOfNothing", Program("Nb"), {"an empty stack"}},
    {"NotADictionary", Program(kVector), {"does not hold a dictionary of tensors"}},
    {"PersistentIdOfNothing", Program("NQ"), {"where a storage description was expected"}},
    {"PersistentIdOfAModule",
     Program(Tuple({Text("module"), "N", "N", "N", "N"}) + "Q"),
     {"an unknown persistent id"}},
    {"StorageTypeOfAnotherModule",
     Program(Tuple({Text("storage"), Global("os", "Storage"), Text("0"), Text("cpu"), Int(12)}) +
             "Q"),
     {"the storage type 'os Storage'"}},
    {"StorageKeyWithoutEnd",
     OneTensor(Tensor(Storage("FloatStorage", std::string(1000, '0'), 12), 0, {12}, {1})),
     {"a storage key of more"}},
    {"StorageMissing",
     OneTensor(Tensor(Storage("FloatStorage", "1", 12), 0, {12}, {1})),
     {"lacks the entry 'archive/data/1'"}},
    {"StorageTooShort",
     OneTensor(Tensor(Storage("FloatStorage", "0", 13), 0, {12}, {1})),
     {"tensor 't'", "48 bytes", "13 elements of FloatStorage"}},
    {"StorageTooLong",
     OneTensor(Tensor(Storage("FloatStorage", "0", 11), 0, {11}, {1})),
     {"tensor 't'", "48 bytes", "11 elements"}},
    {"StorageOfHalfAnElement",
     OneTensor(Tensor(Storage("DoubleStorage", "0", 5), 0, {5}, {1})),
     {"tensor 't'", "5 elements of DoubleStorage"}},
    {"StorageOfNegativeSize",
     OneTensor(Tensor(Storage("FloatStorage", "0", -12), 0, {0}, {1})),
     {"tensor 't'", "outside its storage"}},
    {"ViewPastTheEnd",
     OneTensor(Tensor(kNumbers, 1, {12}, {1})),
     {"tensor 't'", "outside its storage"}},
    {"ViewOfLongStride",
     OneTensor(Tensor(kNumbers, 0, {2, 2}, {11, 1})),
     {"tensor 't'", "outside its storage"}},
    {"NegativeOffset",
     OneTensor(Tensor(kNumbers, -1, {2}, {1})),
     {"tensor 't'", "outside its storage"}},
    {"NegativeStride",
     OneTensor(Tensor(kNumbers, 11, {2}, {-1})),
     {"tensor 't'", "outside its storage"}},
    {"NegativeSize",
     OneTensor(Tensor(kNumbers, 0, {-2, -2}, {2, 1})),
     {"tensor 't'", "outside its storage"}},
    {"SizesThatOverflow",
     OneTensor(Tensor(kNumbers, 0, {1 << 30, 1 << 30, 1 << 30}, {0, 0, 0})),
     {"tensor 't'", "outside its storage"}},
    {"StridesThatOverflow",
     OneTensor(Tensor(kNumbers, 0, {1 << 30, 1 << 30, 2}, {1 << 30, 1 << 30, 0})),
     {"tensor 't'", "outside its storage"}},
    {"FewerStridesThanSizes",
     OneTensor(Tensor(kNumbers, 0, {3, 4}, {1})),
     {"tensor 't'", "outside its storage"}},
    {"TooManyDimensions",
     OneTensor(Tensor(kNumbers, 0, std::vector<int32_t>(65, 1), std::vector<int32_t>(65, 1))),
     {"a tensor of more than 64 dimensions"}},
    {"SizesNotIntegers",
     OneTensor(Global("torch._utils", "_rebuild_tensor_v2") +
               Tuple({kNumbers, Int(0), Tuple({Text("12")}), Ints({1})}) + "R"),
     {"where a size was expected"}},
    {"DeepTuple",
     Program("N" + Repeat("\x85", 1'000'000)),
     {"does not hold a dictionary of tensors"}},
    {"Circle", Circle(), {"more names than any checkpoint"}},
    {"LongNames", LongNames(), {"more names than any checkpoint"}}};

INSTANTIATE_TEST_SUITE_P(Pickles, BadPickleTest, testing::ValuesIn(kBadPickles),
                         [](const auto& info) { return info.param.name; });

// torch.save writes views of one storage as views.
TEST_F(TorchBinTest, TensorsOfOneStorageShareIt) {
  const auto file = Open(Program(
      Dict({{"first", Tensor(kNumbers, 0, {6}, {1})}, {"second", Tensor(kNumbers, 6, {6}, {1})}})));
  const at::Tensor first = file->Read("first"), second = file->Read("second");
  EXPECT_EQ(first.storage().data(), second.storage().data());
  EXPECT_EQ(second[0].item<float>(), 6);
}

// A few kilobytes could otherwise stand for gigabytes.
TEST_F(TorchBinTest, CompressedEntriesAndCountlessValuesAreRefused) {
  const std::string program = Program(Dict({{"t", kVector}}));
  for (const std::string deflated : {"archive/data.pkl", "archive/data/0"}) {
    WriteZip(path_, {{"archive/data.pkl", program}, {"archive/data/0", Numbers()}}, deflated);
    EXPECT_THAT(ErrorOfOpening(path_), AllOf(HasSubstr(deflated), HasSubstr("is compressed")));
  }
  EXPECT_THAT(ErrorOf([&] { Open(Program(std::string(6 << 20, ']'))); }),
              HasSubstr("more values than any checkpoint has"));
}

}  // namespace
}  // namespace mambascope
