#include "mambascope/data/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "mambascope/error.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

Prompt FromTokens(const Tokenizer& tokenizer, const std::string& text,
                  const std::vector<Token>& tokens) {
  Prompt prompt{.text = text, .ids = {}, .tokens = {}, .subject = {}, .subject_span = {}};
  for (const Token& token : tokens) {
    prompt.ids.push_back(token.id);
    prompt.tokens.push_back(tokenizer.DecodeToken(token.id).value_or(""));
  }
  if (prompt.ids.empty()) throw Error("the prompt is empty", "it needs at least one token");
  return prompt;
}

// Returns whether a byte belongs to a word: a letter, a digit, or part of a character beyond ASCII.
bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0;
}

}  // namespace

Prompt MakePrompt(const Tokenizer& tokenizer, const std::string& text) {
  return FromTokens(tokenizer, text, tokenizer.Encode(text));
}

bool IsPattern(const std::string& text) {
  const size_t hole = text.find("{}");
  return hole != text.npos && text.find("{}", hole + 2) == text.npos;
}

std::string FillPattern(const std::string& pattern, const std::string& subject) {
  if (!IsPattern(pattern)) {
    throw Error(fmt::format("the prompt '{}' must have exactly one {{}}", pattern),
                "{} stands for the subject, as in '{} is located in'");
  }
  if (subject.empty()) throw Error("the subject is empty");
  std::string text = pattern;
  return text.replace(text.find("{}"), 2, subject);
}

Prompt MakePrompt(const Tokenizer& tokenizer, const std::string& pattern,
                  const std::string& subject) {
  const std::string text = FillPattern(pattern, subject);
  const size_t hole = pattern.find("{}");
  const int64_t begin = CountChars(std::string_view(pattern).substr(0, hole)),
                end = begin + CountChars(subject);
  const std::vector<Token> tokens = tokenizer.Encode(text);
  Prompt prompt = FromTokens(tokenizer, text, tokens);
  prompt.subject = subject;
  const auto overlaps = [&](const Token& t) { return t.chars.begin < end && begin < t.chars.end; };
  const auto first = std::find_if(tokens.begin(), tokens.end(), overlaps);
  const auto last = std::find_if_not(first, tokens.end(), overlaps);
  if (first == last)
    throw Error(
        fmt::format("no token of the prompt '{}' belongs to the subject '{}'", text, subject));
  prompt.subject_span = {first - tokens.begin(), last - tokens.begin()};
  return prompt;
}

std::vector<SubjectPlace> FindSubject(const std::string& prompt, const std::string& subject) {
  std::vector<SubjectPlace> places;
  if (subject.empty()) return places;
  for (size_t at = prompt.find(subject); at != prompt.npos; at = prompt.find(subject, at + 1)) {
    const size_t end = at + subject.size();
    const bool touches_before = at > 0 && IsWordByte(prompt[at - 1]) && IsWordByte(prompt[at]);
    const bool touches_after =
        end < prompt.size() && IsWordByte(prompt[end]) && IsWordByte(prompt[end - 1]);
    places.push_back({at, !touches_before && !touches_after});
  }
  return places;
}

std::string PromptPattern(const std::string& prompt, const std::string& subject) {
  const std::vector<SubjectPlace> places = FindSubject(prompt, subject);
  if (places.empty())
    throw Error(fmt::format("the subject '{}' is not in the prompt '{}'", subject, prompt));
  const auto word = std::find_if(places.rbegin(), places.rend(),
                                 [](const SubjectPlace& place) { return place.is_word; });
  const size_t at = word == places.rend() ? places.back().begin : word->begin;
  return prompt.substr(0, at) + "{}" + prompt.substr(at + subject.size());
}

std::string GivenPattern(const std::string& text, const std::string& subject) {
  return text.find("{}") == std::string::npos ? PromptPattern(text, subject) : text;
}

}  // namespace mambascope
