// GPT-2's spelling of bytes (Radford et al., 2019, encoder.py): every byte is one printable
// character, so that a vocabulary of strings can hold any bytes. Printable Latin-1 characters stand
// for themselves, the other 68 bytes for U+0100 to U+0143 in turn: a space is spelled "\u0120".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mambascope {

inline constexpr char32_t kByteSpellingsEnd = 0x144;  // all spellings are below

// The character that spells each byte, as UTF-8.
const std::array<std::string, 256>& ByteSpellings();
// The byte that `c` spells.
std::optional<uint8_t> SpelledByte(char32_t c);
// The bytes that `spelled` (UTF-8) stands for. A text with any other character in it, such as an
// added token, stands for itself.
std::string DecodeBytes(std::string_view spelled);

}  // namespace mambascope
