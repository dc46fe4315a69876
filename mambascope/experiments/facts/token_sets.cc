#include "mambascope/experiments/facts/token_sets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "mambascope/error.h"

namespace mambascope {
namespace {

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  if (text.empty() || text.ends_with(',')) parts.emplace_back();
  return parts;
}

std::optional<int64_t> ParseToken(std::string_view text) {
  int32_t token = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), token);
  return error == std::errc() && end == text.data() + text.size() && token >= 0
             ? std::optional<int64_t>(token)
             : std::nullopt;
}

// Parses "7" as [7, 8) and "3-5" as [3, 6). Returns none for anything else.
std::optional<Span> ParseRange(std::string_view text) {
  const size_t dash = text.find('-');
  const auto first = ParseToken(text.substr(0, dash)),
             last = dash == text.npos ? first : ParseToken(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return Span{*first, *last + 1};
}

// Returns the half-open ranges of a named set. Some may be empty.
std::vector<Span> ResolveSpans(std::string_view set, Span subject, int64_t tokens) {
  if (set == "first") return {{0, 1}};
  if (set == "last") return {{tokens - 1, tokens}};
  if (set == "all") return {{0, tokens}};
  if (set == "subject") return {subject};
  if (set == "subject_first") return {{subject.begin, std::min(subject.begin + 1, subject.end)}};
  if (set == "subject_last") return {{std::max(subject.begin, subject.end - 1), subject.end}};
  if (set == "context") return {{0, subject.begin}};
  if (set == "relation") return {{0, subject.begin}, {subject.end, tokens}};
  return {{0, std::min(subject.begin, tokens - 1)}, {subject.end, tokens - 1}};
}

std::vector<Span> ResolveSpans(const std::string& set, const Prompt& prompt) {
  if (std::find(kTokenSets.begin(), kTokenSets.end(), set) != kTokenSets.end())
    return ResolveSpans(set, prompt.subject_span, static_cast<int64_t>(prompt.tokens.size()));
  std::vector<Span> spans;
  for (const std::string& part : Split(set)) spans.push_back(ParseRange(part).value());
  return spans;
}

}  // namespace

const std::vector<std::string> kTokenSets = {"first",      "last",          "all",
                                             "subject",    "subject_first", "subject_last",
                                             "context",    "relation",      "relation_minus_last",
                                             "non_subject"};

std::vector<std::string> ParseTokenSets(const std::string& text) {
  std::vector<std::string> sets;
  bool after_number = false;
  for (const std::string& part : Split(text)) {
    const bool is_number = ParseRange(part).has_value();
    if (!is_number && std::find(kTokenSets.begin(), kTokenSets.end(), part) == kTokenSets.end()) {
      throw Error(
          fmt::format("'{}' is not a set of tokens", part),
          fmt::format("use {}, or tokens counted from 0, like 0,3-5", fmt::join(kTokenSets, ", ")));
    }
    if (is_number && after_number) sets.back() += "," + part;
    else sets.push_back(part);
    after_number = is_number;
  }
  return sets;
}

std::vector<int64_t> ResolveTokens(const std::string& set, const Prompt& prompt) {
  const auto tokens = static_cast<int64_t>(prompt.tokens.size());
  std::set<int64_t> chosen;
  for (const Span& span : ResolveSpans(set, prompt)) {
    for (int64_t token = span.begin; token < std::min(span.end, tokens); ++token)
      chosen.insert(token);
  }
  return {chosen.begin(), chosen.end()};
}

void CheckTokens(const std::string& set, const Prompt& prompt, const std::string& which) {
  const auto tokens = static_cast<int64_t>(prompt.tokens.size());
  for (const Span& span : ResolveSpans(set, prompt)) {
    if (span.end > tokens) {
      throw Error(fmt::format("token {} is beyond {} '{}'", span.end - 1, which, prompt.text),
                  fmt::format("it has the tokens 0 to {}", tokens - 1));
    }
  }
}

}  // namespace mambascope
