#include "mambascope/tokenizer/utf8.h"

#include <utf8proc.h>

#include <algorithm>

namespace mambascope {
namespace {

// The size of a character and the range of its second byte, as its first byte determines them. The
// range rules out overlong forms, surrogates and values past U+10FFFF (the Unicode Standard, table
// 3-7).
struct Lead {
  size_t size;
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
};

Lead ReadLead(uint8_t byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2 || byte > 0xF4) return {0};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {4};
}

utf8proc_category_t Category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

}  // namespace

Utf8Char FirstChar(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const Lead lead = ReadLead(byte(0));
  if (lead.size <= 1) return {.value = byte(0), .size = 1, .valid = lead.size == 1};
  char32_t value = byte(0) & (0x7FU >> lead.size);
  for (size_t i = 1; i < lead.size; ++i) {
    const uint8_t low = i == 1 ? lead.second_min : 0x80;
    const uint8_t high = i == 1 ? lead.second_max : 0xBF;
    if (i == bytes.size() || byte(i) < low || byte(i) > high) return {.size = i, .valid = false};
    value = value << 6 | (byte(i) & 0x3F);
  }
  return {.value = value, .size = lead.size};
}

Utf8Char LastChar(std::string_view bytes) {
  size_t begin = bytes.size() - 1;
  while (begin > 0 && (bytes[begin] & 0xC0) == 0x80) --begin;
  return FirstChar(bytes.substr(begin));
}

void AppendUtf8(std::string& out, char32_t c) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes);
  out.append(bytes, bytes + size);
}

int64_t CountChars(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; });
}

size_t FindInvalidUtf8(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size();) {
    const Utf8Char c = FirstChar(bytes.substr(i));
    if (!c.valid) return i;
    i += c.size;
  }
  return std::string_view::npos;
}

std::string ReplaceInvalidUtf8(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const Utf8Char c = FirstChar(bytes);
    out += c.valid ? bytes.substr(0, c.size) : "\xEF\xBF\xBD";
    bytes.remove_prefix(c.size);
  }
  return out;
}

std::string ToLower(std::string_view text) {
  std::string lower;
  while (!text.empty()) {
    const Utf8Char c = FirstChar(text);
    AppendUtf8(lower,
               static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.value))));
    text.remove_prefix(c.size);
  }
  return lower;
}

int64_t LeadingSpace(std::string_view text) {
  const size_t size = text.size();
  while (!text.empty()) {
    const Utf8Char c = FirstChar(text);
    if (!IsWhiteSpace(c.value)) break;
    text.remove_prefix(c.size);
  }
  return static_cast<int64_t>(size - text.size());
}

int64_t TrailingSpace(std::string_view text) {
  const size_t size = text.size();
  while (!text.empty()) {
    const Utf8Char c = LastChar(text);
    if (!IsWhiteSpace(c.value)) break;
    text.remove_suffix(c.size);
  }
  return static_cast<int64_t>(size - text.size());
}

std::string StripWhiteSpace(std::string_view text) {
  text.remove_prefix(static_cast<size_t>(LeadingSpace(text)));
  text.remove_suffix(static_cast<size_t>(TrailingSpace(text)));
  return std::string(text);
}

bool IsWhiteSpace(char32_t c) {
  return (c >= 0x9 && c <= 0xD) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool IsNumeric(char32_t c) {
  const auto category = Category(c);
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool IsPunctuation(char32_t c) {
  constexpr std::string_view kAsciiSymbols =
      "$+<=>^`|~";  // ASCII calls these punctuation; Unicode calls them symbols
  if (c < 0x80 && kAsciiSymbols.find(static_cast<char>(c)) != kAsciiSymbols.npos) return true;
  const auto category = Category(c);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

}  // namespace mambascope
