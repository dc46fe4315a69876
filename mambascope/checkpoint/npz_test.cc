// Tests of .npz files: those that WriteNpz writes, those that NumPy writes (bytes by hand, after
// numpy.lib.format), and invalid ones.
#include "mambascope/checkpoint/npz.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/npz_test_support.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Key;
using testing::UnorderedElementsAre;

template <typename T>
std::string Bytes(std::initializer_list<T> values) {
  std::string bytes;
  for (const T& value : values) bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
  return bytes;
}

// The bytes of an .npy entry with this header, padded as NumPy pads it.
std::string Npy(std::string header, const std::string& data, char version = 1) {
  const size_t fixed = version == 1 ? 10 : 12;
  header.append(64 - (fixed + header.size() + 1) % 64, ' ');
  header += '\n';
  std::string bytes = std::string("\x93NUMPY") + version + '\0';
  for (size_t i = 0; i < fixed - 8; ++i) bytes += static_cast<char>(header.size() >> 8 * i & 0xFF);
  return bytes + header + data;
}

std::string Header(const std::string& descr, const std::string& shape,
                   const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

class NpzTest : public testing::Test {
 protected:
  // Writes a zip of these entries with libzip alone.
  void WriteEntries(const std::map<std::string, std::string>& entries,
                    int compression = ZIP_CM_STORE) const {
    zip_t* zip = zip_open(path_.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    ASSERT_NE(zip, nullptr);
    for (const auto& [name, bytes] : entries) {
      const auto index =
          zip_file_add(zip, name.c_str(), zip_source_buffer(zip, bytes.data(), bytes.size(), 0), 0);
      zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), compression, 0);
    }
    ASSERT_EQ(zip_close(zip), 0);
  }
  std::string ErrorOfEntry(const std::string& bytes) const {
    WriteEntries({{"k.npy", bytes}});
    return ErrorOf([&] { ReadNpz(path_); });
  }
  at::Tensor ReadEntry(const std::string& bytes) const {
    WriteEntries({{"k.npy", bytes}});
    return std::get<at::Tensor>(ReadNpz(path_).at("k"));
  }

  TempFolder folder_;
  const std::filesystem::path path_ = folder_ / "a.npz";
};

TEST_F(NpzTest, WhatIsWrittenIsReadBack) {
  at::manual_seed(1);
  const at::Tensor matrix = at::randn({3, 5}, at::kDouble);
  const std::map<std::string, at::Tensor> tensors = {{"double", matrix},
                                                     {"float", matrix.to(at::kFloat)},
                                                     {"half", matrix.to(at::kHalf)},
                                                     {"transposed", matrix.t()},
                                                     {"long", at::tensor({1, -2, 3}, at::kLong)},
                                                     {"int", at::tensor({1, -2}, at::kInt)},
                                                     {"scalar", at::scalar_tensor(42, at::kLong)},
                                                     {"empty", at::empty({0}, at::kDouble)}};
  Npz npz(tensors.begin(), tensors.end());
  npz["text"] = std::string("caf\u00e9 \u2603 \U0001F600");
  npz["no.text"] = std::string();
  WriteNpz(path_, npz);
  const Npz read = ReadNpz(path_);
  ASSERT_EQ(read.size(), npz.size());
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor& back = std::get<at::Tensor>(read.at(name));
    EXPECT_EQ(back.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(back.sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(at::equal(back, tensor)) << name;
  }
  EXPECT_EQ(std::get<std::string>(read.at("text")), std::get<std::string>(npz.at("text")));
  EXPECT_EQ(std::get<std::string>(read.at("no.text")), "");
}

TEST_F(NpzTest, TheSameValuesGiveTheSameBytes) {
  WriteNpz(path_, {{"a", at::ones({2})}});
  const std::string first = ReadFile(path_);
  WriteNpz(path_, {{"a", at::ones({2})}});
  EXPECT_EQ(ReadFile(path_), first);
}

// numpy.lib.format, version 1.0: magic, length, a Python literal that ends in a newline, then the
// data at a multiple of 64 bytes.
TEST_F(NpzTest, WritesWhatNumpyDocuments) {
  WriteNpz(path_,
           {{"mom2.mom2", at::tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, at::kDouble).view({2, 3})},
            {"n", at::scalar_tensor(7, at::kLong)},
            {"s", std::string("ab")},
            {"v", at::tensor({5}, at::kInt)}});
  const std::string file = ReadFile(path_);
  EXPECT_EQ(file.substr(0, 4), "PK\x03\x04");
  for (const std::string& entry : {Npy(Header("<f8", "(2, 3)"), Bytes<double>({1, 2, 3, 4, 5, 6})),
                                   Npy(Header("<i8", "()"), Bytes<int64_t>({7})),
                                   Npy(Header("<U2", "()"), Bytes<char32_t>({U'a', U'b'})),
                                   Npy(Header("<i4", "(1,)"), Bytes<int32_t>({5}))})
    EXPECT_THAT(file, HasSubstr(entry));
  EXPECT_THAT(file, HasSubstr("mom2.mom2.npy"));
}

TEST_F(NpzTest, ReadsWhatRomeWrites) {
  const std::map<std::string, std::string> entries = {
      {"mom2.constructor.npy", Npy(Header("<U33", "()"),
                                   [] {
                                     std::string text;
                                     for (const char c :
                                          std::string("util.runningstats.SecondMoment()"))
                                       text += Bytes<char32_t>({static_cast<char32_t>(c)});
                                     return text + Bytes<char32_t>({0});  // NumPy pads with zeros
                                   }())},
      {"mom2.count.npy", Npy(Header("<i8", "()"), Bytes<int64_t>({1234}))},
      {"mom2.mom2.npy", Npy(Header("<f4", "(2, 2)"), Bytes<float>({1, 2, 2, 5}))},
      {"sample_size.npy", Npy(Header("<i8", "()"), Bytes<int64_t>({100000}))}};
  for (const int compression :
       {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {  // as numpy.savez and numpy.savez_compressed write
    WriteEntries(entries, compression);
    const Npz npz = ReadNpz(path_);
    EXPECT_THAT(npz, UnorderedElementsAre(Key("mom2.constructor"), Key("mom2.count"),
                                          Key("mom2.mom2"), Key("sample_size")));
    EXPECT_EQ(std::get<std::string>(npz.at("mom2.constructor")),
              "util.runningstats.SecondMoment()");
    EXPECT_EQ(std::get<at::Tensor>(npz.at("mom2.count")).item<int64_t>(), 1234);
    EXPECT_TRUE(at::equal(std::get<at::Tensor>(npz.at("mom2.mom2")),
                          at::tensor({1.F, 2.F, 2.F, 5.F}).view({2, 2})));
  }
}

TEST_F(NpzTest, ReadsFortranOrderOtherVersionsAndOddHeaders) {
  const at::Tensor expected = at::arange(6, at::kFloat).view({2, 3});
  EXPECT_TRUE(at::equal(
      ReadEntry(Npy(Header("<f4", "(2, 3)", "True"), Bytes<float>({0, 3, 1, 4, 2, 5}))), expected));
  EXPECT_TRUE(at::equal(
      ReadEntry(Npy(Header("<f4", "(2, 3)"), Bytes<float>({0, 1, 2, 3, 4, 5}), 2)), expected));
  EXPECT_TRUE(at::equal(ReadEntry(Npy("{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<f4\"}",
                                      Bytes<float>({0, 1, 2, 3, 4, 5}))),
                        expected));
  // A header without padding leaves the data unaligned.
  const std::string header = Header("<f8", "(1,)") + "\n";
  EXPECT_EQ(ReadEntry(std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(header.size()) + '\0' +
                      header + Bytes<double>({2.5}))
                .item<double>(),
            2.5);
  WriteEntries({{"s.npy", Npy(Header("|S4", "()"), std::string("ab\0\0", 4))}});
  EXPECT_EQ(std::get<std::string>(ReadNpz(path_).at("s")), "ab");
}

TEST_F(NpzTest, RefusesWhatItCannotRead) {
  const std::string four = Bytes<float>({1, 2, 3, 4});
  const std::pair<std::string, const char*> kWrong[] = {
      {"", "not an array in NumPy's format"},
      {"NUMPY", "not an array"},
      {Npy(Header("<f4", "(4,)"), four, 3), "version 3"},
      {std::string("\x93NUMPY\x01\0\xff\xff{   ", 14), "claims a header of 65535 bytes"},
      {Npy(Header("<f4", "(4,)"), four.substr(1)),
       "holds 15 bytes of data, but the header requires 16"},
      {Npy(Header("<f4", "(4,)"), four + "x"), "holds 17 bytes"},
      {Npy(Header("<f4", "(4294967296, 4294967296, 4)"), four), "too large"},
      {Npy(Header("<f4", "(99999999999999999999,)"), four), "shape"},
      {Npy(Header("<f4", "(-4,)"), four), "shape"},
      {Npy(Header("<f4", "4"), four), "lacks an expected '('"},
      {Npy(Header("<f4", "(4,)", "Maybe"), four), "neither True nor False"},
      {Npy(Header(">f4", "(4,)"), four), "little-endian"},
      {Npy(Header("<c8", "(2,)"), four), "'<c8'"},
      {Npy(Header("|O", "()"), "\x80\x03N."), "pickled Python objects"},
      {Npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }", four),
       "plain type"},
      {Npy("{'descr': '<f4', 'shape': (4,), }", four), "lacks descr, fortran_order or shape"},
      {Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'more': 'x', }", four),
       "the key 'more'"},
      {Npy(Header("<f4", "(4,)") + " 7", four), "goes on"},
      {Npy("{'descr': '<f4", four), "unterminated text"},
      {Npy(Header("<U1", "(4,)"), four), "array of texts"},
      {Npy(Header("<Ux", "()"), four), "'<Ux'"},
      {Npy(Header("<U1", "()"), Bytes<uint32_t>({0x110000})), "not a character"}};
  for (const auto& [bytes, what] : kWrong)
    EXPECT_THAT(ErrorOfEntry(bytes), AllOf(HasSubstr("a.npz: entry 'k.npy' "), HasSubstr(what)));
  WriteEntries({{"readme.txt", "hello"}});
  EXPECT_THAT(ErrorOf([&] { ReadNpz(path_); }), HasSubstr("entry 'readme.txt' is not a .npy"));
  EXPECT_THAT(ErrorOf([&] {
                WriteNpz(path_, {{"z", at::zeros({1}, at::kBFloat16)}});
              }),
              HasSubstr("a type that NumPy lacks"));
}

// Five megabytes can deflate to gigabytes. What is not asked for is not read.
TEST_F(NpzTest, TakesNoMoreThanWasAskedFor) {
  const std::string zeros(4 << 20, '\0');
  WriteEntries({{"big.npy", Npy(Header("<f4", "(1024, 1024)"), zeros)},
                {"bad.npy", "no array"},
                {"n.npy", Npy(Header("<i8", "()"), Bytes<int64_t>({7}))}},
               ZIP_CM_DEFLATE);
  const NpzFile file(path_);
  EXPECT_EQ(std::get<at::Tensor>(file.Read("n", 8)).item<int64_t>(), 7);
  EXPECT_THAT(file.Shape("big"), testing::ElementsAre(1024, 1024));
  EXPECT_THAT(ErrorOf([&] { file.Read("big", 1 << 20); }),
              HasSubstr("entry 'big.npy' has 4194432 bytes; at most 1048576 are expected"));
  EXPECT_EQ(std::get<at::Tensor>(file.Read("big", 4 << 20)).numel(), 1 << 20);
  EXPECT_THAT(ErrorOf([&] { file.Shape("bad"); }), HasSubstr("not an array"));
}

TEST_F(NpzTest, RefusesWhatIsNoZip) {
  EXPECT_THAT(ErrorOf([&] { ReadNpz(folder_ / "none.npz"); }),
              HasSubstr("none.npz: cannot be read: No such file"));
  WriteFile(path_, "PK\x03\x04 and nothing more");
  EXPECT_THAT(ErrorOf([&] { ReadNpz(path_); }), HasSubstr("a.npz: cannot be read as a zip"));
  WriteNpz(path_, {{"a", at::ones({100})}});
  const std::string whole = ReadFile(path_);
  for (size_t size : {size_t{1}, whole.size() / 2, whole.size() - 1}) {
    WriteFile(path_, whole.substr(0, size));
    EXPECT_THAT(ErrorOf([&] { ReadNpz(path_); }), HasSubstr("a.npz")) << size;
  }
  std::string flipped = whole;
  // The flipped bit is in the data, so the checksum does not match.
  flipped[300] = static_cast<char>(flipped[300] ^ 1);
  WriteFile(path_, flipped);
  EXPECT_THAT(ErrorOf([&] { ReadNpz(path_); }), HasSubstr("entry 'a.npy' is corrupt"));
}

TEST_F(NpzTest, AFileThatCannotBeWrittenLeavesTheEarlierOne) {
  WriteNpz(path_, {{"a", at::ones({2})}});
  EXPECT_THAT(ErrorOf([&] {
                WriteNpz(folder_ / "none/b.npz", {{"a", at::ones({2})}});
              }),
              HasSubstr("none/b.npz: cannot be written"));
  EXPECT_THAT(ErrorOf([&] {
                WriteNpz(path_, {{"b", at::zeros({2}, at::kBFloat16)}});
              }),
              HasSubstr("NumPy lacks"));
  EXPECT_THAT(ReadNpz(path_), UnorderedElementsAre(Key("a")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

}  // namespace
}  // namespace mambascope
