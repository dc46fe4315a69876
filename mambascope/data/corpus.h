// Documents of a text, one after the other: what statistics are taken over.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// Reads files one line at a time. Of a .txt each line is a document; of a .jsonl (JSON lines, as
// the Hugging Face data sets are exported) the field "text" of each line. Empty lines and documents
// are skipped.
class Corpus {
 public:
  // Throws Error for a file of another extension, and for one that cannot be read.
  explicit Corpus(std::vector<std::filesystem::path> files);

  // The next document, or none at the end of the last file. Throws Error, which names the file and
  // the line, for a line that is no UTF-8, no JSON, or lacks a text.
  std::optional<std::string> Next();

 private:
  void Open();

  std::vector<std::filesystem::path> files_;
  size_t file_ = 0;   // the one that is open
  int64_t line_ = 0;  // the last that was read
  std::ifstream stream_;
};

// What a corpus holds.
struct CorpusSummary {
  int64_t documents = 0;
  std::string fingerprint;       // of all their texts, in order
  std::deque<std::string> last;  // the last of them, up to 64
};

// Reads the first `limit` documents (0: all), and so finds whatever is wrong with them before work
// on them begins. Throws as Corpus does.
CorpusSummary SummarizeCorpus(const std::vector<std::filesystem::path>& files, int64_t limit = 0);

// A document as token ids, the first `most` of them. They begin with the tokenizer's own BOS.
std::vector<int64_t> EncodeDocument(const Tokenizer& tokenizer, const std::string& document,
                                    int64_t most);

// How much of a corpus is read.
struct CorpusLimits {
  int64_t documents;   // at most
  int64_t tokens;      // of a document, at most
  int64_t fewest = 1;  // tokens of a document; shorter ones are skipped, and not counted
};

// The first documents, as token ids. Throws Error as Corpus does.
std::vector<std::vector<int64_t>> ReadDocumentIds(const Tokenizer& tokenizer,
                                                  const std::vector<std::filesystem::path>& files,
                                                  const CorpusLimits& limits);

}  // namespace mambascope
