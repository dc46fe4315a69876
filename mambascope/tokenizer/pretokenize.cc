#include "mambascope/tokenizer/pretokenize.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "mambascope/tokenizer/byte_level.h"
#include "mambascope/tokenizer/metaspace.h"
#include "mambascope/tokenizer/regex.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

// A match of a pattern, or the text between two matches. The segments of a text cover it.
struct Segment {
  Span bytes;
  bool is_match;
};
using Segments = std::vector<Segment>;
using Matcher = std::function<std::vector<Span>(std::string_view text)>;

// What is done with the matches. The examples show "the-final--countdown" split at '-'.
enum class Behavior {
  kRemoved,             // the final countdown
  kIsolated,            // the - final - - countdown
  kMergedWithPrevious,  // the- final- - countdown
  kMergedWithNext,      // the -final - -countdown
  kContiguous,          // the - final -- countdown
};

constexpr const char* kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

Segments FindSegments(const Matcher& matcher, std::string_view text) {
  Segments segments;
  int64_t done = 0;
  const auto add_rest_until = [&](int64_t end) {
    if (done != end) segments.push_back({{done, end}, false});
  };
  for (const Span& match : matcher(text)) {
    add_rest_until(match.begin);
    segments.push_back({match, true});
    done = match.end;
  }
  add_rest_until(static_cast<int64_t>(text.size()));
  return segments;
}

// Joins each segment to the one before it if `joins(was_match, is_match)`, the kinds of the two.
// Before the first segment, was_match is false.
template <typename Joins>
Segments Join(const Segments& segments, Joins joins) {
  Segments joined;
  bool was_match = false;
  for (const Segment& segment : segments) {
    if (!joined.empty() && joins(was_match, segment.is_match)) {
      // When the segments are reversed, a joined segment grows to the left.
      joined.back().bytes = {std::min(joined.back().bytes.begin, segment.bytes.begin),
                             std::max(joined.back().bytes.end, segment.bytes.end)};
    } else {
      joined.push_back(segment);
    }
    was_match = segment.is_match;
  }
  return joined;
}

Segments Arrange(Segments segments, Behavior behavior) {
  const auto same_kind = [](bool was_match, bool is_match) { return was_match == is_match; };
  const auto match_after_rest = [](bool was_match, bool is_match) {
    return is_match && !was_match;
  };
  switch (behavior) {
    case Behavior::kIsolated: return segments;
    case Behavior::kRemoved:
      std::erase_if(segments, [](const Segment& s) { return s.is_match; });
      return segments;
    case Behavior::kContiguous: return Join(segments, same_kind);
    case Behavior::kMergedWithPrevious: return Join(segments, match_after_rest);
    case Behavior::kMergedWithNext: break;
  }
  std::reverse(segments.begin(), segments.end());
  segments = Join(segments, match_after_rest);
  std::reverse(segments.begin(), segments.end());
  return segments;
}

std::vector<Span> MatchChars(bool (*is_match)(char32_t), std::string_view text) {
  std::vector<Span> matches;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = FirstChar(text.substr(i));
    if (is_match(c.value))
      matches.push_back({static_cast<int64_t>(i), static_cast<int64_t>(i + c.size)});
    i += c.size;
  }
  return matches;
}

Matcher MatchChars(bool (*is_match)(char32_t)) {
  return [is_match](std::string_view text) { return MatchChars(is_match, text); };
}

Matcher MatchRegex(Regex regex) {
  return [regex = std::make_shared<Regex>(std::move(regex))](std::string_view text) {
    return regex->Matches(text);
  };
}

class Split : public PreTokenizer {
 public:
  enum class At { kMatches, kRest };
  Split(Matcher matcher, Behavior behavior, At at = At::kMatches)
      : matcher_(std::move(matcher)), behavior_(behavior), at_(at) {}

  void Apply(Pieces& pieces) const override {
    pieces.Cut([this](std::string_view text) {
      Segments segments = FindSegments(matcher_, text);
      if (at_ == At::kRest) {
        for (Segment& segment : segments) segment.is_match = !segment.is_match;
      }
      std::vector<Piece> parts;
      for (const Segment& segment : Arrange(std::move(segments), behavior_))
        parts.push_back({segment.bytes});
      return parts;
    });
  }

 private:
  Matcher matcher_;
  Behavior behavior_;
  At at_;
};

class ByteLevel : public PreTokenizer {
 public:
  explicit ByteLevel(const JsonNode& node)
      : add_prefix_space_(node.Flag("add_prefix_space", true)) {
    if (node.Flag("use_regex", true))
      gpt2_.emplace(MatchRegex({kGpt2Pattern, node.Where()}), Behavior::kIsolated);
  }

  void Apply(Pieces& pieces) const override {
    if (add_prefix_space_) pieces.Rewrite(AppendWithPrefixSpace);
    if (gpt2_) gpt2_->Apply(pieces);
    pieces.Rewrite(AppendSpelled);
  }

 private:
  static void AppendWithPrefixSpace(const AlignedText& text, Span span, AlignedText& out) {
    if (text.bytes[static_cast<size_t>(span.begin)] != ' ' && text.IsOpenBefore(span.begin))
      out.AppendPrefix(" ", text, span.begin);
    out.Append(text, span);
  }

  static void AppendSpelled(const AlignedText& text, Span span, AlignedText& out) {
    for (auto i = static_cast<size_t>(span.begin); i < static_cast<size_t>(span.end); ++i) {
      out.Append(ByteSpellings()[static_cast<uint8_t>(text.bytes[i])], text.origin[i]);
    }
  }

  bool add_prefix_space_;
  std::optional<Split> gpt2_;
};

class Metaspace : public PreTokenizer {
 public:
  explicit Metaspace(const JsonNode& node)
      : space_(ReadMetaspace(node)),
        before_space_(MatchRegex({Regex::Escape(space_.spelling), node.Where()}),
                      Behavior::kMergedWithNext),
        splits_(node.Flag("split", true)) {}

  void Apply(Pieces& pieces) const override {
    pieces.Rewrite([this](const AlignedText& text, Span span, AlignedText& out) {
      const std::string_view bytes = Slice(text.bytes, span);
      if (Prepends(text, span.begin) && bytes[0] != ' ' && !bytes.starts_with(space_.spelling))
        out.AppendPrefix(space_.spelling, text, span.begin);
      for (int64_t i = span.begin; i < span.end; ++i) {
        if (text.bytes[static_cast<size_t>(i)] == ' ')
          out.Append(space_.spelling, text.origin[static_cast<size_t>(i)]);
        else out.Append(text, {i, i + 1});
      }
    });
    if (splits_) before_space_.Apply(pieces);
  }

 private:
  bool Prepends(const AlignedText& text, int64_t at) const {
    if (space_.prepend == MetaspaceSpelling::Prepend::kNever || !text.IsOpenBefore(at))
      return false;
    return space_.prepend == MetaspaceSpelling::Prepend::kAlways || text.IsFirst(at);
  }

  MetaspaceSpelling space_;
  Split before_space_;
  bool splits_;
};

class PreTokenizerSequence : public PreTokenizer {
 public:
  void Add(std::unique_ptr<PreTokenizer> step) { steps_.push_back(std::move(step)); }
  void Apply(Pieces& pieces) const override {
    for (const auto& step : steps_) step->Apply(pieces);
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

Behavior ReadBehavior(const JsonNode& node) {
  const std::pair<const char*, Behavior> names[] = {
      {"Removed", Behavior::kRemoved},
      {"Isolated", Behavior::kIsolated},
      {"MergedWithPrevious", Behavior::kMergedWithPrevious},
      {"MergedWithNext", Behavior::kMergedWithNext},
      {"Contiguous", Behavior::kContiguous}};
  for (const auto& [name, behavior] : names) {
    if (node.String() == name) return behavior;
  }
  node.Refuse("Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
}

std::unique_ptr<PreTokenizer> ReadSplit(const JsonNode& node) {
  return std::make_unique<Split>(
      MatchRegex(ReadRegex(node["pattern"])), ReadBehavior(node["behavior"]),
      node.Flag("invert", false) ? Split::At::kRest : Split::At::kMatches);
}

}  // namespace

std::unique_ptr<PreTokenizer> ReadPreTokenizer(const JsonNode& node) {
  if (node.IsNull()) return std::make_unique<PreTokenizerSequence>();
  const JsonNode type = node["type"];
  const std::string& name = type.String();
  if (name == "ByteLevel") return std::make_unique<ByteLevel>(node);
  if (name == "Metaspace") return std::make_unique<Metaspace>(node);
  if (name == "Split") return ReadSplit(node);
  if (name == "Digits") {
    return std::make_unique<Split>(MatchChars(IsNumeric), node.Flag("individual_digits", false)
                                                              ? Behavior::kIsolated
                                                              : Behavior::kContiguous);
  }
  if (name == "Punctuation") {
    const Behavior behavior =
        node.Has("behavior") ? ReadBehavior(node["behavior"]) : Behavior::kIsolated;
    return std::make_unique<Split>(MatchChars(IsPunctuation), behavior);
  }
  if (name != "Sequence")
    type.Refuse("null, ByteLevel, Metaspace, Split, Digits, Punctuation, a Sequence of these");
  auto sequence = std::make_unique<PreTokenizerSequence>();
  for (const JsonNode& element : node["pretokenizers"].Elements())
    sequence->Add(ReadPreTokenizer(element));
  return sequence;
}

bool HasByteLevelStep(const JsonNode& node) {
  if (node.IsNull()) return false;
  if (node["type"].String() != "Sequence") return node["type"].String() == "ByteLevel";
  const auto steps = node["pretokenizers"].Elements();
  return std::any_of(steps.begin(), steps.end(), HasByteLevelStep);
}

}  // namespace mambascope
