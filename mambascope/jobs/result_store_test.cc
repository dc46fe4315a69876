// Lines of results survive whatever interrupts their writing, and never mix with what something
// else made.
#include "mambascope/jobs/result_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ResultStoreTest : public testing::Test {
 protected:
  std::string Bytes() const { return ReadFile(file_); }
  // Which of `keys` have results, and that nothing else is there.
  std::vector<std::string> Kept(const std::vector<std::string>& keys) const {
    const ResultStore store(file_, made_by_);
    std::vector<std::string> kept;
    for (const std::string& key : keys) {
      const Json* line = store.Find(key);
      if (line == nullptr) continue;
      EXPECT_EQ(line->size(), 3u) << *line << ": the text, the item and the digest";
      EXPECT_EQ(line->at("text"), key);
      kept.push_back(key);
    }
    EXPECT_EQ(store.size(), kept.size());
    return kept;
  }
  // Writes one result for each text, which is its key too; returns the file's bytes.
  std::string Write(const std::vector<std::string>& texts) const {
    ResultStore store(file_, made_by_);
    for (const std::string& text : texts) store.Append(text, {{"text", text}});
    return Bytes();
  }
  // That the file cannot be gone on with, is named, and stays as it is.
  void ExpectRefused(const std::string& bytes) const {
    PrepareFile(file_);
    WriteFile(file_, bytes);
    EXPECT_THAT(ErrorOf([&] { ResultStore(file_, made_by_); }), HasSubstr(file_.string())) << bytes;
    EXPECT_EQ(Bytes(), bytes);
  }

  const TempFolder folder_;
  const std::filesystem::path file_ = folder_ / "new/results.jsonl";
  const Json made_by_ = {{"site", "resid"}, {"seed", 3}};
};

// A store whose sentences about damaged lines are collected.
class ListenedStore {
 public:
  ListenedStore(const std::filesystem::path& file, const Json& made_by)
      : store(file, made_by, OtherRuns::kRefuse,
              {.dropped = [this](const std::string& sentence) { said.push_back(sentence); }}) {}
  std::vector<std::string> said;
  ResultStore store;
};

// Some file systems leave NUL bytes where a machine failed.
TEST_F(ResultStoreTest, AGarbageEndIsDroppedAndSaid) {
  const std::string own = Write({"a", "b"});
  WriteFile(file_, own + std::string(100, '\0'));
  ListenedStore listened(file_, made_by_);
  EXPECT_EQ(listened.store.size(), 2);
  EXPECT_THAT(listened.said, ElementsAre(HasSubstr(file_.string() + ": line 3")));
  EXPECT_EQ(Bytes(), own);
}

TEST_F(ResultStoreTest, AResultThatLacksAFieldIsDroppedAndSaid) {
  Write({"a"});
  ResultStore(file_, made_by_).Append("hill", {{"metres", "high"}});
  Write({"b"});
  ListenedStore listened(file_, made_by_);
  EXPECT_FALSE(listened.store.Read<Json>("sea"));
  EXPECT_EQ(listened.store.Read<Json>("a")->at("text"), "a");
  EXPECT_FALSE(listened.store.Read<std::vector<int>>("hill"));
  EXPECT_THAT(listened.said,
              ElementsAre(AllOf(HasSubstr(file_.string() + ": line 2"), HasSubstr("array"))));
  EXPECT_FALSE(listened.store.Read<Json>("hill"));
  listened.store.Append("c", {{"text", "c"}});
  EXPECT_EQ(Kept({"a", "b", "c"}), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(ResultStoreTest, DamagedLinesAreDroppedAndSaid) {
  const std::string first = Write({"a"}), both = Write({"b"}), second = both.substr(first.size());
  std::string not_finite = second, other = second, other_key = second;
  not_finite.replace(not_finite.rfind("\"b\""), 3, "NaN");  // its text
  other.replace(other.rfind("\"b\""), 3, "\"c\"");
  other_key.replace(other_key.find("made_by") + 11, 1, "x");
  for (const std::string& damaged :
       {std::string("garbage\n"), std::string("\n"), std::string("\xff\xfe\n"),
        second.substr(0, 7) + "\n", std::string(3, '\0') + "\n", not_finite, other, other_key}) {
    WriteFile(file_, first + damaged + second);
    ListenedStore listened(file_, made_by_);
    EXPECT_THAT(listened.said, ElementsAre(HasSubstr(file_.string() + ": line 2 is damaged")))
        << damaged;
    EXPECT_EQ(Bytes(), both);
    EXPECT_EQ(Kept({"a", "b"}), (std::vector<std::string>{"a", "b"}));
  }
}

// The lines' numbers are those of the file, after lines were dropped, too.
TEST_F(ResultStoreTest, NamesLinesAsTheFileNumbersThem) {
  const std::string own = Write({"a"});
  WriteFile(file_, "garbage\n" + own + "more\n");
  Json bad = {{"metres", "high"}};
  {
    ListenedStore listened(file_, made_by_);
    EXPECT_THAT(listened.said, ElementsAre(HasSubstr("line 1 "), HasSubstr("line 3 ")));
    listened.store.Append("hill", bad);
    EXPECT_FALSE(listened.store.Read<std::vector<int>>("hill"));
    EXPECT_THAT(listened.said.back(), HasSubstr("line 2 "));
  }
  EXPECT_EQ(Bytes(), own);
}

TEST_F(ResultStoreTest, EachLineIsOnDiskAtOnce) {
  ResultStore store(file_, made_by_);
  EXPECT_EQ(store.size(), 0u);
  for (int n = 1; n < 4; ++n) {
    store.Append(std::to_string(n), {{"text", "x"}});
    const std::string bytes = Bytes();
    EXPECT_EQ(std::count(bytes.begin(), bytes.end(), '\n'), n);
    EXPECT_TRUE(bytes.ends_with("}\n"));
  }
}

TEST_F(ResultStoreTest, GoesOnWhereItStopped) {
  const std::string first = Write({"a", "b"});
  EXPECT_EQ(Kept({"a", "b", "c"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(Bytes(), first) << "reading changes nothing";
  const std::string more = Write({"c"});
  EXPECT_TRUE(more.starts_with(first)) << "earlier lines stay as they are";
  EXPECT_EQ(Kept({"a", "b", "c"}), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(ResultStoreTest, NumbersComeBackExactly) {
  const Json values = {0.1, 1.0 / 3, 4.9e-324, 1.7976931348623157e308, -0.0, 1 - 1.1e-16, nullptr};
  ResultStore(file_, made_by_).Append("x", {{"values", values}});
  EXPECT_EQ(ResultStore(file_, made_by_).Find("x")->at("values"), values);
}

// Wherever in the last line the interruption came, before its end or after its text.
TEST_F(ResultStoreTest, CutOffLastLineIsDropped) {
  const std::string two = Write({"a", "b"}), three = Write({"c\u00e9"});
  for (size_t size = two.size(); size < three.size(); ++size) {
    WriteFile(file_, three.substr(0, size));
    EXPECT_EQ(Kept({"a", "b", "c"}), (std::vector<std::string>{"a", "b"})) << size;
    EXPECT_EQ(Bytes(), two) << size;
  }
  WriteFile(file_, three.substr(0, three.size() - 3));
  EXPECT_EQ(Write({"c\u00e9"}), three);
}

TEST_F(ResultStoreTest, CutOffFirstLineIsDropped) {
  const std::string one = Write({"a"});
  for (const size_t size : {size_t{0}, size_t{1}, one.size() / 2, one.size() - 1}) {
    WriteFile(file_, one.substr(0, size));
    EXPECT_EQ(ResultStore(file_, made_by_).size(), 0u) << size;
    EXPECT_EQ(Bytes(), "") << size;
  }
  EXPECT_EQ(Write({"a"}), one);
}

TEST_F(ResultStoreTest, LinesThatSomethingElseMadeAreRefused) {
  const std::string bytes = Write({"a"});
  for (const Json& other :
       {Json{{"site", "resid"}, {"seed", 4}}, Json{{"site", "resid"}}, Json::object(), Json()}) {
    EXPECT_THAT(ErrorOf([&] { ResultStore(file_, other); }),
                AllOf(HasSubstr(file_.string()), HasSubstr("line 1"), HasSubstr("--out")));
    EXPECT_EQ(Bytes(), bytes);
  }
  EXPECT_EQ(ResultStore(file_, {{"seed", 3}, {"site", "resid"}}).size(), 1u)
      << "in whichever order options are named";
}

TEST_F(ResultStoreTest, LinesOfAnotherRunAreReplacedWhereThatIsAskedFor) {
  Write({"a"});
  EXPECT_EQ(ResultStore(file_, made_by_, OtherRuns::kReplace).size(), 1u) << "its own stay";
  const Json other = {{"seed", 4}};
  EXPECT_EQ(ResultStore(file_, other, OtherRuns::kReplace).size(), 0u);
  ResultStore(file_, other).Append("b", {{"text", "b"}});
  EXPECT_EQ(ResultStore(file_, other).size(), 1u);
}

TEST_F(ResultStoreTest, OneForeignLineIsEnough) {
  const std::string own = Write({"a"});
  ResultStore(folder_ / "other.jsonl", Json{{"seed", 4}}).Append("b", {{"text", "b"}});
  ExpectRefused(own + ReadFile(folder_ / "other.jsonl") +
                own.substr(0, 9));  // not even the cut-off line goes
}

// It may be another program's file. Among lines of the run, what is no JSON is damage.
TEST_F(ResultStoreTest, GarbageIsRefused) {
  const std::string own = Write({"a"});
  for (const char* garbage : {"{}\n", "[1]\n", "7\n", "{\"text\": \"a\"}\n"}) {
    ExpectRefused(garbage);
    ExpectRefused(own + garbage);
  }
  for (const char* garbage : {"garbage\n", "\n", "\xff\xfe\n"}) ExpectRefused(garbage);
}

TEST_F(ResultStoreTest, DigestOfAnotherTypeIsRefused) {
  for (const char* line : {"{\"made_by\": 3}\n", "{\"made_by\": null}\n",
                           "{\"made_by\": [\"x\"]}\n", "{\"made_by\": {\"site\": \"resid\"}}\n"})
    ExpectRefused(line);
}

// Not every text without a line's end is the beginning of one of ours.
TEST_F(ResultStoreTest, ForeignTextWithoutALinesEndIsNotThrownAway) {
  for (const char* text :
       {"my notes on this run", "[1, 2", "\x89PNG", R"({"a": 1})",
        R"({"made_by":"0123456789abcdef","check":"0123456789abcdef","item":"a"})"})
    ExpectRefused(text);
}

// Any byte of a line may be damaged.
TEST_F(ResultStoreTest, NoDamagedByteOfALineIsTaken) {
  ResultStore(file_, made_by_).Append("hill", {{"metres", 1234.5}, {"probs", {0.25, 0.5}}});
  const std::string line = Bytes(), both = Write({"a"});
  for (size_t i = 0; i + 1 < line.size(); ++i) {
    std::string damaged = both;
    damaged[i] = damaged[i] == '1' ? '2' : '1';
    WriteFile(file_, damaged);
    try {
      EXPECT_EQ(ResultStore(file_, made_by_).Find("hill"), nullptr) << damaged;
    } catch (const Error&) {  // it looks like a line of another version
      EXPECT_EQ(Bytes(), damaged);
    }
  }
}

// A copy of an output folder may be made of links.
TEST_F(ResultStoreTest, FilesOfSeveralNamesAreNotChangedUnderTheOther) {
  const std::string before = Write({"a"});
  for (const bool hard : {false, true}) {
    const std::filesystem::path copy = folder_ / (hard ? "hard.jsonl" : "soft.jsonl");
    if (hard) std::filesystem::create_hard_link(file_, copy);
    else std::filesystem::create_symlink(file_, copy);
    ResultStore(copy, made_by_).Append("b", {{"text", "b"}});
    EXPECT_EQ(Bytes(), before);
    EXPECT_EQ(ResultStore(copy, made_by_).size(), 2u);
  }
}

TEST_F(ResultStoreTest, TextsOfAnyKindAreOneLine) {
  const std::vector<std::string> texts = {
      "two\nlines\r\n",     "\"{}\\", "\u00e9 \u65e5\u672c \U0001f600", "\u2028",
      std::string(1, '\0'), ""};
  const std::string bytes = Write(texts);
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), '\n'), static_cast<int64_t>(texts.size()));
  EXPECT_EQ(Kept(texts), texts);
}

TEST_F(ResultStoreTest, BytesThatAreNoUtf8AreReplaced) {
  Write({"a\xff"});
  EXPECT_EQ(Kept({"a\ufffd"}), std::vector<std::string>{"a\ufffd"});
  ResultStore(folder_ / "x.jsonl", Json{{"relations", "\xff"}}).Append("b", {{"text", "b"}});
  EXPECT_EQ(ResultStore(folder_ / "x.jsonl", Json{{"relations", "\xff"}}).size(), 1u);
}

TEST_F(ResultStoreTest, PlaceThatCannotBeWrittenIsAnErrorAtOnce) {
  WriteFile(folder_ / "file", "as it was");
  EXPECT_THAT(ErrorOf([&] { ResultStore(folder_ / "file/results.jsonl", made_by_); }),
              HasSubstr("cannot be written"));
  EXPECT_THAT(ErrorOf([&] { ResultStore(folder_.path(), made_by_); }),
              HasSubstr("cannot be written"));
  EXPECT_EQ(ReadFile(folder_ / "file"), "as it was");
}

}  // namespace
}  // namespace mambascope
