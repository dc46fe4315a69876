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

// A place where a prompt contains a subject.
struct SubjectPlace {
  size_t begin;  // byte
  bool is_word;  // no letter or digit touches it
};

// Returns all places of `subject` in `prompt`, in their order.
std::vector<SubjectPlace> FindSubject(const std::string& prompt, const std::string& subject);

// Returns a whole prompt as a pattern: {} replaces `subject` at its last place as a word, or at its
// last place where it is only part of words. Throws Error when the prompt does not contain it.
std::string PromptPattern(const std::string& prompt, const std::string& subject);

// What a user gave: a pattern, or a whole prompt (without any {}) as PromptPattern has it.
std::string GivenPattern(const std::string& text, const std::string& subject);

}  // namespace mambascope
