// Byte-pair encoding (Sennrich, Haddow & Birch, 2016, section 3.2). A word starts as single
// characters. Repeatedly, of all adjacent pairs that have a merge, the pair whose merge was learnt
// first is joined.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mambascope/tokenizer/byte_level.h"
#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

class Bpe {
 public:
  struct Part {
    int64_t id;
    int64_t size;  // length of the part in bytes of the word
  };

  // Reads the field "model" of a tokenizer.json. Throws Error when it is not a byte-level BPE or is
  // inconsistent.
  explicit Bpe(const JsonNode& model);
  Bpe(const Bpe&) = delete;
  Bpe& operator=(const Bpe&) = delete;

  // Appends the tokens of `word` to `parts`. `word` is spelled in GPT-2's characters for bytes.
  // Takes O(n log n) for n characters. Throws Error for a byte that the vocabulary lacks.
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
  const Merge* FindMerge(int64_t left, int64_t right) const;

  std::string name_;                                          // of the model, for Errors
  Vocab vocab_;                                               // token -> id
  std::unordered_map<int64_t, const std::string*> spelling_;  // id -> token
  // The id of each character that spells a byte, or -1.
  std::array<int64_t, kByteSpellingsEnd> char_ids_{};
  std::unordered_map<uint64_t, Merge> merges_;  // left id << 32 | right id
  int64_t unknown_ = -1;       // id of the token for a byte that the vocabulary lacks; -1: none
  bool fuse_unknown_ = false;  // consecutive unknown bytes give one unknown token
  // If true, a word that is in the vocabulary is one token, whatever its merges.
  bool ignore_merges_ = false;
};

}  // namespace mambascope
