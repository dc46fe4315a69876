// A prompt with its tokens and the position of its subject.
#pragma once

#include <string>
#include <vector>

#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

struct Prompt {
  std::string text;
  std::vector<int64_t> ids;
  // The text of each token. Bytes that are only part of a character appear as U+FFFD.
  std::vector<std::string> tokens;
  std::string subject;
  Span subject_span;  // range of token positions; empty when there is no subject
};

// Tokenizes `text` as a prompt without a subject. Throws Error when it has no tokens.
Prompt MakePrompt(const Tokenizer& tokenizer, const std::string& text);

// Returns whether `text` has exactly one {}, which stands for the subject.
bool IsPattern(const std::string& text);

// Returns `pattern` with {} replaced by `subject`. Throws Error for a pattern that does not have
// exactly one {}, and for an empty subject.
std::string FillPattern(const std::string& pattern, const std::string& subject);

// Tokenizes FillPattern(pattern, subject). The subject's tokens are those that share a character
// with the subject. A token that is only adjacent, such as a bracket before the subject, is not
// one. Throws Error as FillPattern does, and when no token belongs to the subject.
Prompt MakePrompt(const Tokenizer& tokenizer, const std::string& pattern,
                  const std::string& subject);

// An occurrence of a subject in a prompt.
struct SubjectPlace {
  size_t begin;  // byte offset
  bool is_word;  // whether it is a whole word or words, and not part of a longer word
};

// Returns all occurrences of `subject` in `prompt`, in order.
std::vector<SubjectPlace> FindSubject(const std::string& prompt, const std::string& subject);

// Makes a pattern from a whole prompt. {} replaces the last occurrence of `subject` as a whole
// word. If there is none, it replaces the last occurrence inside a longer word. Throws Error when
// the prompt does not contain the subject.
std::string PromptPattern(const std::string& prompt, const std::string& subject);

// Makes a pattern from a user's text. Text that contains {} is returned unchanged. Any other text
// is a whole prompt and goes through PromptPattern.
std::string GivenPattern(const std::string& text, const std::string& subject);

}  // namespace mambascope
