// The prompts that one edit is checked on: --relations and --check-prompts.
#pragma once

#include <string>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/experiments/editing/check_prompts.h"

namespace mambascope {

struct EditCheckArguments {
  std::vector<std::string> relations;  // files and folders; may be empty
  std::vector<std::string> prompts;    // texts, with {} for the subject or without, or .txt files
  bool use_bundled = false;            // whether the bundled relations may be of the rewrite
};

// Returns paraphrases and neighbors of the rewrite's relation, and the user's own prompts. Warns
// where the relations that were given say nothing about the rewrite. Without any of these options,
// the bundled relations are used when the pattern is one of theirs. Throws Error for a file that
// cannot be read.
std::vector<CheckPrompt> TakeCheckPrompts(const CommonArguments& common,
                                          const EditCheckArguments& arguments,
                                          const Rewrite& rewrite);

}  // namespace mambascope
