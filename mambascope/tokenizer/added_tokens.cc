#include "mambascope/tokenizer/added_tokens.h"

#include <algorithm>

#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
// The pattern is \w as UTS #18 and Rust's regex define it. Oniguruma's own \w lacks letters such as
// U+24D0, the circled a.
AddedTokenCutter::AddedTokenCutter(std::vector<AddedToken> tokens)
    : word_char_(R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}])", "added tokens") {
  for (AddedToken& token : tokens) {
    if (!token.content.empty())
      by_first_byte_[static_cast<uint8_t>(token.content[0])].push_back(std::move(token));
  }
  for (auto& bucket : by_first_byte_) {
    std::stable_sort(bucket.begin(), bucket.end(), [](const AddedToken& a, const AddedToken& b) {
      return a.content.size() > b.content.size();
    });
  }
}

const AddedToken* AddedTokenCutter::LongestAt(std::string_view text) const {
  for (const AddedToken& token : by_first_byte_[static_cast<uint8_t>(text[0])]) {
    if (text.starts_with(token.content)) return &token;
  }
  return nullptr;
}

bool AddedTokenCutter::IsSingleWord(std::string_view before, std::string_view after) const {
  const auto is_word = [this](std::string_view c) { return !word_char_.Matches(c).empty(); };
  if (!before.empty() && is_word(before.substr(before.size() - LastChar(before).size)))
    return false;
  return after.empty() || !is_word(after.substr(0, FirstChar(after).size));
}

std::vector<Piece> AddedTokenCutter::CutText(std::string_view text) const {
  std::vector<Piece> pieces;
  int64_t done = 0;
  for (size_t i = 0; i < text.size();) {
    const AddedToken* token = LongestAt(text.substr(i));
    if (!token) {
      ++i;
      continue;
    }
    const std::string_view before = text.substr(0, i);
    i += token->content.size();
    const std::string_view after = text.substr(i);
    if (token->single_word && !IsSingleWord(before, after)) continue;
    const auto begin = static_cast<int64_t>(before.size());
    int64_t start = begin;
    // White space that the previous token has taken stays with that token.
    if (token->lstrip)
      start = std::max(done, begin - TrailingSpace(Slice(text, {std::min(done, begin), begin})));
    const int64_t end = static_cast<int64_t>(i) + (token->rstrip ? LeadingSpace(after) : 0);
    if (start >= end) continue;
    if (done < start) pieces.push_back({{done, start}});
    pieces.push_back({{start, end}, token->id});
    done = end;
  }
  const auto size = static_cast<int64_t>(text.size());
  if (done < size) pieces.push_back({{done, size}});
  return pieces;
}

void AddedTokenCutter::Cut(Pieces& pieces) const {
  pieces.Cut([this](std::string_view text) { return CutText(text); });
}

}  // namespace mambascope
