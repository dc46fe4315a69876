// Text <-> tokens, as the checkpoint's own tokenizer.json says: byte-level BPE of the GPT-2,
// GPT-NeoX, Llama-3, Qwen2 and Falcon kind.
//
//   Tokenizer tokenizer = Tokenizer::Load("models/demo-mamba");
//   for (const Token& t : tokenizer.Encode("The Eiffel Tower is in")) fmt::print("{} {}\n", t.id,
//   t.text);
//
// The steps are those of the Hugging Face tokenizers library, and so are the results, to the id and
// the character offset: added tokens are cut out of the text; the rest is normalised (NFC where
// asked), split into words by a regular expression, spelled in bytes, merged pair by pair; a
// template may add special tokens such as BOS. Only for characters that are new to Unicode do the
// two differ: our Unicode is that of Oniguruma and utf8proc, theirs is that of their crates (9 for
// NFC, 8 for Punctuation).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mambascope/tokenizer/token.h"

namespace mambascope {

class Tokenizer {
 public:
  // Reads a tokenizer.json, a GPT-2 vocab.json (with merges.txt beside it), or a folder that holds
  // either. Throws Error for a missing file, and for a model, normaliser, pre-tokeniser or
  // post-processor it does not know.
  static Tokenizer Load(const std::filesystem::path& file_or_folder);
  // Whether `folder` holds a tokenizer that Load would read.
  static bool Exists(const std::filesystem::path& folder);
  // The files that Load would read; none where there is no tokenizer.
  static std::vector<std::filesystem::path> Files(const std::filesystem::path& file_or_folder);

  Tokenizer(Tokenizer&&) noexcept;
  ~Tokenizer();

  // The tokens of `text` (UTF-8), with the special tokens that the checkpoint's template adds (BOS
  // for Llama-3; none for most). Throws Error for text that is no UTF-8, and for a byte that
  // neither the vocabulary nor an unknown token can spell.
  std::vector<Token> Encode(std::string_view text) const;
  // The tokens of `text` alone: for answers and other continuations.
  std::vector<Token> EncodeContinuation(std::string_view text) const;
  // The text that `ids` spell. Bytes that are no UTF-8 become U+FFFD. Special tokens are spelled
  // out. Throws Error for an id that the tokenizer lacks.
  std::string Decode(std::span<const int64_t> ids) const;
  // The same without the ids that the tokenizer lacks, which models that pad their vocabulary can
  // generate.
  std::string DecodeKnown(std::vector<int64_t> ids) const;
  // The text of one token alone; none for an id that the tokenizer lacks, as models that pad their
  // vocabulary have.
  std::optional<std::string> DecodeToken(int64_t id) const;
  // Number of ids, added tokens included.
  int64_t vocab_size() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mambascope
