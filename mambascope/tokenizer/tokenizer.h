// Tokenizer converts text to tokens and back as the checkpoint's tokenizer.json specifies. It
// supports BPE of two kinds. Byte-level BPE is used by GPT-2, GPT-NeoX, Llama-3, Qwen2 and Falcon.
// SentencePiece's BPE is used by Llama-2, Mistral and Gemma.
//
//   Tokenizer tokenizer = Tokenizer::Load("models/demo-mamba");
//   for (const Token& t : tokenizer.Encode("The Eiffel Tower is in"))
//     fmt::print("{} {}\n", t.id, t.text);
//
// The steps are those of the Hugging Face tokenizers library. Added tokens are cut out of the text.
// The rest is normalised and split into words. Byte-level BPE spells it in bytes; SentencePiece's
// BPE spells a space as U+2581 and may add one before the text. Then pairs are merged one by one. A
// template may add special tokens such as BOS.
//
// Ids and character offsets equal those of the Hugging Face library, except for characters that are
// new to Unicode. This tokenizer uses the Unicode versions of Oniguruma and utf8proc; the library
// uses those of its crates (Unicode 9 for normal forms, 8 for Punctuation). A character that no
// token covers is an Error here; the library leaves it out.
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

// Copies share their tables.
class Tokenizer {
 public:
  // Reads a tokenizer.json, a GPT-2 vocab.json (with merges.txt beside it), or a folder that holds
  // either. If a tokenizer_config.json beside the file has "add_bos_token": true, its bos_token
  // begins every text, unless the post-processor already adds special tokens. Throws Error for a
  // missing file and for a model, normaliser, pre-tokenizer, post-processor or decoder that is not
  // supported.
  static Tokenizer Load(const std::filesystem::path& file_or_folder);
  // Whether `folder` holds a tokenizer that Load can find.
  static bool Exists(const std::filesystem::path& folder);
  // Returns the files that Load would read; empty when there is no tokenizer.
  static std::vector<std::filesystem::path> Files(const std::filesystem::path& file_or_folder);

  // Returns the tokens of `text` (UTF-8), including the special tokens that the checkpoint's
  // template adds (BOS for Llama-3; none for most models). Throws Error for text that is not UTF-8.
  // Also throws for a character that the vocabulary lacks when there is no unknown token.
  std::vector<Token> Encode(std::string_view text) const;
  // Like Encode, without the special tokens that the template adds.
  std::vector<Token> EncodeBare(std::string_view text) const;
  // Returns the tokens of `text` after another text. No special tokens are added, and no space is
  // added or stripped at its beginning: " Paris" has the tokens that end "The city is Paris".
  std::vector<Token> EncodeContinuation(std::string_view text) const;
  // Returns the tokens of an answer after a prompt. A text that does not begin with a space gets
  // one. An empty text has no tokens.
  std::vector<Token> EncodeAnswer(const std::string& text) const;
  // Returns the text that `ids` begin, without the space that the tokenizer adds before it. Bytes
  // that are not UTF-8 become U+FFFD. Special tokens appear as text. Throws Error for an id that
  // the tokenizer lacks.
  std::string Decode(std::span<const int64_t> ids) const;
  // Like Decode, but skips ids that the tokenizer lacks. A model with a padded vocabulary can
  // generate such ids.
  std::string DecodeKnown(std::span<const int64_t> ids) const;
  // Like DecodeKnown, for ids that follow other ids. A space at the beginning stays.
  std::string DecodeContinuation(std::span<const int64_t> ids) const;
  // Returns the text of one token alone, with the space that it begins with. Returns nothing for an
  // id that the tokenizer lacks, as in a padded vocabulary.
  std::optional<std::string> DecodeToken(int64_t id) const;
  // Returns the ids that begin a text: the special tokens that Encode puts before it, or else the
  // token <|endoftext|>, as GPT-like models have it. Returns none where there is neither.
  std::vector<int64_t> BeginOfText() const;
  // Whether `id` is a special token, which is no text, such as BOS.
  bool IsSpecial(int64_t id) const;
  // Number of ids, including added tokens.
  int64_t vocab_size() const;

 private:
  struct Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace mambascope
