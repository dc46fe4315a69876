// The pre-tokenizer of a tokenizer: what cuts a text into words, which are then tokenized one by
// one.
//
//   ByteLevel    respells the text in GPT-2's characters for bytes, and cuts it by GPT-2's pattern
//   first unless use_regex is false Split        cuts at the matches of a pattern;  Digits,
//   Punctuation  cut at those characters Sequence     one after the other: the next sees the
//   pieces, and the spelling, that the last one left
#pragma once

#include <memory>

#include "mambascope/tokenizer/json_node.h"
#include "mambascope/tokenizer/pieces.h"

namespace mambascope {

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // Cuts, and perhaps respells, the pieces that are no added tokens.
  virtual void Apply(Pieces& pieces) const = 0;
};

// The pre-tokenizer that the field "pre_tokenizer" describes. Throws Error for one that is not
// known, and for one without ByteLevel, which no byte-level vocabulary can do without.
std::unique_ptr<PreTokenizer> ReadPreTokenizer(const JsonNode& node);

}  // namespace mambascope
