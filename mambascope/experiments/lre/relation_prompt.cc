#include "mambascope/experiments/lre/relation_prompt.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

std::string Prefix(const Tokenizer& tokenizer, const RelationPromptOptions& options) {
  if (options.prefix) return *options.prefix;
  if (!tokenizer.Encode("").empty()) return "";  // Encode begins every text itself
  return tokenizer.Decode(tokenizer.BeginOfText());
}

// Returns where the subject begins in `text`, in bytes. `asked` is its place in the question.
size_t SubjectBegin(const std::string& text, const std::string& subject, size_t asked,
                    RelationPromptOptions::Subject which) {
  switch (which) {
    case RelationPromptOptions::Subject::kAsked: return asked;
    case RelationPromptOptions::Subject::kLast: return text.rfind(subject);
    case RelationPromptOptions::Subject::kFirst: return text.find(subject);
  }
  return asked;
}

}  // namespace

PromptToken MakeRelationPrompt(const Tokenizer& tokenizer, const std::string& pattern,
                               const std::vector<Sample>& examples, const std::string& subject,
                               const RelationPromptOptions& options) {
  std::string text = Prefix(tokenizer, options);
  for (const Sample& example : examples)
    text += FillPattern(pattern, example.subject) + " " + example.object + "\n";
  if (examples.empty()) text += "\n";  // as the public implementation does
  const size_t asked = text.size() + pattern.find("{}");
  text += FillPattern(pattern, subject);
  const size_t end = SubjectBegin(text, subject, asked, options.subject) + subject.size();
  const int64_t char_end = CountChars(std::string_view(text).substr(0, end));
  const std::vector<Token> tokens = tokenizer.Encode(text);
  // The first token that contains the subject's end. A character may be split into several tokens;
  // then it is the first of them.
  const auto last = std::find_if(tokens.begin(), tokens.end(), [&](const Token& token) {
    return token.chars.begin <= char_end && char_end <= token.chars.end;
  });
  if (last == tokens.end())
    throw Error(fmt::format("no token of the prompt '{}' ends the subject '{}'", text, subject));
  return {TokenIds(tokens), last - tokens.begin()};
}

std::vector<PromptToken> MakeLeaveOneOutPrompts(const Tokenizer& tokenizer,
                                                const std::string& pattern,
                                                const std::vector<Sample>& samples,
                                                const RelationPromptOptions& options) {
  std::vector<PromptToken> prompts;
  for (const Sample& sample : samples) {
    std::vector<Sample> others = samples;
    std::erase_if(others, [&](const Sample& other) { return other.subject == sample.subject; });
    prompts.push_back(MakeRelationPrompt(tokenizer, pattern, others, sample.subject, options));
  }
  return prompts;
}

}  // namespace mambascope
