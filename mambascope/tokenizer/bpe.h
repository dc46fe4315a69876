// Byte-pair encoding (Sennrich, Haddow & Birch, 2016, section 3.2): a word begins as single
// characters; the pair whose merge was learnt first is joined, again and again, until no pair that
// was learnt is left.
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
    int64_t size;  // bytes of the word
  };

  // The model that the field "model" describes. Throws Error for one that is no byte-level BPE, or
  // not consistent.
  explicit Bpe(const JsonNode& model);
  Bpe(const Bpe&) = delete;
  Bpe& operator=(const Bpe&) = delete;

  // The tokens of `word`, which is spelled in GPT-2's characters for bytes, appended to `parts`.
  // Takes O(n log n) for n characters. Throws Error for a byte that the vocabulary lacks.
  void Encode(std::string_view word, std::vector<Part>& parts) const;

  // The id of `token`, or -1.
  int64_t Find(std::string_view token) const;
  // The vocabulary's spelling of `id`, or null.
  const std::string* Spelling(int64_t id) const;
  int64_t size() const { return static_cast<int64_t>(vocab_.size()); }

 private:
  struct Merge {
    int64_t rank;
    int64_t id;  // of the joined pair
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

  std::string name_;                                          // for Errors
  Vocab vocab_;                                               // token -> id
  std::unordered_map<int64_t, const std::string*> spelling_;  // id -> token
  std::array<int64_t, kByteSpellingsEnd>
      char_ids_{};                              // id of each character that spells a byte, or -1
  std::unordered_map<uint64_t, Merge> merges_;  // left id << 32 | right id
  int64_t unknown_ = -1;       // stands for a byte that the vocabulary lacks; -1: there is none
  bool fuse_unknown_ = false;  // one unknown token for several such bytes in a row
  bool ignore_merges_ =
      false;  // a word that is in the vocabulary is one token, whatever its merges
};

}  // namespace mambascope
