#include "mambascope/tokenizer/regex.h"

#include <fmt/format.h>
#include <oniguruma.h>

#include "mambascope/error.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

// Limits on the steps back of a match and of a search. The patterns of tokenizers need a few per
// character; a pattern such as (a|aa)*$ could need more than can ever be done.
constexpr unsigned long kMaxRetries = 10'000'000;
constexpr unsigned kMaxStack = 10'000'000;  // of the engine, in entries
constexpr unsigned kMaxNesting = 200;  // of brackets in a pattern, which the engine recurses on

int Initialise() {
  OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
  onig_set_retry_limit_in_match(kMaxRetries);
  onig_set_retry_limit_in_search(kMaxRetries);
  onig_set_match_stack_limit_size(kMaxStack);
  onig_set_parse_depth_limit(kMaxNesting);
  return onig_initialize(encodings, 1);
}

const OnigUChar* Bytes(std::string_view text) {
  return reinterpret_cast<const OnigUChar*>(text.data());
}

std::string Explain(int code, OnigErrorInfo* info) {
  OnigUChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
  const int size =
      info ? onig_error_code_to_str(message, code, info) : onig_error_code_to_str(message, code);
  return {reinterpret_cast<const char*>(message), static_cast<size_t>(size)};
}

struct Region : OnigRegion {
  Region() : OnigRegion{} {}
  ~Region() { onig_region_free(this, 0); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
};

}  // namespace

void Regex::Free::operator()(re_pattern_buffer* compiled) const { onig_free(compiled); }

Regex::Regex(const std::string& pattern, const std::string& name) : pattern_(pattern) {
  static const int initialised = Initialise();
  regex_t* compiled = nullptr;
  OnigErrorInfo info{};
  int code = initialised;
  if (code == ONIG_NORMAL) {
    code = onig_new(&compiled, Bytes(pattern), Bytes(pattern) + pattern.size(), ONIG_OPTION_NONE,
                    ONIG_ENCODING_UTF8, ONIG_SYNTAX_DEFAULT, &info);
  }
  if (code != ONIG_NORMAL)
    throw Error(fmt::format("{}: '{}' is not a regular expression: {}", name, pattern,
                            Explain(code, &info)));
  compiled_.reset(compiled);
}

std::string Regex::Escape(std::string_view text) {
  constexpr std::string_view kMeta = R"(\.+*?()|[]{}^$#&-~)";
  std::string pattern;
  for (const char c : text) {
    if (kMeta.find(c) != kMeta.npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::vector<Span> Regex::Matches(std::string_view text) const {
  std::vector<Span> matches;
  Region region;
  const OnigUChar* begin = Bytes(text);
  const OnigUChar* end = begin + text.size();
  for (size_t from = 0; from <= text.size();) {
    const int found =
        onig_search(compiled_.get(), begin, end, begin + from, end, &region, ONIG_OPTION_NONE);
    if (found == ONIG_MISMATCH) break;
    if (found < 0)
      throw Error(fmt::format("the pattern '{}' fails on this text: {}", pattern_,
                              Explain(found, nullptr)));
    const Span match{region.beg[0], region.end[0]};
    if (match.begin == match.end && !matches.empty() && matches.back().end == match.end) {
      from += from < text.size() ? FirstChar(text.substr(from)).size : 1;
    } else {
      matches.push_back(match);
      from = static_cast<size_t>(match.end);
    }
  }
  return matches;
}

Regex ReadRegex(const JsonNode& node) {
  if (node.Has("Regex")) return {node["Regex"].String(), node.Where()};
  if (node.Has("String")) return {Regex::Escape(node["String"].String()), node.Where()};
  node.Refuse("{\"Regex\": ...}, {\"String\": ...}");
}

}  // namespace mambascope
