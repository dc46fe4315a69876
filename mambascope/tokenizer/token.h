// Token, and Span for ranges of tokens, characters and layers.
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
  // The vocabulary's spelling, e.g. "\u0120Paris". For an added token it includes the white space
  // that the token took.
  std::string text;
  // Code points of the original text. Empty at 0 for tokens that the template adds.
  Span chars;
};

std::vector<int64_t> TokenIds(const std::vector<Token>& tokens);

}  // namespace mambascope
