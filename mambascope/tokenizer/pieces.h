// A text on its way into tokens: rewritten and cut step by step, each byte knowing the character of
// the original it comes from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mambascope/tokenizer/token.h"

namespace mambascope {

// The bytes [span.begin, span.end) of `bytes`.
inline std::string_view Slice(std::string_view bytes, Span span) {
  return bytes.substr(static_cast<size_t>(span.begin), static_cast<size_t>(span.end - span.begin));
}

struct AlignedText {
  std::string bytes;  // UTF-8
  std::vector<int64_t>
      origin;  // [bytes.size()] the code point of the original text that each byte comes from

  void Append(std::string_view more, int64_t from) {
    bytes += more;
    origin.insert(origin.end(), more.size(), from);
  }
  void Append(const AlignedText& other, Span span) {
    bytes += Slice(other.bytes, span);
    origin.insert(origin.end(), other.origin.begin() + span.begin, other.origin.begin() + span.end);
  }
  int64_t size() const { return static_cast<int64_t>(bytes.size()); }
};

inline constexpr int64_t kNoToken = -1;

// Bytes of the text that are tokenized by themselves.
struct Piece {
  Span bytes;
  int64_t token = kNoToken;  // the added token that this is, which no later step touches
};

struct Pieces {
  AlignedText text;
  std::vector<Piece> pieces;  // in reading order, none empty

  // The original text as one piece. REQUIRES: `original` is valid UTF-8
  explicit Pieces(std::string_view original);
  Pieces() = default;

  std::string_view Bytes(const Piece& piece) const { return Slice(text.bytes, piece.bytes); }
  // Adds a piece unless it is empty.
  void Add(Span bytes, int64_t token = kNoToken) {
    if (bytes.begin < bytes.end) pieces.push_back({bytes, token});
  }
  // The code points of the original that the bytes come from. REQUIRES: `bytes` is not empty
  Span Origin(Span bytes) const {
    return {text.origin[static_cast<size_t>(bytes.begin)],
            text.origin[static_cast<size_t>(bytes.end) - 1] + 1};
  }

  // Cuts every piece that is no added token into those that `cut(bytes of the piece)` returns:
  // pieces in bytes of that piece.
  template <typename CutPiece>
  void Cut(CutPiece cut) {
    std::vector<Piece> old = std::move(pieces);
    pieces.clear();
    for (const Piece& piece : old) {
      if (piece.token != kNoToken) {
        pieces.push_back(piece);
        continue;
      }
      for (const Piece& part : cut(Bytes(piece))) {
        Add({piece.bytes.begin + part.bytes.begin, piece.bytes.begin + part.bytes.end}, part.token);
      }
    }
  }

  // Rewrites every piece that is no added token by `rewrite(text, bytes of the piece, where to
  // append what replaces them)`.
  template <typename RewritePiece>
  void Rewrite(RewritePiece rewrite) {
    Pieces rewritten;
    for (const Piece& piece : pieces) {
      const int64_t begin = rewritten.text.size();
      if (piece.token == kNoToken) rewrite(text, piece.bytes, rewritten.text);
      else rewritten.text.Append(text, piece.bytes);
      rewritten.Add({begin, rewritten.text.size()}, piece.token);
    }
    *this = std::move(rewritten);
  }
};

}  // namespace mambascope
