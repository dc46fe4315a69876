// The decoder of a tokenizer turns the spellings of tokens into text.
//
//   ByteLevel     reads GPT-2's spelling of bytes
//   Metaspace     reads SentencePiece's spelling of spaces
//   ByteFallback  reads the byte tokens <0x00> to <0xFF>
//   Replace       replaces the matches of a pattern
//   Strip         strips a character from the ends of each token
//   Fuse          joins all tokens; later steps see one token
//   Sequence      applies several steps in order
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

// Where the tokens stand. At the beginning of a text, the decoder strips the space that the
// tokenizer added there. A continuation follows other tokens and keeps its first space.
enum class TextPart { kBeginning, kContinuation };

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Rewrites the tokens in place. Their concatenation after the last step is the text (UTF-8).
  virtual void Apply(TextPart part, std::vector<std::string>& tokens) const = 0;
};

// Reads the field "decoder". Throws Error for null and for a type that is not supported.
std::unique_ptr<Decoder> ReadDecoder(const JsonNode& node);
// Whether the decoder `node` has a ByteLevel step.
bool HasByteLevelDecoder(const JsonNode& node);

}  // namespace mambascope
