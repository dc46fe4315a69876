#include "mambascope/tokenizer/byte_level.h"

#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

bool IsPrintable(char32_t c) {
  return (c >= 0x21 && c <= 0x7E) || (c >= 0xA1 && c <= 0xFF && c != 0xAD);
}

// Returns the character that spells each byte.
std::array<char32_t, 256> SpellingChars() {
  std::array<char32_t, 256> chars{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) chars[byte] = IsPrintable(byte) ? byte : next++;
  return chars;
}

}  // namespace

const std::array<std::string, 256>& ByteSpellings() {
  static const auto spellings = [] {
    std::array<std::string, 256> table;
    const auto chars = SpellingChars();
    for (size_t byte = 0; byte < 256; ++byte) AppendUtf8(table[byte], chars[byte]);
    return table;
  }();
  return spellings;
}

std::optional<uint8_t> SpelledByte(char32_t c) {
  static const auto bytes = [] {
    std::array<std::optional<uint8_t>, kByteSpellingsEnd> table;
    const auto chars = SpellingChars();
    for (size_t byte = 0; byte < 256; ++byte) table[chars[byte]] = static_cast<uint8_t>(byte);
    return table;
  }();
  return c < kByteSpellingsEnd ? bytes[c] : std::nullopt;
}

std::string DecodeBytes(std::string_view spelled) {
  std::string out;
  for (size_t i = 0; i < spelled.size();) {
    const Utf8Char c = FirstChar(spelled.substr(i));
    const auto byte = c.valid ? SpelledByte(c.value) : std::nullopt;
    if (!byte) return std::string(spelled);
    out += static_cast<char>(*byte);
    i += c.size;
  }
  return out;
}

}  // namespace mambascope
