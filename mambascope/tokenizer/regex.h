// Regular expressions over UTF-8, matched by Oniguruma. The Hugging Face tokenizers library uses
// the same engine, so \s, \p{L} and look-ahead mean the same.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mambascope/tokenizer/json_node.h"
#include "mambascope/tokenizer/token.h"

struct re_pattern_buffer;  // Oniguruma's compiled pattern

namespace mambascope {

class Regex {
 public:
  // Throws Error when `pattern` (UTF-8) is not a regular expression; the message starts with
  // `name`.
  Regex(const std::string& pattern, const std::string& name);
  // Returns a pattern that matches `text` literally.
  static std::string Escape(std::string_view text);

  // Returns all matches in `text` as byte ranges, left to right and not overlapping. An empty match
  // right after another match is left out. REQUIRES: `text` is valid UTF-8. Throws Error when the
  // engine fails, for example at its limit of steps.
  std::vector<Span> Matches(std::string_view text) const;

 private:
  struct Free {
    void operator()(re_pattern_buffer* compiled) const;
  };
  std::string pattern_;
  std::unique_ptr<re_pattern_buffer, Free> compiled_;
};

// Reads a pattern of a tokenizer.json: {"Regex": ...}, or {"String": ...} for a literal text.
Regex ReadRegex(const JsonNode& node);

}  // namespace mambascope
