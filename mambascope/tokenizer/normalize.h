// The normaliser of a tokenizer rewrites the text before it is cut into words.
//
//   NFC, NFD, NFKC, NFKD  Unicode's normal forms (UAX #15)
//   Lowercase             lower-cases each character on its own
//   Strip                 strips white space at the ends
//   Prepend               adds a text before it, as SentencePiece adds a space
//   Replace               replaces the matches of a pattern
//   Sequence              applies several normalisers in order
//
// Each part of a text between added tokens is normalised on its own.
#pragma once

#include <memory>
#include <string>

#include "mambascope/tokenizer/json_node.h"
#include "mambascope/tokenizer/pieces.h"

namespace mambascope {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // Normalises every piece that is not an added token. A composed character is aligned to the first
  // of the characters that it is composed of. A prepended text is aligned to the first character, a
  // replacement to the last character that it replaces.
  virtual void Apply(Pieces& pieces) const = 0;
};

// Reads the field "normalizer"; null gives a normaliser that does nothing. Throws Error for a type
// that is not supported.
std::unique_ptr<Normalizer> ReadNormalizer(const JsonNode& node);

// Returns Unicode's compatibility decomposition NFKD. REQUIRES: `text` is UTF-8.
std::string Nfkd(const std::string& text);

}  // namespace mambascope
