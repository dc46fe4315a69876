#include "mambascope/figures/label.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <sstream>

#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

constexpr char kMiddleDot[] = "\u00b7";
constexpr int kZeroWidthJoiner = 0x200d;  // binds the parts of one emoji

// Whether a terminal may act on the character, or show it as nothing.
bool IsControl(int code) {
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_CF: return code != kZeroWidthJoiner;
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return true;
    default: return false;
  }
}

// The character, or its replacement if it cannot be seen.
std::string VisibleCharacter(int code, std::string_view bytes) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  const bool is_other_space = code != ' ' && utf8proc_category(code) == UTF8PROC_CATEGORY_ZS;
  if (IsControl(code) || is_other_space) return fmt::format("\\u{{{:x}}}", code);
  return std::string(bytes);
}

// Calls `show(code, bytes)` for each character, and joins what it returns. Bytes that are not UTF-8
// become \xHH.
template <typename Show>
std::string ShowEach(std::string_view text, const Show& show) {
  std::string shown;
  for (size_t at = 0; at < text.size();) {
    utf8proc_int32_t code = 0;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
    const auto size =
        utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &code);
    shown += size > 0 ? show(code, text.substr(at, static_cast<size_t>(size)))
                      : fmt::format("\\x{:02X}", *bytes);
    at += size > 0 ? static_cast<size_t>(size) : 1;
  }
  return shown;
}

std::string Dots(size_t count) {
  std::string dots;
  while (count-- > 0) dots += kMiddleDot;
  return dots;
}

}  // namespace

std::string VisibleText(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(' '), text.size());
  const size_t end = std::max(begin, text.find_last_not_of(' ') + 1);  // npos + 1 is 0
  return Dots(begin) + ShowEach(text.substr(begin, end - begin), VisibleCharacter) +
         Dots(text.size() - end);
}

std::string TerminalText(std::string_view text) {
  return ShowEach(text, [](int code, std::string_view bytes) {
    const bool is_layout = code == '\n' || code == '\t';
    return IsControl(code) && !is_layout ? VisibleCharacter(code, bytes) : std::string(bytes);
  });
}

std::string TerminalJson(std::string_view json) {
  constexpr int kLastOfFourDigits = 0xFFFF;
  return ShowEach(json, [](int code, std::string_view bytes) {
    const bool is_escaped = IsControl(code) && code != '\n' && code <= kLastOfFourDigits;
    return is_escaped ? fmt::format("\\u{:04x}", code) : std::string(bytes);
  });
}

std::vector<std::string> VisibleTexts(const std::vector<std::string>& texts) {
  std::vector<std::string> visible;
  for (const std::string& text : texts) visible.push_back(VisibleText(text));
  return visible;
}

std::vector<std::string> WrapText(const std::string& text, int width) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!lines.empty() && Length(lines.back()) + 1 + Length(word) <= width)
      lines.back() += " " + word;
    else lines.push_back(word);
  }
  return lines;
}

int Length(std::string_view text) { return static_cast<int>(CountChars(text)); }

}  // namespace mambascope
