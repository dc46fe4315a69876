// Text as a figure shows it: nothing invisible, one line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mambascope {

// `text` with its leading and trailing spaces as middle dots, a newline as \n, a tab as \t, every
// other character that cannot be seen or that turns the writing direction as \u{hex}, and each byte
// that is not UTF-8 (a token may hold part of a character) as \xHH.
std::string VisibleText(std::string_view text);

// VisibleText of each.
std::vector<std::string> VisibleTexts(const std::vector<std::string>& texts);

// `text` broken at spaces into lines of at most `width` characters; a longer word has a line of its
// own.
std::vector<std::string> WrapText(const std::string& text, int width);

// The number of characters (code points) of UTF-8 `text`.
int Length(std::string_view text);

}  // namespace mambascope
