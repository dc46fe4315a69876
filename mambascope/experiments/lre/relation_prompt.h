// A relation's question after examples of it: the prompts of linear relational embeddings
// (Hernandez et al. 2023, section 4.1).
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
  // What stands at the beginning. None: <|endoftext|> where the tokenizer has it as one token and
  // adds no token of its own, as the public implementation does for GPT-like tokenizers. A model
  // that never saw it at a text's beginning does better without: "".
  std::optional<std::string> prefix = {};
  // Which occurrence of the subject is meant. The public implementation takes the last one to make
  // an operator, and the first one to test it; they differ where the subject's letters occur in an
  // example or in the question too.
  enum class Subject { kAsked, kLast, kFirst } subject = Subject::kAsked;
};

// `examples`, each the `pattern` of its subject and its object, a line each, and the pattern of
// `subject`; `token` is the one that the subject ends in. Throws Error as FillPattern does.
PromptToken MakeRelationPrompt(const Tokenizer& tokenizer, const std::string& pattern,
                               const std::vector<Sample>& examples, const std::string& subject,
                               const RelationPromptOptions& options = {});

// For each sample, the prompt with the other samples of `samples` as examples: those with other
// subjects.
std::vector<PromptToken> MakeLeaveOneOutPrompts(const Tokenizer& tokenizer,
                                                const std::string& pattern,
                                                const std::vector<Sample>& samples,
                                                const RelationPromptOptions& options = {});

}  // namespace mambascope
