#include "mambascope/tokenizer/normalize.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "mambascope/tokenizer/regex.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

// Every character below it is its own NFC and does not compose with the character before.
constexpr char32_t kFirstCombining = 0x300;
constexpr uint8_t kFirstCombiningLead = 0xCC;  // first byte of its UTF-8

// One of Unicode's four normal forms.
struct NormalForm {
  bool compatible;  // also decomposes characters such as ligatures, which have an equivalent
  bool composed;
};

// A character of the normal form.
struct Unit {
  char32_t c;
  int combining_class;  // 0: a starter, to which the marks after it attach
  // Number of input characters that this character accounts for, minus one. It is 0 for an
  // unchanged character, +1 for two that compose, and -1 for each further part of one that
  // decomposes.
  int64_t extra;
};

int CombiningClass(char32_t c) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
}

// Appends the decomposition of `c`. The longest in Unicode has 18 characters.
void Decompose(NormalForm form, char32_t c, std::vector<Unit>& units) {
  std::array<utf8proc_int32_t, 18> parts{};
  int boundary = 0;
  const auto count = utf8proc_decompose_char(
      static_cast<utf8proc_int32_t>(c), parts.data(), parts.size(),
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                     (form.compatible ? UTF8PROC_COMPAT : 0)),
      &boundary);
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    const auto part = static_cast<char32_t>(parts[static_cast<size_t>(i)]);
    units.push_back({part, CombiningClass(part), i == 0 ? 0 : -1});
  }
}

// Returns the character that `first` and `second` compose to, or 0.
char32_t ComposePair(char32_t first, char32_t second) {
  if (second < kFirstCombining) return 0;
  std::array<utf8proc_int32_t, 2> pair = {static_cast<utf8proc_int32_t>(first),
                                          static_cast<utf8proc_int32_t>(second)};
  const auto size = utf8proc_normalize_utf32(
      pair.data(), 2, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  return size == 1 ? static_cast<char32_t>(pair[0]) : 0;
}

// Sorts the marks between two starters by their class, stably.
void OrderMarks(std::vector<Unit>& units) {
  const auto is_starter = [](const Unit& unit) { return unit.combining_class == 0; };
  for (auto begin = units.begin(); begin != units.end();) {
    begin = std::find_if_not(begin, units.end(), is_starter);
    const auto end = std::find_if(begin, units.end(), is_starter);
    std::stable_sort(begin, end, [](const Unit& a, const Unit& b) {
      return a.combining_class < b.combining_class;
    });
    begin = end;
  }
}

// Joins each character with the last starter unless a mark in between blocks it.
std::vector<Unit> Compose(const std::vector<Unit>& units) {
  std::vector<Unit> out;
  size_t starter = units.size();  // index into out; this value means none yet
  for (const Unit& unit : units) {
    if (starter < out.size()) {
      const int between = out.size() - 1 == starter ? -1 : out.back().combining_class;
      const char32_t joined =
          between < unit.combining_class ? ComposePair(out[starter].c, unit.c) : 0;
      if (joined != 0) {
        out[starter].c = joined;
        out[starter].extra += unit.extra + 1;
        continue;
      }
    }
    if (unit.combining_class == 0) starter = out.size();
    out.push_back(unit);
  }
  return out;
}

// Appends the characters of `units`. Each is aligned to the next unread character of the input. The
// input is read in order even where marks have changed places, as the tokenizers library does.
void AppendAligned(const std::vector<Unit>& units, const std::vector<int64_t>& origins,
                   AlignedText& out) {
  size_t read = 0;
  std::string bytes;
  for (const Unit& unit : units) {
    const bool continues = unit.extra < 0 && read > 0;  // a further part of the last character read
    const size_t from = std::min(continues ? read - 1 : read, origins.size() - 1);
    if (unit.extra >= 0) read += static_cast<size_t>(unit.extra) + 1;
    bytes.clear();
    AppendUtf8(bytes, unit.c);
    out.Append(bytes, origins[from]);
  }
}

void AppendForm(NormalForm form, const AlignedText& text, Span span, AlignedText& out) {
  const std::string_view bytes = Slice(text.bytes, span);
  const uint8_t first_changed = form.composed && !form.compatible ? kFirstCombiningLead : 0x80;
  const bool is_normal = std::all_of(bytes.begin(), bytes.end(), [&](char byte) {
    return static_cast<uint8_t>(byte) < first_changed;
  });
  if (is_normal) return out.Append(text, span);
  std::vector<Unit> units;
  std::vector<int64_t> origins;  // origin of each input character
  for (size_t i = 0; i < bytes.size();) {
    const Utf8Char c = FirstChar(bytes.substr(i));
    Decompose(form, c.value, units);
    origins.push_back(text.origin[static_cast<size_t>(span.begin) + i]);
    i += c.size;
  }
  OrderMarks(units);
  AppendAligned(form.composed ? Compose(units) : units, origins, out);
}

class FormNormalizer : public Normalizer {
 public:
  explicit FormNormalizer(NormalForm form) : form_(form) {}
  void Apply(Pieces& pieces) const override {
    pieces.Rewrite([this](const AlignedText& text, Span span, AlignedText& out) {
      AppendForm(form_, text, span, out);
    });
  }

 private:
  NormalForm form_;
};

class Lowercase : public Normalizer {
 public:
  void Apply(Pieces& pieces) const override {
    pieces.Rewrite([](const AlignedText& text, Span span, AlignedText& out) {
      for (int64_t i = span.begin; i < span.end;) {
        const std::string_view rest = Slice(text.bytes, {i, span.end});
        const std::string_view c = rest.substr(0, FirstChar(rest).size);
        // U+0130 is the one character whose lower case is two characters, whatever its neighbours.
        out.Append(c == "\u0130" ? "i\u0307" : ToLower(c), text.origin[static_cast<size_t>(i)]);
        i += static_cast<int64_t>(c.size());
      }
    });
  }
};

class Strip : public Normalizer {
 public:
  explicit Strip(const JsonNode& node)
      : left_(node.Flag("strip_left", true)), right_(node.Flag("strip_right", true)) {}
  void Apply(Pieces& pieces) const override {
    pieces.Rewrite([this](const AlignedText& text, Span span, AlignedText& out) {
      const std::string_view bytes = Slice(text.bytes, span);
      if (left_ && text.IsOpenBefore(span.begin)) span.begin += LeadingSpace(bytes);
      if (right_) span.end -= TrailingSpace(Slice(text.bytes, span));
      out.Append(text, span);
    });
  }

 private:
  bool left_;
  bool right_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(const JsonNode& node) : prefix_(node["prepend"].String()) {}
  void Apply(Pieces& pieces) const override {
    pieces.Rewrite([this](const AlignedText& text, Span span, AlignedText& out) {
      if (text.IsOpenBefore(span.begin)) out.AppendPrefix(prefix_, text, span.begin);
      out.Append(text, span);
    });
  }

 private:
  std::string prefix_;
};

class Replace : public Normalizer {
 public:
  explicit Replace(const JsonNode& node)
      : pattern_(ReadRegex(node["pattern"])), content_(node["content"].String()) {}
  void Apply(Pieces& pieces) const override {
    pieces.Rewrite([this](const AlignedText& text, Span span, AlignedText& out) {
      int64_t done = span.begin;
      for (const Span& match : pattern_.Matches(Slice(text.bytes, span))) {
        out.Append(text, {done, span.begin + match.begin});
        done = span.begin + match.end;
        const int64_t last = std::max(done - 1, span.begin);
        out.Append(content_, text.origin[static_cast<size_t>(last)]);
      }
      out.Append(text, {done, span.end});
    });
  }

 private:
  Regex pattern_;
  std::string content_;
};

class NormalizerSequence : public Normalizer {
 public:
  void Add(std::unique_ptr<Normalizer> step) { steps_.push_back(std::move(step)); }
  void Apply(Pieces& pieces) const override {
    for (const auto& step : steps_) step->Apply(pieces);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

}  // namespace

std::unique_ptr<Normalizer> ReadNormalizer(const JsonNode& node) {
  auto sequence = std::make_unique<NormalizerSequence>();
  if (node.IsNull()) return sequence;
  const JsonNode type = node["type"];
  const std::string& name = type.String();
  const auto form = [](bool compatible, bool composed) {
    return std::make_unique<FormNormalizer>(NormalForm{compatible, composed});
  };
  if (name == "NFC") return form(false, true);
  if (name == "NFD") return form(false, false);
  if (name == "NFKC") return form(true, true);
  if (name == "NFKD") return form(true, false);
  if (name == "Lowercase") return std::make_unique<Lowercase>();
  if (name == "Strip") return std::make_unique<Strip>(node);
  if (name == "Prepend") return std::make_unique<Prepend>(node);
  if (name == "Replace") return std::make_unique<Replace>(node);
  if (name != "Sequence") {
    type.Refuse(
        "null, NFC, NFD, NFKC, NFKD, Lowercase, Strip, Prepend, Replace, a Sequence of these");
  }
  for (const JsonNode& element : node["normalizers"].Elements())
    sequence->Add(ReadNormalizer(element));
  return sequence;
}

std::string Nfkd(const std::string& text) {
  utf8proc_uint8_t* decomposed = nullptr;
  const auto size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &decomposed,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(decomposed, &std::free);
  return size < 0
             ? text
             : std::string(reinterpret_cast<const char*>(decomposed), static_cast<size_t>(size));
}

}  // namespace mambascope
