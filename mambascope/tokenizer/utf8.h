// UTF-8 and the few Unicode properties that the tokenizer asks for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mambascope {

// What the first bytes of a text spell.
struct Utf8Char {
  char32_t value = 0;
  size_t size =
      0;  // bytes; for what is no UTF-8, those of its maximal subpart, which one U+FFFD replaces
  bool valid = true;  // false for a stray or missing byte, an overlong form, a surrogate, or a
                      // value past U+10FFFF
};

// REQUIRES: !bytes.empty()
Utf8Char FirstChar(std::string_view bytes);
// REQUIRES: !bytes.empty(), and `bytes` is valid
Utf8Char LastChar(std::string_view bytes);
void AppendUtf8(std::string& out, char32_t c);

// Characters (code points) of UTF-8 text: bytes that do not continue one.
int64_t CountChars(std::string_view text);

// The byte at which `bytes` stops being UTF-8, or npos.
size_t FindInvalidUtf8(std::string_view bytes);
// `bytes` with one U+FFFD for each maximal subpart that is no UTF-8 (Unicode 3.9, and Rust's
// String::from_utf8_lossy).
std::string ReplaceInvalidUtf8(std::string_view bytes);

// Each character's own lower case (no rule that looks at its neighbours). REQUIRES: `text` is
// UTF-8.
std::string ToLower(std::string_view text);
// `text` without the white space at its ends. REQUIRES: `text` is UTF-8.
std::string StripWhiteSpace(std::string_view text);

// The property White_Space.
bool IsWhiteSpace(char32_t c);
// The general categories Nd, Nl, No.
bool IsNumeric(char32_t c);
// ASCII punctuation and the general categories Pc, Pd, Ps, Pe, Pi, Pf, Po.
bool IsPunctuation(char32_t c);

}  // namespace mambascope
