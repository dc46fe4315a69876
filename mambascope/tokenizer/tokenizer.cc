#include "mambascope/tokenizer/tokenizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "mambascope/error.h"
#include "mambascope/tokenizer/added_tokens.h"
#include "mambascope/tokenizer/bpe.h"
#include "mambascope/tokenizer/decode.h"
#include "mambascope/tokenizer/gpt2_files.h"
#include "mambascope/tokenizer/json_node.h"
#include "mambascope/tokenizer/normalize.h"
#include "mambascope/tokenizer/post_process.h"
#include "mambascope/tokenizer/pretokenize.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDocument = "tokenizer.json";
constexpr const char* kVocab = "vocab.json";
constexpr const char* kMerges = "merges.txt";
constexpr const char* kConfig = "tokenizer_config.json";

std::vector<AddedToken> ReadAddedTokens(const JsonNode& list, const Bpe& bpe) {
  std::vector<AddedToken> tokens;
  if (list.IsNull()) return tokens;
  int64_t next_id = bpe.size();
  for (const JsonNode& node : list.Elements()) {
    AddedToken token;
    token.content = node["content"].String();
    token.single_word = node.Flag("single_word", false);
    token.lstrip = node.Flag("lstrip", false);
    token.rstrip = node.Flag("rstrip", false);
    token.special = node.Flag("special", false);
    token.normalized = node.Flag("normalized", !token.special);
    const auto same = std::find_if(tokens.begin(), tokens.end(), [&](const AddedToken& other) {
      return other.content == token.content;
    });
    // Like the tokenizers library, this numbers added tokens itself and ignores the field "id".
    token.id = same != tokens.end() ? same->id : bpe.Find(token.content);
    if (token.id < 0) token.id = next_id;
    next_id = std::max(next_id, token.id + 1);
    if (same != tokens.end()) *same = std::move(token);
    else if (!token.content.empty()) tokens.push_back(std::move(token));
  }
  return tokens;
}

std::vector<AddedToken> Raw(std::vector<AddedToken> tokens) {
  std::erase_if(tokens, [](const AddedToken& token) { return token.normalized; });
  return tokens;
}

std::vector<AddedToken> Normalized(std::vector<AddedToken> tokens, const Normalizer& normalizer) {
  std::erase_if(tokens, [](const AddedToken& token) { return !token.normalized; });
  for (AddedToken& token : tokens) {
    Pieces content(token.content);
    normalizer.Apply(content);
    token.content = content.text.bytes;
  }
  return tokens;
}

// Throws Error when only one of the pre-tokenizer and the decoder uses GPT-2's spelling of bytes.
void CheckByteLevel(const JsonNode& document) {
  const JsonNode pre_tokenizer = document.Optional("pre_tokenizer");
  const bool spells = HasByteLevelStep(pre_tokenizer),
             decodes = HasByteLevelDecoder(document["decoder"]);
  if (decodes && !spells)
    pre_tokenizer.Fail("has no ByteLevel step, but the decoder has one",
                       JsonNode::Supported("both or neither"));
  if (spells && !decodes)
    document["decoder"].Fail("has no ByteLevel step, but the pre-tokenizer has one",
                             JsonNode::Supported("both or neither"));
}

// Returns the BOS token that the file `config`, a tokenizer_config.json, adds to every text; empty:
// none.
std::string ReadBos(const fs::path& config) {
  if (!fs::exists(config)) return "";
  const Json document = ReadJson(config);
  const JsonNode node(document, config.string());
  if (!node.Flag("add_bos_token", false) || !node.Has("bos_token")) return "";
  const JsonNode bos = node["bos_token"];
  return bos.IsObject() ? bos["content"].String() : bos.String();
}

void CheckUtf8(std::string_view text) {
  const size_t at = FindInvalidUtf8(text);
  if (at == text.npos) return;
  throw Error(fmt::format("the text is not UTF-8: byte 0x{:02X} at position {}",
                          static_cast<uint8_t>(text[at]), at),
              "save the text as UTF-8");
}

// Returns the tokenizer file that `path` means: `path` itself, or the tokenizer file in that
// folder. Returns nothing for a folder without one.
fs::path Resolve(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  if (fs::exists(path / kDocument)) return path / kDocument;
  return fs::exists(path / kVocab) && fs::exists(path / kMerges) ? path / kVocab : fs::path();
}

Json ReadDocument(const fs::path& file) {
  Json document = ReadJson(file);
  if (document.is_object() && document.contains("model") && document["model"].is_object())
    return document;
  const bool is_vocab = document.is_object() && !document.empty() &&
                        std::all_of(document.begin(), document.end(),
                                    [](const Json& id) { return id.is_number_integer(); });
  if (!is_vocab)
    throw Error(fmt::format("{}: neither a {} nor GPT-2's {}", file.string(), kDocument, kVocab));
  return FromGpt2Files(std::move(document), file);
}

}  // namespace

struct Tokenizer::Impl {
  // `bos` is the BOS token of tokenizer_config.json, or empty.
  Impl(const JsonNode& document, const std::string& bos)
      : bpe(document["model"]),
        added(ReadAddedTokens(document.Optional("added_tokens"), bpe)),
        normalizer(ReadNormalizer(document.Optional("normalizer"))),
        raw_cutter(Raw(added)),
        normalized_cutter(Normalized(added, *normalizer)),
        pre_tokenizer(ReadPreTokenizer(document.Optional("pre_tokenizer"))),
        post_processor(ReadPostProcessor(document.Optional("post_processor"))),
        decoder(ReadDecoder(document.Optional("decoder"))) {
    CheckByteLevel(document);
    for (const AddedToken& token : added) {
      added_spelling[token.id] = token.content;
      if (token.special) special_ids.insert(token.id);
    }
    if (!bos.empty() && Encode(SpecialTokens::kAdd, TextPart::kBeginning, "").empty()) AddBos(bos);
  }

  void AddBos(const std::string& bos) {
    const auto same = std::find_if(added.begin(), added.end(),
                                   [&](const AddedToken& token) { return token.content == bos; });
    const int64_t id = same != added.end() ? same->id : bpe.Find(bos);
    if (id < 0)
      throw Error(
          fmt::format("{}: the tokenizer has no token for the bos_token '{}'", kConfig, bos));
    special_ids.insert(id);
    post_processor = ThenBos(std::move(post_processor), {id, bos, {}});
  }

  std::vector<Token> Encode(SpecialTokens special, TextPart part, std::string_view text) const {
    CheckUtf8(text);
    Pieces pieces(text);
    pieces.text.continues = part == TextPart::kContinuation;
    raw_cutter.Cut(pieces);
    normalizer->Apply(pieces);
    normalized_cutter.Cut(pieces);
    pre_tokenizer->Apply(pieces);
    std::vector<Token> tokens = EncodePieces(pieces);
    post_processor->Apply(special, tokens);
    return tokens;
  }

  std::vector<Token> EncodePieces(const Pieces& pieces) const {
    std::vector<Token> tokens;
    std::vector<Bpe::Part> parts;
    for (const Piece& piece : pieces.pieces) {
      if (piece.token != kNoToken) {
        tokens.push_back(
            {piece.token, std::string(pieces.Bytes(piece)), pieces.Origin(piece.bytes)});
        continue;
      }
      parts.clear();
      bpe.Encode(pieces.Bytes(piece), parts);
      int64_t begin = piece.bytes.begin;
      for (const Bpe::Part& part : parts) {
        tokens.push_back(
            {part.id, *bpe.Spelling(part.id), pieces.Origin({begin, begin + part.size})});
        begin += part.size;
      }
    }
    return tokens;
  }

  // Returns the spelling of `id`, or null.
  const std::string* Spelling(int64_t id) const {
    const auto found = added_spelling.find(id);
    return found != added_spelling.end() ? &found->second : bpe.Spelling(id);
  }

  std::string Decode(TextPart part, std::vector<std::string> spellings) const {
    decoder->Apply(part, spellings);
    return ReplaceInvalidUtf8(fmt::format("{}", fmt::join(spellings, "")));
  }

  std::string DecodeKnown(TextPart part, std::span<const int64_t> ids) const {
    std::vector<std::string> spellings;
    for (const int64_t id : ids) {
      if (const std::string* spelling = Spelling(id)) spellings.push_back(*spelling);
    }
    return Decode(part, std::move(spellings));
  }

  int64_t size() const {
    const auto is_new = [this](const AddedToken& token) { return bpe.Find(token.content) < 0; };
    return bpe.size() + std::count_if(added.begin(), added.end(), is_new);
  }

  Bpe bpe;
  std::vector<AddedToken> added;
  std::unique_ptr<Normalizer> normalizer;
  AddedTokenCutter raw_cutter;         // searches the text as written
  AddedTokenCutter normalized_cutter;  // searches the normalised text
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  std::unique_ptr<PostProcessor> post_processor;
  std::unique_ptr<Decoder> decoder;
  std::unordered_map<int64_t, std::string> added_spelling;  // by id
  std::unordered_set<int64_t> special_ids;
};

Tokenizer::Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Tokenizer Tokenizer::Load(const fs::path& file_or_folder) {
  const fs::path file = Resolve(file_or_folder);
  if (file.empty()) {
    throw Error(fmt::format("{}: does not hold a tokenizer", file_or_folder.string()),
                fmt::format("expected {}, or {} and {}", kDocument, kVocab, kMerges));
  }
  const Json document = ReadDocument(file);
  return Tokenizer(std::make_shared<const Impl>(JsonNode(document, file.string()),
                                                ReadBos(file.parent_path() / kConfig)));
}

bool Tokenizer::Exists(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder, error) && !Resolve(folder).empty();
}

std::vector<fs::path> Tokenizer::Files(const fs::path& file_or_folder) {
  const fs::path file = Resolve(file_or_folder);
  if (file.empty() || !fs::exists(file)) return {};
  std::vector<fs::path> files = {file};
  const fs::path merges = file.parent_path() / kMerges, config = file.parent_path() / kConfig;
  if (file.filename() != kDocument && fs::exists(merges)) files.push_back(merges);
  if (!ReadBos(config).empty()) files.push_back(config);
  return files;
}

std::vector<Token> Tokenizer::Encode(std::string_view text) const {
  return impl_->Encode(SpecialTokens::kAdd, TextPart::kBeginning, text);
}

std::vector<Token> Tokenizer::EncodeBare(std::string_view text) const {
  return impl_->Encode(SpecialTokens::kOmit, TextPart::kBeginning, text);
}

std::vector<Token> Tokenizer::EncodeContinuation(std::string_view text) const {
  return impl_->Encode(SpecialTokens::kOmit, TextPart::kContinuation, text);
}

std::vector<Token> Tokenizer::EncodeAnswer(const std::string& text) const {
  return EncodeContinuation(text.empty() || text.starts_with(' ') ? text : " " + text);
}

std::string Tokenizer::Decode(std::span<const int64_t> ids) const {
  std::vector<std::string> spellings;
  for (const int64_t id : ids) {
    const std::string* spelling = impl_->Spelling(id);
    if (!spelling)
      throw Error(fmt::format("the tokenizer has no token {}", id),
                  fmt::format("it has {} tokens", vocab_size()));
    spellings.push_back(*spelling);
  }
  return impl_->Decode(TextPart::kBeginning, std::move(spellings));
}

std::vector<int64_t> TokenIds(const std::vector<Token>& tokens) {
  std::vector<int64_t> ids;
  for (const Token& token : tokens) ids.push_back(token.id);
  return ids;
}

std::string Tokenizer::DecodeKnown(std::span<const int64_t> ids) const {
  return impl_->DecodeKnown(TextPart::kBeginning, ids);
}

std::string Tokenizer::DecodeContinuation(std::span<const int64_t> ids) const {
  return impl_->DecodeKnown(TextPart::kContinuation, ids);
}

std::optional<std::string> Tokenizer::DecodeToken(int64_t id) const {
  return impl_->Spelling(id) ? std::optional(DecodeContinuation(std::span(&id, 1))) : std::nullopt;
}

std::vector<int64_t> Tokenizer::BeginOfText() const {
  const std::vector<int64_t> text = TokenIds(EncodeBare("a")), whole = TokenIds(Encode("a"));
  const auto begin = std::search(whole.begin(), whole.end(), text.begin(), text.end());
  if (begin != whole.begin()) return {whole.begin(), begin};
  const std::vector<int64_t> end_of_text = TokenIds(EncodeBare("<|endoftext|>"));
  return end_of_text.size() == 1 ? end_of_text : std::vector<int64_t>();
}

bool Tokenizer::IsSpecial(int64_t id) const { return impl_->special_ids.contains(id); }

int64_t Tokenizer::vocab_size() const { return impl_->size(); }

}  // namespace mambascope
