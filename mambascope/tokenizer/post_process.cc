#include "mambascope/tokenizer/post_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "mambascope/tokenizer/byte_level.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

bool IsSpace(char32_t c) { return SpelledByte(c) == ' ' || IsWhiteSpace(c); }

int64_t CountLeadingSpaces(std::string_view token) {
  int64_t count = 0;
  while (!token.empty() && IsSpace(FirstChar(token).value)) {
    token.remove_prefix(FirstChar(token).size);
    ++count;
  }
  return count;
}

int64_t CountTrailingSpaces(std::string_view token) {
  int64_t count = 0;
  while (!token.empty() && IsSpace(LastChar(token).value)) {
    token.remove_suffix(LastChar(token).size);
    ++count;
  }
  return count;
}

class TrimOffsets : public PostProcessor {
 public:
  explicit TrimOffsets(const JsonNode& node)
      : trims_(node.Flag("trim_offsets", true)),
        keeps_prefix_(node.Flag("add_prefix_space", true)) {}

  void Apply(SpecialTokens, std::vector<Token>& tokens) const override {
    if (!trims_) return;
    for (size_t i = 0; i < tokens.size(); ++i) {
      Span& chars = tokens[i].chars;
      int64_t leading = CountLeadingSpaces(tokens[i].text);
      const int64_t trailing = CountTrailingSpaces(tokens[i].text);
      // A single space at the start of the text was added by the pre-tokenizer and is not in the
      // text.
      if (keeps_prefix_ && leading == 1 && (i == 0 || chars.begin == 0)) leading = 0;
      chars.begin = std::min(chars.begin + leading, chars.end);
      if (chars.end >= trailing) chars.end = std::max(chars.end - trailing, chars.begin);
    }
  }

 private:
  bool trims_;
  bool keeps_prefix_;
};

class Template : public PostProcessor {
 public:
  explicit Template(const JsonNode& node) {
    for (const JsonNode& piece : node["single"].Elements()) {
      if (piece.Has("Sequence")) {
        const JsonNode id = piece["Sequence"]["id"];
        if (id.String() != "A") id.Refuse("A (the template of a single text)");
        pieces_.emplace_back();
      } else {
        pieces_.emplace_back(
            ReadSpecialTokens(node["special_tokens"][piece["SpecialToken"]["id"].String()]));
      }
    }
    const auto texts = std::count(pieces_.begin(), pieces_.end(), std::nullopt);
    if (texts != 1) node["single"].Fail(fmt::format("has the text {} times; expected once", texts));
  }

  explicit Template(const Token& bos) : pieces_{std::vector{bos}, std::nullopt} {}

  void Apply(SpecialTokens special, std::vector<Token>& tokens) const override {
    std::vector<Token> result;
    for (const auto& piece : pieces_) {
      if (!piece) result.insert(result.end(), tokens.begin(), tokens.end());
      else if (special == SpecialTokens::kAdd)
        result.insert(result.end(), piece->begin(), piece->end());
    }
    tokens = std::move(result);
  }

 private:
  static std::vector<Token> ReadSpecialTokens(const JsonNode& node) {
    const auto ids = node["ids"].Elements();
    const auto texts = node["tokens"].Elements();
    if (ids.size() != texts.size())
      node.Fail(fmt::format("has {} ids but {} tokens", ids.size(), texts.size()));
    std::vector<Token> tokens;
    for (size_t i = 0; i < ids.size(); ++i)
      tokens.push_back({ids[i].Index(), texts[i].String(), {}});
    return tokens;
  }

  // Special tokens; nullopt stands for the tokens of the text.
  std::vector<std::optional<std::vector<Token>>> pieces_;
};

class Sequence : public PostProcessor {
 public:
  void Add(std::unique_ptr<PostProcessor> step) { steps_.push_back(std::move(step)); }
  void Apply(SpecialTokens special, std::vector<Token>& tokens) const override {
    for (const auto& step : steps_) step->Apply(special, tokens);
  }

 private:
  std::vector<std::unique_ptr<PostProcessor>> steps_;
};

}  // namespace

std::unique_ptr<PostProcessor> ReadPostProcessor(const JsonNode& node) {
  auto sequence = std::make_unique<Sequence>();
  if (node.IsNull()) return sequence;
  const JsonNode type = node["type"];
  if (type.String() == "ByteLevel") return std::make_unique<TrimOffsets>(node);
  if (type.String() == "TemplateProcessing") return std::make_unique<Template>(node);
  if (type.String() != "Sequence")
    type.Refuse("null, ByteLevel, TemplateProcessing, a Sequence of these");
  for (const JsonNode& element : node["processors"].Elements())
    sequence->Add(ReadPostProcessor(element));
  return sequence;
}

std::unique_ptr<PostProcessor> ThenBos(std::unique_ptr<PostProcessor> first, const Token& bos) {
  auto sequence = std::make_unique<Sequence>();
  sequence->Add(std::move(first));
  sequence->Add(std::make_unique<Template>(bos));
  return sequence;
}

}  // namespace mambascope
