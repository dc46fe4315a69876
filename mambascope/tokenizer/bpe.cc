#include "mambascope/tokenizer/bpe.h"

#include <fmt/format.h>

#include <queue>

#include "mambascope/error.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

uint64_t PairKey(int64_t left, int64_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
}

// A token of a word while it is being merged. Joining two symbols leaves the right one empty.
struct Symbol {
  int64_t id;
  int64_t size;  // bytes; 0: joined to an earlier symbol
  int prev;
  int next;
};

// A pair that may be joined. It is stale when one of the two has been joined to another symbol
// since.
struct Candidate {
  int64_t rank;
  int left;
  int64_t id;
  // A priority_queue pops the greatest candidate: the merge learnt first; of equal merges the
  // leftmost.
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

// Splits a merge, which is a list of two strings or two words separated by a space.
bool SplitMerge(const Json& merge, std::string_view& left, std::string_view& right) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    left = merge[0].get_ref<const std::string&>();
    right = merge[1].get_ref<const std::string&>();
    return true;
  }
  if (!merge.is_string()) return false;
  const std::string_view text = merge.get_ref<const std::string&>();
  const size_t space = text.find(' ');
  if (space == text.npos || text.find(' ', space + 1) != text.npos) return false;
  left = text.substr(0, space);
  right = text.substr(space + 1);
  return true;
}

void CheckIsBpe(const JsonNode& model) {
  if (!model.IsObject()) model.Fail("is not an object");
  if (model.Has("type")) {
    const JsonNode type = model["type"];
    if (type.String() != "BPE") type.Refuse("BPE");
  } else if (!model.Has("merges")) {
    model.Fail("has neither a type nor merges", JsonNode::Supported("BPE"));
  }
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.String(affix, "").empty()) model[affix].Refuse("null");
  }
  if (model.Has("dropout")) model["dropout"].Refuse("null");
}

}  // namespace

Bpe::Bpe(const JsonNode& model) : name_(model.Where()) {
  CheckIsBpe(model);
  ignore_merges_ = model.Flag("ignore_merges", false);
  fuse_unknown_ = model.Flag("fuse_unk", false);
  byte_fallback_ = model.Flag("byte_fallback", false);
  ReadVocab(model["vocab"]);
  ReadMerges(model["merges"]);
  unknown_ = Find(model.String("unk_token", ""));
}

void Bpe::ReadVocab(const JsonNode& vocab) {
  if (!vocab.IsObject()) vocab.Fail("is not an object of tokens and ids");
  vocab_.reserve(vocab.json().size());
  spelling_.reserve(vocab.json().size());
  for (const auto& item : vocab.json().items()) {
    const std::string& token = item.key();
    const auto entry = vocab_.emplace(token, vocab[token].Index()).first;
    spelling_[entry->second] = &entry->first;
  }
}

void Bpe::ReadMerges(const JsonNode& merges) {
  if (!merges.json().is_array()) merges.Fail("is not a list");
  merges_.reserve(merges.json().size());
  for (size_t rank = 0; rank < merges.json().size(); ++rank) {
    std::string_view left;
    std::string_view right;
    if (!SplitMerge(merges.json()[rank], left, right)) {
      merges.Elements()[rank].Fail("is not a pair of tokens",
                                   "a merge is spelled \"a b\" or [\"a\", \"b\"]");
    }
    const int64_t joined = MustFind(std::string(left).append(right), merges, rank);
    merges_[PairKey(MustFind(left, merges, rank), MustFind(right, merges, rank))] = {
        static_cast<int64_t>(rank), joined};
  }
}

int64_t Bpe::MustFind(std::string_view token, const JsonNode& merges, size_t rank) const {
  const int64_t id = Find(token);
  if (id < 0)
    merges.Elements()[rank].Fail(
        fmt::format("needs the token \"{}\", which the vocabulary lacks", token));
  return id;
}

int64_t Bpe::Find(std::string_view token) const {
  const auto found = vocab_.find(token);
  return found == vocab_.end() ? -1 : found->second;
}

const std::string* Bpe::Spelling(int64_t id) const {
  const auto found = spelling_.find(id);
  return found == spelling_.end() ? nullptr : found->second;
}

const Bpe::Merge* Bpe::FindMerge(int64_t left, int64_t right) const {
  const auto found = merges_.find(PairKey(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

bool Bpe::AppendBytes(std::string_view c, std::vector<Part>& parts) const {
  const size_t before = parts.size();
  for (const char byte : c) {
    const int64_t id = Find(fmt::format("<0x{:02X}>", static_cast<uint8_t>(byte)));
    if (id < 0) {
      parts.resize(before);
      return false;
    }
    parts.push_back({id, 1});
  }
  return true;
}

std::vector<Bpe::Part> Bpe::Spell(std::string_view word) const {
  std::vector<Part> chars;
  bool was_unknown = false;
  while (!word.empty()) {
    const std::string_view c = word.substr(0, FirstChar(word).size);
    word.remove_prefix(c.size());
    const auto size = static_cast<int64_t>(c.size());
    const int64_t id = Find(c);
    bool is_unknown = false;
    if (id >= 0) chars.push_back({id, size});
    else if (!byte_fallback_ || !AppendBytes(c, chars)) is_unknown = true;
    if (is_unknown && unknown_ < 0) {
      throw Error(fmt::format("{} has no token for the character \"{}\" (U+{:04X})", name_, c,
                              static_cast<uint32_t>(FirstChar(c).value)),
                  "the model has no unknown token");
    }
    if (is_unknown && was_unknown && fuse_unknown_) chars.back().size += size;
    else if (is_unknown) chars.push_back({unknown_, size});
    was_unknown = is_unknown;
  }
  return chars;
}

void Bpe::Encode(std::string_view word, std::vector<Part>& parts) const {
  const int64_t whole = ignore_merges_ ? Find(word) : -1;
  if (whole >= 0) return parts.push_back({whole, static_cast<int64_t>(word.size())});
  std::vector<Symbol> symbols;
  for (const Part& c : Spell(word)) {
    const int i = static_cast<int>(symbols.size());
    symbols.push_back({c.id, c.size, i - 1, i + 1});
  }
  const int end = static_cast<int>(symbols.size());
  std::priority_queue<Candidate> queue;
  const auto consider = [&](int left) {
    if (left < 0 || symbols[left].next == end) return;
    if (const Merge* merge = FindMerge(symbols[left].id, symbols[symbols[left].next].id))
      queue.push({merge->rank, left, merge->id});
  };
  for (int i = 0; i < end; ++i) consider(i);
  while (!queue.empty()) {
    const Candidate candidate = queue.top();
    queue.pop();
    Symbol& left = symbols[candidate.left];
    if (left.size == 0 || left.next == end) continue;
    Symbol& right = symbols[left.next];
    const Merge* merge = FindMerge(left.id, right.id);
    if (!merge || merge->id != candidate.id) continue;
    left = {candidate.id, left.size + right.size, left.prev, right.next};
    right.size = 0;
    if (left.next != end) symbols[left.next].prev = candidate.left;
    consider(left.prev);
    consider(candidate.left);
  }
  for (const Symbol& symbol : symbols) {
    if (symbol.size > 0) parts.push_back({symbol.id, symbol.size});
  }
}

}  // namespace mambascope
