// Converts a text to tokens and back.
#pragma once

#include <stdexcept>

#include "mambascope/tokenizer/tokenizer.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {

inline void UseTokenizer(const Tokenizer& tokenizer, std::string_view text) {
  const int64_t size = CountChars(text);
  std::vector<int64_t> ids;
  for (const Token& token : tokenizer.Encode(text)) {
    const bool is_inside =
        0 <= token.chars.begin && token.chars.begin <= token.chars.end && token.chars.end <= size;
    if (!is_inside) throw std::logic_error("a token lies outside its text");
    ids.push_back(token.id);
  }
  tokenizer.EncodeContinuation(text);
  tokenizer.DecodeKnown(ids);
  tokenizer.DecodeContinuation(ids);
}

}  // namespace mambascope
