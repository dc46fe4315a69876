// Tokens beside the vocabulary's own, such as <|endoftext|> or runs of spaces: cut out of a text
// before anything else reads it.
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
  bool single_word = false;  // only where no letter, mark or digit touches it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space after it along
  bool normalized = true;    // looked for, in its normal form, in the normalised text; else in the
                             // text as it was written
};

// Cuts added tokens out of a text: the longest at the leftmost place first.
class AddedTokenCutter {
 public:
  // The content of each token is what it looks for.
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
