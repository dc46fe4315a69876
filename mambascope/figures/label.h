// Figures show text on one line, without invisible characters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mambascope {

// Returns `text` with invisible characters replaced. Leading and trailing spaces become middle
// dots, a newline becomes \n and a tab \t. Other characters that cannot be seen or that turn the
// writing direction become \u{hex}. Bytes that are not UTF-8 become \xHH; a token may hold part of
// a character.
std::string VisibleText(std::string_view text);

// Text for a terminal: the invisible characters of VisibleText are replaced as there, but spaces,
// line breaks and tabs stay. So no text can move the cursor or change colours.
std::string TerminalText(std::string_view text);

// JSON for a terminal: in its strings, these characters become \uXXXX, which is the same JSON.
std::string TerminalJson(std::string_view json);

// VisibleText of each.
std::vector<std::string> VisibleTexts(const std::vector<std::string>& texts);

// Breaks `text` at spaces into lines of at most `width` characters. A longer word has its own line.
std::vector<std::string> WrapText(const std::string& text, int width);

// The number of characters (code points) of UTF-8 `text`.
int Length(std::string_view text);

}  // namespace mambascope
