// A corpus is a sequence of documents in text files. Statistics are computed over it.
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

// Reads files line by line. In a .txt file each line is a document. In a .jsonl file (JSON Lines,
// the export format of Hugging Face data sets) each line is an object, and its field "text" is a
// document. Empty lines and empty documents are skipped.
class Corpus {
 public:
  // Throws Error for a file with another extension, a folder, and a file that cannot be read.
  explicit Corpus(std::vector<std::filesystem::path> files);

  // Returns the next document, or nothing at the end of the last file. Throws Error, which names
  // the file and the line, when a line is not UTF-8. In a .jsonl file, also throws Error for
  // invalid JSON and for a line without a text.
  std::optional<std::string> Next();

 private:
  void Open();

  std::vector<std::filesystem::path> files_;
  size_t file_ = 0;   // index of the open file
  int64_t line_ = 0;  // number of the last line read, from 1
  std::ifstream stream_;
};

// Summary of a corpus.
struct CorpusSummary {
  int64_t documents = 0;
  std::string fingerprint;       // depends on all texts and their order
  std::deque<std::string> last;  // the last documents, at most 64
};

// Reads the first `limit` documents (0: all). Call it before long work, because it finds every
// fault in these documents. Throws Error as Corpus does.
CorpusSummary SummarizeCorpus(const std::vector<std::filesystem::path>& files, int64_t limit = 0);

// Returns the first `most` token ids of a document. They begin with BOS if the tokenizer adds it.
std::vector<int64_t> EncodeDocument(const Tokenizer& tokenizer, const std::string& document,
                                    int64_t most);

// Limits on the part of a corpus that is read.
struct CorpusLimits {
  int64_t documents;   // maximum number of documents
  int64_t tokens;      // maximum tokens per document; later tokens are dropped
  int64_t fewest = 1;  // minimum tokens per document; shorter ones are skipped and not counted
};

// Returns the token ids of the first documents, up to `limits`. Throws Error as Corpus does.
std::vector<std::vector<int64_t>> ReadDocumentIds(const Tokenizer& tokenizer,
                                                  const std::vector<std::filesystem::path>& files,
                                                  const CorpusLimits& limits);

}  // namespace mambascope
