// UTF-8, and the few Unicode properties that the tokenizer needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mambascope {

// The first character of a text.
struct Utf8Char {
  char32_t value = 0;
  // In bytes. For invalid UTF-8, the size of the maximal subpart, which one U+FFFD replaces.
  size_t size = 0;
  // False for a stray or missing byte, an overlong form, a surrogate, or a value past U+10FFFF.
  bool valid = true;
};

// REQUIRES: !bytes.empty().
Utf8Char FirstChar(std::string_view bytes);
// REQUIRES: !bytes.empty(), and `bytes` is valid UTF-8.
Utf8Char LastChar(std::string_view bytes);
void AppendUtf8(std::string& out, char32_t c);

// Number of characters (code points): the bytes that do not continue a character.
int64_t CountChars(std::string_view text);

// Returns the first byte offset at which `bytes` is not UTF-8, or npos.
size_t FindInvalidUtf8(std::string_view bytes);
// Returns `bytes` with one U+FFFD for each maximal subpart that is not UTF-8 (Unicode 3.9, as in
// Rust's String::from_utf8_lossy).
std::string ReplaceInvalidUtf8(std::string_view bytes);

// Lower-cases each character on its own, without rules that depend on its neighbours. REQUIRES:
// `text` is UTF-8.
std::string ToLower(std::string_view text);
// Size in bytes of the white space at the beginning or the end. REQUIRES: `text` is UTF-8.
int64_t LeadingSpace(std::string_view text);
int64_t TrailingSpace(std::string_view text);
// Returns `text` without white space at its ends. REQUIRES: `text` is UTF-8.
std::string StripWhiteSpace(std::string_view text);

// The Unicode property White_Space.
bool IsWhiteSpace(char32_t c);
// The Unicode general categories Nd, Nl and No.
bool IsNumeric(char32_t c);
// ASCII punctuation and the Unicode general categories Pc, Pd, Ps, Pe, Pi, Pf and Po.
bool IsPunctuation(char32_t c);

}  // namespace mambascope
