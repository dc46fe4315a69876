// A token of a text, and ranges of tokens, characters and layers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mambascope {

// A half-open range [begin, end).
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const Span&) const = default;
};

struct Token {
  int64_t id = 0;
  std::string text;  // the vocabulary's spelling, e.g. "\u0120Paris"; for an added token, with the
                     // white space that it took along
  Span chars;  // code points of the original text; empty at 0 for tokens that the template adds
};

std::vector<int64_t> TokenIds(const std::vector<Token>& tokens);

}  // namespace mambascope
