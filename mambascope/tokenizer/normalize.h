// The normaliser of a tokenizer: nothing, or Unicode's canonical composition NFC (UAX #15).
#pragma once

#include <string>

#include "mambascope/tokenizer/json_node.h"
#include "mambascope/tokenizer/pieces.h"

namespace mambascope {

// The normaliser that the field "normalizer" asks for: null, NFC, or a Sequence of these. Throws
// Error for any other.
enum class Normalizer { kNone, kNfc };
Normalizer ReadNormalizer(const JsonNode& node);

// Normalises every piece that is no added token. A composed character comes from the first of the
// characters it is composed of.
void Normalize(Normalizer normalizer, Pieces& pieces);

// Unicode's compatibility decomposition NFKD. REQUIRES: `text` is UTF-8.
std::string Nfkd(const std::string& text);

}  // namespace mambascope
