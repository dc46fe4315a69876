// SentencePiece's spelling of spaces (Kudo & Richardson, 2018, section 3.1): a space is the
// character U+2581, so a vocabulary can hold words with the space before them.
#pragma once

#include <string>

#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

struct MetaspaceSpelling {
  std::string spelling;  // of a space: one character
  // Where a space is added before a text that does not begin with one: before every part between
  // added tokens, only at the beginning of the whole text, or nowhere.
  enum class Prepend { kAlways, kFirst, kNever } prepend = Prepend::kAlways;
};

// Reads the pre-tokenizer or decoder Metaspace. The field add_prefix_space is the old form of
// prepend_scheme. Throws Error for an unknown scheme.
MetaspaceSpelling ReadMetaspace(const JsonNode& node);

}  // namespace mambascope
