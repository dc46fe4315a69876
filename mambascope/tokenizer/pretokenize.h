// The pre-tokenizer of a tokenizer cuts a text into words, which are then tokenized one by one.
//
//   ByteLevel    cuts by GPT-2's pattern unless use_regex is false; spells bytes as GPT-2 does
//   Metaspace    spells a space as SentencePiece does, usually U+2581; cuts before it unless split
//                is false; may add one at the beginning
//   Split        cuts at the matches of a pattern
//   Digits       cuts at digits
//   Punctuation  cuts at punctuation characters
//   Sequence     applies several steps in order; each sees the pieces and spelling of the last
#pragma once

#include <memory>

#include "mambascope/tokenizer/json_node.h"
#include "mambascope/tokenizer/pieces.h"

namespace mambascope {

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // Cuts the pieces that are not added tokens, and may respell them.
  virtual void Apply(Pieces& pieces) const = 0;
};

// Reads the field "pre_tokenizer"; null gives a pre-tokenizer that does nothing. Throws Error for a
// type that is not supported.
std::unique_ptr<PreTokenizer> ReadPreTokenizer(const JsonNode& node);
// Whether the pre-tokenizer `node` has a ByteLevel step.
bool HasByteLevelStep(const JsonNode& node);

}  // namespace mambascope
