// Added tokens are tokens outside the BPE vocabulary, such as <|endoftext|> or runs of spaces. They
// are cut out of a text before any other step.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mambascope/tokenizer/pieces.h"
#include "mambascope/tokenizer/regex.h"

namespace mambascope {

struct AddedToken {
  int64_t id = kNoToken;
  std::string content;
  bool special = false;      // it is no text, such as BOS
  bool single_word = false;  // matches only where no letter, mark or digit touches it
  bool lstrip = false;       // also takes the white space before it
  bool rstrip = false;       // also takes the white space after it
  // If true, its normal form is searched for in the normalised text; else it is searched for in the
  // text as written.
  bool normalized = true;
};

// Cuts added tokens out of a text, leftmost first. Of several at the same place it takes the
// longest.
class AddedTokenCutter {
 public:
  // Each token is searched for by its `content`.
  explicit AddedTokenCutter(std::vector<AddedToken> tokens);
  void Cut(Pieces& pieces) const;

 private:
  const AddedToken* LongestAt(std::string_view text) const;
  bool IsSingleWord(std::string_view before, std::string_view after) const;
  std::vector<Piece> CutText(std::string_view text) const;

  std::array<std::vector<AddedToken>, 256> by_first_byte_;  // longest first
  Regex word_char_;
};

}  // namespace mambascope
