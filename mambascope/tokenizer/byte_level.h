// GPT-2's spelling of bytes (Radford et al., 2019, encoder.py). Every byte is one printable
// character, so a vocabulary of strings can hold any bytes. Printable Latin-1 characters stand for
// themselves. The other 68 bytes are spelled U+0100 to U+0143 in order; for example, a space is
// "\u0120".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mambascope {

inline constexpr char32_t kByteSpellingsEnd = 0x144;  // all spellings are below it

// Returns the character that spells each byte, as UTF-8.
const std::array<std::string, 256>& ByteSpellings();
// Returns the byte that `c` spells, if any.
std::optional<uint8_t> SpelledByte(char32_t c);
// Returns the bytes that `spelled` (UTF-8) stands for. A text with any other character, such as an
// added token, stands for itself.
std::string DecodeBytes(std::string_view spelled);

}  // namespace mambascope
