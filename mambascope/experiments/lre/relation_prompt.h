// Prompts that show examples of a relation before asking for it, as linear relational embeddings
// use them (Hernandez et al. 2023, section 4.1).
//
//   <|endoftext|>The capital city of Peru is Lima
//   The capital city of Japan is
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/intervene/token_states.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

struct RelationPromptOptions {
  // The text before everything else. None: <|endoftext|> if the tokenizer has it as one token and
  // adds no token of its own, as in the public implementation for GPT-like tokenizers. For a model
  // that never saw it at a text's beginning, "" works better.
  std::optional<std::string> prefix = {};
  // Which occurrence of the subject is taken. The public implementation takes the last one to make
  // an operator and the first one to test it. They differ where the subject's letters also occur in
  // an example or in the question.
  enum class Subject { kAsked, kLast, kFirst } subject = Subject::kAsked;
};

// Makes a prompt with one line per example (`pattern` with its subject, then its object), and then
// `pattern` with `subject`. The result's `token` is the subject's last token. Throws Error when
// FillPattern does, and when no token ends the subject.
PromptToken MakeRelationPrompt(const Tokenizer& tokenizer, const std::string& pattern,
                               const std::vector<Sample>& examples, const std::string& subject,
                               const RelationPromptOptions& options = {});

// Makes a prompt for each sample, with the samples of other subjects as examples.
std::vector<PromptToken> MakeLeaveOneOutPrompts(const Tokenizer& tokenizer,
                                                const std::string& pattern,
                                                const std::vector<Sample>& samples,
                                                const RelationPromptOptions& options = {});

}  // namespace mambascope
