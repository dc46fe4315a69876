// A prompt with its tokens and the place of its subject.
#pragma once

#include <string>
#include <vector>

#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

struct Prompt {
  std::string text;
  std::vector<int64_t> ids;
  std::vector<std::string>
      tokens;  // each token's own text; a token that holds part of a character shows U+FFFD
  std::string subject;
  Span subject_span;  // tokens; empty when there is no subject
};

// The tokens of `text`, which need have no subject. Throws Error when it is empty.
Prompt MakePrompt(const Tokenizer& tokenizer, const std::string& text);

// Whether `text` has exactly one {}, which stands for the subject.
bool IsPattern(const std::string& text);

// `pattern` with its one {} replaced by `subject`. Throws Error for a pattern without exactly one
// {}, and an empty subject.
std::string FillPattern(const std::string& pattern, const std::string& subject);

// The tokens of FillPattern(pattern, subject). The subject's tokens are those whose characters
// overlap the subject's: a token that merely touches it, such as the space or the bracket before
// it, is not one. Throws Error as FillPattern does.
Prompt MakePrompt(const Tokenizer& tokenizer, const std::string& pattern,
                  const std::string& subject);

// A whole prompt in which `subject` stands, as a pattern: its last occurrence is replaced by {}.
// Throws Error when it does not occur.
std::string PromptPattern(const std::string& prompt, const std::string& subject);

// What a user gave: a pattern, or a whole prompt (without any {}) as PromptPattern has it.
std::string GivenPattern(const std::string& text, const std::string& subject);

}  // namespace mambascope
