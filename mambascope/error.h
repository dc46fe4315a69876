// The only exception type of mambascope. It is thrown for any problem that a user can cause, such
// as a missing file, a corrupt header or a layer out of range.
#pragma once

#include <stdexcept>
#include <string>

namespace mambascope {

// Returns `text`, or only its beginning and its end if it is very long. Messages quote what users
// give, which may be a whole file.
inline std::string Shortened(const std::string& text) {
  constexpr size_t kFirst = 700, kLast = 300, kLongest = 1200;
  if (text.size() <= kLongest) return text;
  const auto is_inside = [&](size_t at) { return (text[at] & 0xC0) == 0x80; };  // of a character
  size_t first = kFirst, last = text.size() - kLast;
  while (first > 0 && is_inside(first)) --first;
  while (last < text.size() && is_inside(last)) ++last;
  return text.substr(0, first) + " [" + std::to_string(last - first) + " bytes are left out] " +
         text.substr(last);
}

// `problem` names the file, tensor, field or site and says what was expected. `hint` says what to
// try. Each is one line. A very long problem is shortened.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& problem, const std::string& hint = "")
      : std::runtime_error(Shortened(problem) + (hint.empty() ? "" : "; " + hint)) {}
};

}  // namespace mambascope
