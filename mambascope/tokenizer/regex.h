// Oniguruma, the regular expressions of the Hugging Face tokenizers library, over UTF-8. The same
// engine, so that \s, \p{L} and look-ahead mean the same.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mambascope/tokenizer/token.h"

struct re_pattern_buffer;  // Oniguruma's compiled pattern

namespace mambascope {

class Regex {
 public:
  // Throws Error when `pattern` (UTF-8) is no regular expression; `name` says where it stands.
  Regex(const std::string& pattern, const std::string& name);
  // The pattern that matches `text` literally.
  static std::string Escape(std::string_view text);

  // All matches in `text`, in bytes, left to right and not overlapping. An empty match right after
  // another match is left out. REQUIRES: `text` is valid UTF-8. Throws Error when the engine gives
  // up.
  std::vector<Span> Matches(std::string_view text) const;

 private:
  struct Free {
    void operator()(re_pattern_buffer* compiled) const;
  };
  std::string pattern_;
  std::unique_ptr<re_pattern_buffer, Free> compiled_;
};

}  // namespace mambascope
