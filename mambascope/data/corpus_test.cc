// Reads documents from text files and JSON Lines.
#include "mambascope/data/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> Documents(const std::vector<fs::path>& files) {
  Corpus corpus(files);
  std::vector<std::string> documents;
  while (std::optional<std::string> document = corpus.Next()) documents.push_back(*document);
  return documents;
}

class CorpusTest : public testing::Test {
 protected:
  fs::path Write(const std::string& name, const std::string& bytes) const {
    WriteFile(folder_ / name, bytes);
    return folder_ / name;
  }
  TempFolder folder_;
};

TEST_F(CorpusTest, ReadsLinesAndJsonLinesFileByFile) {
  const fs::path text = Write("a.txt", "one\n\n  two \r\n\r\nthree"),
                 lines = Write("b.jsonl", R"({"text": "f\nour", "id": 1})"
                                          "\n\n"
                                          R"({"text": ""})"
                                          "\n"
                                          R"({"text": "f\u00fcnf"})");
  EXPECT_THAT(Documents({text, lines}),
              ElementsAre("one", "  two ", "three", "f\nour", "f\u00fcnf"));
  EXPECT_THAT(Documents({lines, Write("empty.txt", ""), text}),
              ElementsAre("f\nour", "f\u00fcnf", "one", "  two ", "three"));
  EXPECT_THAT(Documents({}), ElementsAre());
}

TEST_F(CorpusTest, ErrorsNameFileAndLine) {
  const auto error = [&](const std::string& name, const std::string& bytes) {
    return ErrorOf([&] { Documents({Write(name, bytes)}); });
  };
  EXPECT_THAT(error("a.jsonl", "{\"text\": \"x\"}\n{\"text\"\n"), HasSubstr("a.jsonl: line 2"));
  EXPECT_THAT(error("a.jsonl", "\n{\"body\": \"x\"}\n"),
              HasSubstr("a.jsonl: line 2: lacks the field 'text'"));
  EXPECT_THAT(error("a.jsonl", "{\"text\": 7}\n"), HasSubstr("a.jsonl: line 1: field 'text'"));
  EXPECT_THAT(error("a.jsonl", "plain\n"), HasSubstr("a.jsonl: line 1"));
  EXPECT_THAT(error("a.txt", "x\n\xff\n"), HasSubstr("a.txt: line 2: is not UTF-8 at byte 1"));
  EXPECT_THAT(error("a.csv", "x\n"),
              HasSubstr("a.csv: is not a .txt or .jsonl file; each line of a .txt is a document"));
  EXPECT_THAT(ErrorOf([&] { Documents({folder_ / "none.txt"}); }),
              HasSubstr("none.txt: cannot be read"));
  fs::create_directory(folder_ / "dir.txt");
  EXPECT_THAT(ErrorOf([&] { Documents({folder_ / "dir.txt"}); }),
              HasSubstr("dir.txt: is a folder"));
}

TEST_F(CorpusTest, TheSummaryIsOfTheDocumentsAlone) {
  const CorpusSummary text = SummarizeCorpus({Write("a.txt", "one\ntwo\nthree\n")});
  EXPECT_EQ(text.documents, 3);
  EXPECT_THAT(text.last, ElementsAre("one", "two", "three"));
  EXPECT_EQ(
      SummarizeCorpus(
          {Write("b.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n{\"text\": \"three\"}\n")})
          .fingerprint,
      text.fingerprint);
  EXPECT_NE(SummarizeCorpus({Write("c.txt", "one\ntwo\nthree.\n")}).fingerprint, text.fingerprint);
  EXPECT_NE(SummarizeCorpus({Write("d.txt", "two\none\nthree\n")}).fingerprint, text.fingerprint);
  EXPECT_EQ(SummarizeCorpus({folder_ / "a.txt"}, 2).documents, 2);
  EXPECT_EQ(SummarizeCorpus({folder_ / "a.txt"}, 2).fingerprint,
            SummarizeCorpus({Write("e.txt", "one\ntwo\n")}).fingerprint);
}

TEST_F(CorpusTest, TheSummaryKeepsTheLast64Documents) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += std::to_string(i) + "\n";
  const CorpusSummary summary = SummarizeCorpus({Write("a.txt", bytes)});
  ASSERT_EQ(summary.last.size(), 64);
  EXPECT_EQ(summary.last.front(), "36");
  EXPECT_EQ(summary.last.back(), "99");
}

TEST_F(CorpusTest, DocumentsAreReadAsIdsUpToTheLimits) {
  const Tokenizer tokenizer = Tokenizer::Load(RepositoryFolder() / "models/demo-mamba");
  const fs::path file = Write("a.txt", "The river Nile flows on\nO\nThe river\nThe city\n");
  const std::vector<int64_t> nile =
      TokenIds(tokenizer.EncodeContinuation("The river Nile flows on"));
  EXPECT_THAT(EncodeDocument(tokenizer, "The river Nile flows on", 3),
              ElementsAre(nile[0], nile[1], nile[2]));
  EXPECT_EQ(EncodeDocument(tokenizer, "The river Nile flows on", 100), nile);
  const auto read = [&](const CorpusLimits& limits) {
    return ReadDocumentIds(tokenizer, {file}, limits);
  };
  EXPECT_EQ(read({.documents = 9, .tokens = 9}).size(), 4u);
  EXPECT_EQ(read({.documents = 2, .tokens = 9}),
            (std::vector{nile, TokenIds(tokenizer.EncodeContinuation("O"))}));
  EXPECT_EQ(read({.documents = 2, .tokens = 9, .fewest = 2}),
            (std::vector{nile, TokenIds(tokenizer.EncodeContinuation("The river"))}));
}

}  // namespace
}  // namespace mambascope
