#include "mambascope/tokenizer/normalize.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

// Every character below it is its own normal form and does not compose with the character before.
constexpr char32_t kFirstCombining = 0x300;
constexpr uint8_t kFirstCombiningLead = 0xCC;  // first byte of its UTF-8

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

// Appends the canonical decomposition of `c`. The longest in Unicode has 4 characters.
void Decompose(char32_t c, std::vector<Unit>& units) {
  std::array<utf8proc_int32_t, 8> parts{};
  int boundary = 0;
  const auto count = utf8proc_decompose_char(
      static_cast<utf8proc_int32_t>(c), parts.data(), parts.size(),
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE), &boundary);
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

void AppendNfc(const AlignedText& text, Span span, AlignedText& out) {
  const std::string_view bytes = Slice(text.bytes, span);
  const bool is_normal = std::all_of(bytes.begin(), bytes.end(), [](char byte) {
    return static_cast<uint8_t>(byte) < kFirstCombiningLead;
  });
  if (is_normal) return out.Append(text, span);
  std::vector<Unit> units;
  std::vector<int64_t> origins;  // origin of each input character
  for (size_t i = 0; i < bytes.size();) {
    const Utf8Char c = FirstChar(bytes.substr(i));
    Decompose(c.value, units);
    origins.push_back(text.origin[static_cast<size_t>(span.begin) + i]);
    i += c.size;
  }
  OrderMarks(units);
  AppendAligned(Compose(units), origins, out);
}

}  // namespace

Normalizer ReadNormalizer(const JsonNode& node) {
  if (node.IsNull()) return Normalizer::kNone;
  const JsonNode type = node["type"];
  if (type.String() == "NFC") return Normalizer::kNfc;
  if (type.String() != "Sequence") type.Refuse("null, NFC, a Sequence of these");
  auto result = Normalizer::kNone;
  for (const JsonNode& element : node["normalizers"].Elements())
    result = std::max(result, ReadNormalizer(element));
  return result;
}

void Normalize(Normalizer normalizer, Pieces& pieces) {
  if (normalizer == Normalizer::kNfc) pieces.Rewrite(AppendNfc);
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
