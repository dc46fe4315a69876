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

// The character, or its replacement if it cannot be seen.
std::string VisibleCharacter(int code, std::string_view bytes) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_ZS:
      if (code == ' ') break;
      [[fallthrough]];
    case UTF8PROC_CATEGORY_CF:
      if (code == kZeroWidthJoiner) break;
      [[fallthrough]];
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return fmt::format("\\u{{{:x}}}", code);
    default: break;
  }
  return std::string(bytes);
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
  std::string visible = Dots(begin);
  for (size_t at = begin; at < end;) {
    utf8proc_int32_t code = 0;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
    const auto size = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(end - at), &code);
    visible +=
        size > 0 ? VisibleCharacter(code, text.substr(at, size)) : fmt::format("\\x{:02X}", *bytes);
    at += size > 0 ? size : 1;
  }
  return visible + Dots(text.size() - end);
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
