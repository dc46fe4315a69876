#include "mambascope/figures/label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/json.h"

namespace mambascope {
namespace {

TEST(VisibleText, ShowsSpacesAtTheEndsAndLeavesThoseInside) {
  EXPECT_EQ(VisibleText(" Space"), "\u00b7Space");
  EXPECT_EQ(VisibleText("first token "), "first token\u00b7");
  EXPECT_EQ(VisibleText("  "), "\u00b7\u00b7");
  EXPECT_EQ(VisibleText(""), "");
}

TEST(VisibleText, SpellsWhatCannotBeSeen) {
  EXPECT_EQ(VisibleText("a\n\tb\r"), "a\\n\\tb\\r");
  EXPECT_EQ(VisibleText("a\u00a0\u202eb\u2028"), "a\\u{a0}\\u{202e}b\\u{2028}");
  EXPECT_EQ(VisibleText(std::string_view("\0", 1)), "\\u{0}");
}

TEST(VisibleText, KeepsEveryScriptAndJoinedEmoji) {
  const std::string text = "\u05e9\u05dc\u05d5\u05dd <b>&\"' \U0001f469\u200d\U0001f680";
  EXPECT_EQ(VisibleText(text), text);
}

TEST(VisibleText, SpellsBytesOfACharacterThatATokenSplits) {
  EXPECT_EQ(VisibleText(" \xf0\x9f"), "\u00b7\\xF0\\x9F");
  EXPECT_EQ(VisibleText("\x80z"), "\\x80z");
}

TEST(WrapText, BreaksAtSpacesAndCountsCharacters) {
  EXPECT_THAT(WrapText("one two three", 7), testing::ElementsAre("one two", "three"));
  EXPECT_THAT(WrapText("\u00e9\u00e9\u00e9 \u00e9\u00e9\u00e9", 7), testing::SizeIs(1));
  EXPECT_THAT(WrapText("unbreakable a", 3), testing::ElementsAre("unbreakable", "a"));
}

TEST(LabelTest, TerminalTextKeepsItsLayoutAndMovesNoCursor) {
  EXPECT_EQ(TerminalText(" a  b \n\tc\u00e9\u00a0d\n"), " a  b \n\tc\u00e9\u00a0d\n");
  EXPECT_EQ(TerminalText("\x1b[31m\r\x7f\u009b\u202e"), "\\u{1b}[31m\\r\\u{7f}\\u{9b}\\u{202e}");
  EXPECT_EQ(TerminalText("a\x9b"), "a\\x9B") << "not UTF-8: a terminal of 8 bits may act on it";
}

TEST(LabelTest, TerminalJsonIsTheSameJson) {
  const Json json = {{"text", "\x1b[31m\x7f\u009b\u202e \u00e9\n"}};
  const std::string text = TerminalJson(DumpJson(json));
  EXPECT_EQ(Json::parse(text), json);
  EXPECT_EQ(text, R"({"text":"\u001b[31m\u007f\u009b\u202e é\n"})");
}

}  // namespace
}  // namespace mambascope
