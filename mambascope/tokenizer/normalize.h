// The normaliser of a tokenizer: none, or Unicode's canonical composition NFC (UAX #15).
#pragma once

#include <string>

#include "mambascope/tokenizer/json_node.h"
#include "mambascope/tokenizer/pieces.h"

namespace mambascope {

// Reads the field "normalizer": null, NFC, or a Sequence of these. Throws Error for any other
// value.
enum class Normalizer { kNone, kNfc };
Normalizer ReadNormalizer(const JsonNode& node);

// Normalises every piece that is not an added token. A composed character is aligned to the first
// of the characters that it is composed of.
void Normalize(Normalizer normalizer, Pieces& pieces);

// Returns Unicode's compatibility decomposition NFKD. REQUIRES: `text` is UTF-8.
std::string Nfkd(const std::string& text);

}  // namespace mambascope
