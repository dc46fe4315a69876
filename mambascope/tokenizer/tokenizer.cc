#include "mambascope/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "mambascope/error.h"
#include "mambascope/tokenizer/added_tokens.h"
#include "mambascope/tokenizer/bpe.h"
#include "mambascope/tokenizer/byte_level.h"
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

std::vector<AddedToken> Normalized(std::vector<AddedToken> tokens, Normalizer normalizer) {
  std::erase_if(tokens, [](const AddedToken& token) { return !token.normalized; });
  for (AddedToken& token : tokens) {
    Pieces content(token.content);
    Normalize(normalizer, content);
    token.content = content.text.bytes;
  }
  return tokens;
}

void CheckDecoder(const JsonNode& node) {
  if (node.IsNull()) node.Fail("is null", "supported: ByteLevel");
  const JsonNode type = node["type"];
  if (type.String() != "ByteLevel") type.Refuse("ByteLevel");
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
  explicit Impl(const JsonNode& document)
      : bpe(document["model"]),
        added(ReadAddedTokens(document.Optional("added_tokens"), bpe)),
        normalizer(ReadNormalizer(document.Optional("normalizer"))),
        raw_cutter(Raw(added)),
        normalized_cutter(Normalized(added, normalizer)),
        pre_tokenizer(ReadPreTokenizer(document.Optional("pre_tokenizer"))),
        post_processor(ReadPostProcessor(document.Optional("post_processor"))) {
    CheckDecoder(document.Optional("decoder"));
    for (const AddedToken& token : added) {
      added_spelling[token.id] = token.content;
      if (token.special) special_ids.insert(token.id);
    }
  }

  std::vector<Token> Encode(SpecialTokens special, std::string_view text) const {
    CheckUtf8(text);
    Pieces pieces(text);
    raw_cutter.Cut(pieces);
    Normalize(normalizer, pieces);
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

  const std::string& Spelling(int64_t id) const {
    if (const auto found = added_spelling.find(id); found != added_spelling.end())
      return found->second;
    if (const std::string* spelling = bpe.Spelling(id)) return *spelling;
    throw Error(fmt::format("the tokenizer has no token {}", id),
                fmt::format("it has {} tokens", size()));
  }

  int64_t size() const {
    const auto is_new = [this](const AddedToken& token) { return bpe.Find(token.content) < 0; };
    return bpe.size() + std::count_if(added.begin(), added.end(), is_new);
  }

  Bpe bpe;
  std::vector<AddedToken> added;
  Normalizer normalizer;
  AddedTokenCutter raw_cutter;         // searches the text as written
  AddedTokenCutter normalized_cutter;  // searches the normalised text
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  std::unique_ptr<PostProcessor> post_processor;
  std::unordered_map<int64_t, std::string> added_spelling;  // by id
  std::unordered_set<int64_t> special_ids;
};

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::Load(const fs::path& file_or_folder) {
  const fs::path file = Resolve(file_or_folder);
  if (file.empty()) {
    throw Error(fmt::format("{}: does not hold a tokenizer", file_or_folder.string()),
                fmt::format("expected {}, or {} and {}", kDocument, kVocab, kMerges));
  }
  const Json document = ReadDocument(file);
  return Tokenizer(std::make_unique<Impl>(JsonNode(document, file.string())));
}

bool Tokenizer::Exists(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder, error) && !Resolve(folder).empty();
}

std::vector<fs::path> Tokenizer::Files(const fs::path& file_or_folder) {
  const fs::path file = Resolve(file_or_folder);
  if (file.empty() || !fs::exists(file)) return {};
  const fs::path merges = file.parent_path() / kMerges;
  if (file.filename() == kDocument || !fs::exists(merges)) return {file};
  return {file, merges};
}

std::vector<Token> Tokenizer::Encode(std::string_view text) const {
  return impl_->Encode(SpecialTokens::kAdd, text);
}

std::vector<Token> Tokenizer::EncodeContinuation(std::string_view text) const {
  return impl_->Encode(SpecialTokens::kOmit, text);
}

std::vector<Token> Tokenizer::EncodeAnswer(const std::string& text) const {
  return EncodeContinuation(text.empty() || text.starts_with(' ') ? text : " " + text);
}

std::string Tokenizer::Decode(std::span<const int64_t> ids) const {
  std::string bytes;
  for (const int64_t id : ids) bytes += DecodeBytes(impl_->Spelling(id));
  return ReplaceInvalidUtf8(bytes);
}

std::vector<int64_t> TokenIds(const std::vector<Token>& tokens) {
  std::vector<int64_t> ids;
  for (const Token& token : tokens) ids.push_back(token.id);
  return ids;
}

std::string Tokenizer::DecodeKnown(std::vector<int64_t> ids) const {
  std::erase_if(ids, [&](int64_t id) { return id >= vocab_size(); });
  return Decode(ids);
}

std::optional<std::string> Tokenizer::DecodeToken(int64_t id) const {
  return id < vocab_size() ? std::optional(Decode(std::span(&id, 1))) : std::nullopt;
}

std::vector<int64_t> Tokenizer::BeginOfText() const {
  const std::vector<int64_t> text = TokenIds(EncodeContinuation("a")),
                             whole = TokenIds(Encode("a"));
  const auto begin = std::search(whole.begin(), whole.end(), text.begin(), text.end());
  if (begin != whole.begin()) return {whole.begin(), begin};
  const std::vector<int64_t> end_of_text = TokenIds(EncodeContinuation("<|endoftext|>"));
  return end_of_text.size() == 1 ? end_of_text : std::vector<int64_t>();
}

bool Tokenizer::IsSpecial(int64_t id) const { return impl_->special_ids.contains(id); }

int64_t Tokenizer::vocab_size() const { return impl_->size(); }

}  // namespace mambascope
