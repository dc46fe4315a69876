// Byte-pair encoding (Sennrich, Haddow & Birch, 2016, section 3.2). A word starts as single
// characters. Repeatedly, of all adjacent pairs that have a merge, the pair whose merge was learnt
// first is joined. A character that the vocabulary lacks starts as its bytes, if the model has
// byte_fallback and the vocabulary has the tokens <0x00> to <0xFF>. Else it starts as the unknown
// token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

class Bpe {
 public:
  struct Part {
    int64_t id;
    int64_t size;  // length of the part in bytes of the word
  };

  // Reads the field "model" of a tokenizer.json. Throws Error when it is not a BPE or is
  // inconsistent.
  explicit Bpe(const JsonNode& model);
  Bpe(const Bpe&) = delete;
  Bpe& operator=(const Bpe&) = delete;

  // Appends the tokens of `word` (UTF-8) to `parts`. Takes O(n log n) for n characters. Throws
  // Error for a character that no token covers.
  void Encode(std::string_view word, std::vector<Part>& parts) const;

  // Returns the id of `token`, or -1.
  int64_t Find(std::string_view token) const;
  // Returns the vocabulary's spelling of `id`, or null.
  const std::string* Spelling(int64_t id) const;
  int64_t size() const { return static_cast<int64_t>(vocab_.size()); }

 private:
  struct Merge {
    int64_t rank;
    int64_t id;  // id of the joined pair
  };
  struct HashString {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Vocab = std::unordered_map<std::string, int64_t, HashString, std::equal_to<>>;

  void ReadVocab(const JsonNode& vocab);
  void ReadMerges(const JsonNode& merges);
  int64_t MustFind(std::string_view token, const JsonNode& merges, size_t rank) const;
  std::vector<Part> Spell(std::string_view word) const;
  // Appends the byte tokens of `c`. Returns false when the vocabulary lacks one.
  bool AppendBytes(std::string_view c, std::vector<Part>& parts) const;
  const Merge* FindMerge(int64_t left, int64_t right) const;

  std::string name_;                                          // of the model, for Errors
  Vocab vocab_;                                               // token -> id
  std::unordered_map<int64_t, const std::string*> spelling_;  // id -> token
  std::unordered_map<uint64_t, Merge> merges_;                // left id << 32 | right id
  // Id of the token for a character that the vocabulary lacks; -1: none.
  int64_t unknown_ = -1;
  bool fuse_unknown_ = false;   // consecutive unknown characters give one unknown token
  bool byte_fallback_ = false;  // an unknown character gives one token for each of its bytes
  // If true, a word that is in the vocabulary is one token, whatever its merges.
  bool ignore_merges_ = false;
};

}  // namespace mambascope
