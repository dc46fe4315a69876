// A text on its way to tokens. Each step rewrites or cuts it. Each byte records which character of
// the original text it comes from.
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
  // [bytes.size()] For each byte, the code point of the original text that it comes from.
  std::vector<int64_t> origin;
  // Whether the original text continues another text, as an answer continues a prompt. Then no step
  // adds or strips a space at its beginning.
  bool continues = false;
  // Most bytes that the steps may make of the original text.
  size_t most = std::string::npos;

  void Append(std::string_view more, int64_t from) {
    CheckGrowth(more.size());
    bytes += more;
    origin.insert(origin.end(), more.size(), from);
  }
  void Append(const AlignedText& other, Span span) {
    CheckGrowth(Slice(other.bytes, span).size());
    bytes += Slice(other.bytes, span);
    origin.insert(origin.end(), other.origin.begin() + span.begin, other.origin.begin() + span.end);
  }
  // Appends a text that is put before the byte `at` of `other`, aligned to that byte's character.
  void AppendPrefix(std::string_view prefix, const AlignedText& other, int64_t at) {
    Append(prefix, other.origin[static_cast<size_t>(at)]);
  }
  int64_t size() const { return static_cast<int64_t>(bytes.size()); }
  // Whether the byte `at` comes from the first character of the original text.
  bool IsFirst(int64_t at) const { return origin[static_cast<size_t>(at)] == 0; }
  // Whether a step may add or strip a space before the byte `at`.
  bool IsOpenBefore(int64_t at) const { return !(continues && IsFirst(at)); }

 private:
  void CheckGrowth(size_t more) const {
    if (more > most - bytes.size()) RefuseGrowth();
  }
  [[noreturn]] void RefuseGrowth() const;
};

inline constexpr int64_t kNoToken = -1;

// A range of bytes that is tokenized on its own.
struct Piece {
  Span bytes;
  int64_t token = kNoToken;  // id of the added token that this piece is; later steps skip it
};

struct Pieces {
  AlignedText text;
  std::vector<Piece> pieces;  // in reading order, none empty

  // The original text as one piece. REQUIRES: `original` is valid UTF-8.
  explicit Pieces(std::string_view original);
  Pieces() = default;

  std::string_view Bytes(const Piece& piece) const { return Slice(text.bytes, piece.bytes); }
  // Adds a piece unless `bytes` is empty.
  void Add(Span bytes, int64_t token = kNoToken) {
    if (bytes.begin < bytes.end) pieces.push_back({bytes, token});
  }
  // Returns the code points of the original text that the bytes come from. REQUIRES: `bytes` is not
  // empty.
  Span Origin(Span bytes) const {
    return {text.origin[static_cast<size_t>(bytes.begin)],
            text.origin[static_cast<size_t>(bytes.end) - 1] + 1};
  }

  // Cuts every piece that is not an added token. `cut` takes the bytes of the piece and returns the
  // parts, as byte ranges relative to the piece.
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

  // Rewrites every piece that is not an added token by `rewrite(text, bytes of the piece, out)`,
  // which appends the replacement to `out`.
  template <typename RewritePiece>
  void Rewrite(RewritePiece rewrite) {
    Pieces rewritten;
    rewritten.text.continues = text.continues;
    rewritten.text.most = text.most;
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
