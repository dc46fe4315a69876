#include "mambascope/tokenizer/decode.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "mambascope/error.h"
#include "mambascope/tokenizer/byte_level.h"
#include "mambascope/tokenizer/metaspace.h"
#include "mambascope/tokenizer/regex.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

std::string Joined(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

class ByteLevelDecoder : public Decoder {
 public:
  void Apply(TextPart, std::vector<std::string>& tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens) bytes += DecodeBytes(token);
    tokens = {ReplaceInvalidUtf8(bytes)};
  }
};

class MetaspaceDecoder : public Decoder {
 public:
  explicit MetaspaceDecoder(const JsonNode& node) : space_(ReadMetaspace(node)) {}

  void Apply(TextPart part, std::vector<std::string>& tokens) const override {
    const bool strips =
        part == TextPart::kBeginning && space_.prepend != MetaspaceSpelling::Prepend::kNever;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const std::string by = i == 0 && strips ? "" : " ";
      std::string& token = tokens[i];
      for (size_t at = 0; (at = token.find(space_.spelling, at)) != token.npos; at += by.size())
        token.replace(at, space_.spelling.size(), by);
    }
  }

 private:
  MetaspaceSpelling space_;
};

class ByteFallbackDecoder : public Decoder {
 public:
  void Apply(TextPart, std::vector<std::string>& tokens) const override {
    std::vector<std::string> out;
    std::string bytes;  // of the byte tokens since the last other token
    const auto flush = [&] {
      if (FindInvalidUtf8(bytes) == std::string::npos) {
        if (!bytes.empty()) out.push_back(bytes);
      } else {
        // Like the tokenizers library, this replaces every byte of the run.
        out.insert(out.end(), bytes.size(), "\xEF\xBF\xBD");
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const std::optional<char> byte = ByteOf(token)) {
        bytes += *byte;
        continue;
      }
      flush();
      out.push_back(std::move(token));
    }
    flush();
    tokens = std::move(out);
  }

 private:
  // Returns the byte that a token such as <0x0A> stands for.
  static std::optional<char> ByteOf(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return {};
    uint8_t byte = 0;
    const char* end = token.data() + 5;
    if (std::from_chars(token.data() + 3, end, byte, 16).ptr != end) return {};
    return static_cast<char>(byte);
  }
};

class ReplaceDecoder : public Decoder {
 public:
  explicit ReplaceDecoder(const JsonNode& node)
      : pattern_(ReadRegex(node["pattern"])), content_(node["content"].String()) {}

  void Apply(TextPart, std::vector<std::string>& tokens) const override {
    size_t size = 0;
    for (std::string& token : tokens) {
      std::string replaced;
      size_t done = 0;
      for (const Span& match : pattern_.Matches(token)) {
        const auto begin = static_cast<size_t>(match.begin);
        replaced.append(token, done, begin - done).append(content_);
        done = static_cast<size_t>(match.end);
        const bool has_grown = replaced.size() > done;
        if (has_grown && size + replaced.size() > kMaxDecoded) RefuseSize();
      }
      token = replaced.append(token, done);
      size += token.size();
    }
  }

 private:
  // Of a text that Replace steps make longer. Without a limit, a few need any amount of memory.
  static constexpr size_t kMaxDecoded = 256 << 10;
  [[noreturn]] static void RefuseSize() {
    throw Error("the tokenizer's decoder makes a text longer, to more than 256 KiB",
                "does a Replace step of tokenizer.json repeat?");
  }

  Regex pattern_;
  std::string content_;
};

class StripDecoder : public Decoder {
 public:
  explicit StripDecoder(const JsonNode& node)
      : content_(node["content"].String()),
        start_(node["start"].Index()),
        stop_(node["stop"].Index()) {
    if (CountChars(content_) != 1) node["content"].Refuse("one character");
  }

  void Apply(TextPart part, std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      std::string_view text = tokens[i];
      const bool strips_start = i > 0 || part == TextPart::kBeginning;
      for (int64_t n = 0; strips_start && n < start_ && text.starts_with(content_); ++n)
        text.remove_prefix(content_.size());
      for (int64_t n = 0; n < stop_ && text.ends_with(content_); ++n)
        text.remove_suffix(content_.size());
      tokens[i] = std::string(text);
    }
  }

 private:
  std::string content_;
  int64_t start_;
  int64_t stop_;
};

class FuseDecoder : public Decoder {
 public:
  void Apply(TextPart, std::vector<std::string>& tokens) const override {
    tokens = {Joined(tokens)};
  }
};

class DecoderSequence : public Decoder {
 public:
  void Add(std::unique_ptr<Decoder> step) { steps_.push_back(std::move(step)); }
  void Apply(TextPart part, std::vector<std::string>& tokens) const override {
    for (const auto& step : steps_) step->Apply(part, tokens);
  }

 private:
  std::vector<std::unique_ptr<Decoder>> steps_;
};

}  // namespace

std::unique_ptr<Decoder> ReadDecoder(const JsonNode& node) {
  constexpr const char* kSupported =
      "ByteLevel, Metaspace, ByteFallback, Replace, Strip, Fuse, a Sequence of these";
  if (node.IsNull()) node.Refuse(kSupported);
  const JsonNode type = node["type"];
  const std::string& name = type.String();
  if (name == "ByteLevel") return std::make_unique<ByteLevelDecoder>();
  if (name == "Metaspace") return std::make_unique<MetaspaceDecoder>(node);
  if (name == "ByteFallback") return std::make_unique<ByteFallbackDecoder>();
  if (name == "Replace") return std::make_unique<ReplaceDecoder>(node);
  if (name == "Strip") return std::make_unique<StripDecoder>(node);
  if (name == "Fuse") return std::make_unique<FuseDecoder>();
  if (name != "Sequence") type.Refuse(kSupported);
  auto sequence = std::make_unique<DecoderSequence>();
  for (const JsonNode& element : node["decoders"].Elements()) sequence->Add(ReadDecoder(element));
  return sequence;
}

bool HasByteLevelDecoder(const JsonNode& node) {
  if (node["type"].String() != "Sequence") return node["type"].String() == "ByteLevel";
  const auto steps = node["decoders"].Elements();
  return std::any_of(steps.begin(), steps.end(), HasByteLevelDecoder);
}

}  // namespace mambascope
