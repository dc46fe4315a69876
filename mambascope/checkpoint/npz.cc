// Layout of an entry NAME.npy:
//
//   | "\x93NUMPY" | version 1 or 2, 0 | header's length, 2 or 4 bytes | header | data |
//
// The header is a Python literal, padded with spaces and ended by a newline:
//
//   {'descr': '<f8', 'fortran_order': False, 'shape': (192, 192), }
#include "mambascope/checkpoint/npz.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/zip.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "\x93NUMPY", kSuffix = ".npy";
constexpr size_t kAlignment = 64;                 // alignment of the data, as in NumPy's own files
constexpr uint64_t kLongestHeader = 12 + 0xFFFF;  // of version 1; those of version 2 are shorter
constexpr std::pair<std::string_view, at::ScalarType> kTypes[] = {
    {"<f8", at::kDouble}, {"<f4", at::kFloat}, {"<f2", at::kHalf},
    {"<i8", at::kLong},   {"<i4", at::kInt},   {"<i2", at::kShort},
    {"|i1", at::kChar},   {"|u1", at::kByte},  {"|b1", at::kBool}};

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

[[noreturn]] void Fail(const std::string& where, const std::string& problem) {
  throw Error(where + problem);
}

// Parses the Python literal in a header.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string where) : text_(text), where_(std::move(where)) {}

  Header Parse() {
    std::optional<std::string> descr;
    std::optional<bool> fortran_order;
    std::optional<std::vector<int64_t>> shape;
    Expect('{');
    while (!Take('}')) {
      const std::string key = Text();
      Expect(':');
      if (key == "descr") descr = Text();
      else if (key == "fortran_order") fortran_order = Flag();
      else if (key == "shape") shape = Shape();
      else
        Fail(where_,
             fmt::format("has the key '{}' in its header; expected descr, fortran_order and shape",
                         key));
      if (!Take(',')) {
        Expect('}');
        break;
      }
    }
    SkipSpace();
    if (!text_.empty() || !descr || !fortran_order || !shape)
      Fail(where_,
           "has a header that lacks descr, fortran_order or shape, or that goes on after them");
    return {*descr, *fortran_order, *shape};
  }

 private:
  void SkipSpace() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \n\t"), text_.size()));
  }
  bool Take(std::string_view token) {
    SkipSpace();
    const bool there = text_.starts_with(token);
    if (there) text_.remove_prefix(token.size());
    return there;
  }
  bool Take(char c) { return Take(std::string_view(&c, 1)); }
  void Expect(char c) {
    if (!Take(c))
      Fail(where_,
           fmt::format("lacks an expected '{}' in its header; is it an array of a plain type?", c));
  }
  std::string Text() {
    const char quote = Take('"') ? '"' : '\'';
    if (quote == '\'') Expect('\'');
    const size_t end = text_.find(quote);
    if (end == text_.npos) Fail(where_, "has an unterminated text in its header");
    std::string value(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return value;
  }
  bool Flag() {
    if (Take("True")) return true;
    if (!Take("False"))
      Fail(where_, "has a fortran_order in its header that is neither True nor False");
    return false;
  }
  std::vector<int64_t> Shape() {
    std::vector<int64_t> shape;
    Expect('(');
    while (!Take(')')) {
      shape.push_back(Integer());
      if (!Take(',')) {
        Expect(')');
        break;
      }
    }
    return shape;
  }
  int64_t Integer() {
    SkipSpace();
    int64_t value = 0;
    bool fits = !text_.empty() && text_[0] >= '0' && text_[0] <= '9';
    for (; fits && !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; text_.remove_prefix(1)) {
      fits = !__builtin_mul_overflow(value, 10, &value) &&
             !__builtin_add_overflow(value, text_[0] - '0', &value);
    }
    if (!fits) Fail(where_, "has a shape in its header that is not a tuple of sizes");
    return value;
  }

  std::string_view text_;
  std::string where_;
};

uint64_t LittleEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Returns the header of an entry and the offset of its data.
std::pair<Header, size_t> ReadHeader(std::string_view bytes, const std::string& where) {
  const size_t fixed = kMagic.size() + 2;
  if (!bytes.starts_with(kMagic) || bytes.size() < fixed + 4)
    Fail(where, "is not an array in NumPy's format");
  const int version = static_cast<unsigned char>(bytes[kMagic.size()]);
  if (version != 1 && version != 2)
    Fail(where, fmt::format("is in version {} of NumPy's format; 1 and 2 are read", version));
  const size_t begin = fixed + (version == 1 ? 2 : 4);
  const uint64_t length = LittleEndian(bytes.substr(fixed, begin - fixed));
  if (length > bytes.size() - begin)
    Fail(where,
         fmt::format("claims a header of {} bytes, but has {}", length, bytes.size() - begin));
  return {HeaderParser(bytes.substr(begin, length), where).Parse(), begin + length};
}

// Number of bytes of an array of `shape`.
uint64_t CountBytes(const std::vector<int64_t>& shape, uint64_t element, const std::string& where) {
  uint64_t size = element;
  for (const int64_t n : shape) {
    if (__builtin_mul_overflow(size, static_cast<uint64_t>(n), &size))
      Fail(where, "has a shape in its header that is too large");
  }
  return size;
}

void CheckSize(uint64_t data, uint64_t expected, const std::string& where) {
  if (data != expected)
    Fail(where, fmt::format("holds {} bytes of data, but the header requires {}", data, expected));
}

void AppendUtf8(std::string& out, uint64_t c, const std::string& where) {
  if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
    Fail(where, fmt::format("holds {:#x}, which is not a character", c));
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  out += static_cast<char>((0xFF << (7 - more) & 0xFF) | c >> 6 * more);
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (c >> 6 * i & 0x3F));
}

// Reads a scalar of type <Un (UTF-32) or |Sn (bytes).
std::string ReadScalarText(const Header& header, std::string_view data, const std::string& where) {
  if (!header.shape.empty()) Fail(where, "is an array of texts; only single texts are read");
  const uint64_t width = header.descr[1] == 'U' ? 4 : 1;
  const std::string digits = header.descr.substr(2);
  if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != digits.npos)
    Fail(where, fmt::format("has the type '{}', which is not valid", header.descr));
  CheckSize(data.size(), std::stoull(digits) * width, where);
  std::string text;
  for (size_t i = 0; i < data.size(); i += width) {
    if (width == 4) AppendUtf8(text, LittleEndian(data.substr(i, 4)), where);
    else text += data[i];
  }
  return text.substr(0, text.find_last_not_of('\0') + 1);
}

[[noreturn]] void RefuseType(const std::string& descr, const std::string& where) {
  std::string why = "is not read; floats and integers in little-endian order are";
  if (descr.find('O') != descr.npos) why = "means pickled Python objects, which are not read";
  Fail(where, fmt::format("has the type '{}', which {}", descr, why));
}

NpzValue ReadValue(const ZipReader& zip, const std::string& entry, const std::string& where) {
  const auto size = static_cast<int64_t>(zip.Size(entry));
  const at::Tensor bytes = at::empty({size}, at::kByte);
  zip.Read(entry, bytes.data_ptr());
  const std::string_view text(static_cast<const char*>(bytes.data_ptr()),
                              static_cast<size_t>(size));
  const auto [header, begin] = ReadHeader(text, where);
  const std::string_view data = text.substr(begin);
  if (header.descr.starts_with("<U") || header.descr.starts_with("|S"))
    return ReadScalarText(header, data, where);
  const auto* type =
      std::find_if(std::begin(kTypes), std::end(kTypes),
                   [&descr = header.descr](const auto& t) { return t.first == descr; });
  if (type == std::end(kTypes)) RefuseType(header.descr, where);
  CheckSize(data.size(), CountBytes(header.shape, c10::elementSize(type->second), where), where);
  at::Tensor values = bytes.slice(0, static_cast<int64_t>(begin));
  if (begin % c10::elementSize(type->second) != 0) values = values.clone();
  values = values.view(type->second);
  if (!header.fortran_order) return values.reshape(header.shape);
  const std::vector<int64_t> reversed(header.shape.rbegin(), header.shape.rend());
  std::vector<int64_t> order;
  for (size_t i = reversed.size(); i-- > 0;) order.push_back(static_cast<int64_t>(i));
  return values.reshape(reversed).permute(order).contiguous();
}

// Converts UTF-8 to UTF-32, 4 bytes for each code point.
std::string Utf32(std::string_view utf8) {
  std::string out;
  for (size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t c = size == 1 ? lead : lead & (0xFFU >> (size + 1));
    for (size_t j = 1; j < size && i + j < utf8.size(); ++j)
      c = c << 6 | (static_cast<unsigned char>(utf8[i + j]) & 0x3F);
    i += size;
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(c >> shift);
  }
  return out;
}

std::string HeaderBytes(const std::string& descr, at::IntArrayRef shape) {
  std::string sizes;
  for (const int64_t n : shape) sizes += fmt::format("{}, ", n);
  if (shape.size() > 1) sizes.resize(sizes.size() - 2);        // (2, 3)
  else if (shape.size() == 1) sizes.resize(sizes.size() - 1);  // (2,)
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, sizes);
  const size_t fixed = kMagic.size() + 4;
  header.append(kAlignment - (fixed + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  return std::string(kMagic) + std::string("\x01\0", 2) + static_cast<char>(length & 0xFF) +
         static_cast<char>(length >> 8) + header;
}

}  // namespace

NpzFile::NpzFile(const fs::path& path) : path_(path), zip_(path, "an .npz of NumPy is a zip") {
  for (const std::string& entry : zip_.Names()) {
    const std::string where = fmt::format("{}: entry '{}' ", path.string(), entry);
    if (!entry.ends_with(kSuffix))
      Fail(where, "is not a .npy: numpy.savez did not write this file");
    if (!keys_.insert(entry.substr(0, entry.size() - kSuffix.size())).second)
      Fail(where, "is there twice");
  }
}

std::string NpzFile::Entry(const std::string& key) const { return key + std::string(kSuffix); }

std::string NpzFile::Where(const std::string& key) const {
  return fmt::format("{}: entry '{}' ", path_.string(), Entry(key));
}

std::vector<int64_t> NpzFile::Shape(const std::string& key) const {
  return ReadHeader(zip_.Begin(Entry(key), kLongestHeader), Where(key)).first.shape;
}

NpzValue NpzFile::Read(const std::string& key, uint64_t most) const {
  const uint64_t size = zip_.Size(Entry(key));
  if (size > most + kLongestHeader)
    Fail(Where(key), fmt::format("has {} bytes; at most {} are expected", size, most));
  return ReadValue(zip_, Entry(key), Where(key));
}

void WriteNpz(const fs::path& path, const Npz& values) {
  std::map<std::string, std::pair<std::string, NpzValue>>
      kept;  // header and data, kept alive until they are written
  std::map<std::string, std::vector<std::string_view>> entries;
  for (const auto& [name, value] : values) {
    auto& [header, data] = kept[name + std::string(kSuffix)];
    std::string_view bytes;
    if (const auto* text = std::get_if<std::string>(&value)) {
      data = Utf32(*text);
      bytes = std::get<std::string>(data);
      header = HeaderBytes(fmt::format("<U{}", std::max<size_t>(1, bytes.size() / 4)), {});
      if (bytes.empty()) bytes = std::string_view("\0\0\0\0", 4);
    } else {
      const at::Tensor tensor = std::get<at::Tensor>(value).detach().cpu().contiguous();
      const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) {
        return t.second == tensor.scalar_type();
      });
      if (type == std::end(kTypes))
        Fail(fmt::format("{}: entry '{}' ", path.string(), name), "is of a type that NumPy lacks");
      data = tensor;
      bytes = {static_cast<const char*>(tensor.data_ptr()), tensor.nbytes()};
      header = HeaderBytes(std::string(type->first), tensor.sizes());
    }
    entries[name + std::string(kSuffix)] = {header, bytes};
  }
  WriteZip(path, entries);
}

}  // namespace mambascope
