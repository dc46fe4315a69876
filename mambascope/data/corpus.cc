#include "mambascope/data/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/checkpoint/json.h"
#include "mambascope/error.h"
#include "mambascope/tokenizer/json_node.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

constexpr size_t kLast = 64;

}  // namespace

namespace fs = std::filesystem;

Corpus::Corpus(std::vector<fs::path> files) : files_(std::move(files)) {
  for (const fs::path& file : files_) {
    if (file.extension() != ".txt" && file.extension() != ".jsonl")
      throw Error(
          fmt::format("{}: is not a .txt or .jsonl file", file.string()),
          "each line of a .txt is a document; each line of a .jsonl has one in its field 'text'");
    RequireFile(file);
    if (!std::ifstream(file))
      throw Error(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
  }
  if (!files_.empty()) Open();
}

void Corpus::Open() {
  line_ = 0;
  stream_ = std::ifstream(files_[file_], std::ios::binary);
}

std::optional<std::string> Corpus::Next() {
  for (std::string line; file_ < files_.size();) {
    const fs::path& file = files_[file_];
    if (!std::getline(stream_, line)) {
      if (stream_.bad())
        throw Error(fmt::format("{}: cannot be read after line {}", file.string(), line_));
      if (++file_ < files_.size()) Open();
      continue;
    }
    ++line_;
    if (line.ends_with('\r')) line.pop_back();
    const std::string where = fmt::format("{}: line {}", file.string(), line_);
    if (const size_t at = FindInvalidUtf8(line); at != line.npos)
      throw Error(fmt::format("{}: is not UTF-8 at byte {}", where, at + 1));
    if (line.empty()) continue;
    if (file.extension() == ".jsonl") {
      const Json document = ParseJson(line, where);
      line = JsonNode(document, where)["text"].String();
    }
    if (!line.empty()) return line;
  }
  return std::nullopt;
}

CorpusSummary SummarizeCorpus(const std::vector<fs::path>& files, int64_t limit) {
  Corpus corpus(files);
  CorpusSummary summary;
  while (limit == 0 || summary.documents < limit) {
    const std::optional<std::string> document = corpus.Next();
    if (!document) break;
    ++summary.documents;
    summary.fingerprint = FingerprintText(summary.fingerprint + *document);
    summary.last.push_back(*document);
    if (summary.last.size() > kLast) summary.last.pop_front();
  }
  return summary;
}

std::vector<int64_t> EncodeDocument(const Tokenizer& tokenizer, const std::string& document,
                                    int64_t most) {
  std::vector<int64_t> ids = TokenIds(tokenizer.Encode(document));
  ids.resize(std::min(ids.size(), static_cast<size_t>(most)));
  return ids;
}

std::vector<std::vector<int64_t>> ReadDocumentIds(const Tokenizer& tokenizer,
                                                  const std::vector<fs::path>& files,
                                                  const CorpusLimits& limits) {
  Corpus corpus(files);
  std::vector<std::vector<int64_t>> documents;
  while (static_cast<int64_t>(documents.size()) < limits.documents) {
    const std::optional<std::string> document = corpus.Next();
    if (!document) break;
    std::vector<int64_t> ids = EncodeDocument(tokenizer, *document, limits.tokens);
    if (static_cast<int64_t>(ids.size()) >= limits.fewest) documents.push_back(std::move(ids));
  }
  return documents;
}

}  // namespace mambascope
