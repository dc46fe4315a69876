// The texts that `edit` puts before its prompts.
#pragma once

#include <string>

#include "mambascope/cli/common.h"
#include "mambascope/experiments/editing/rewrite.h"

namespace mambascope {

struct ChosenContexts {
  Contexts contexts;
  std::string from;  // a file's name, or the plan: "rome" or "memit"
};

// `given` is --contexts: a file or a plan. When it is empty, the contexts are those of the
// checkpoint's contexts.json, or else of the method's plan. MEMIT's plan replaces ROME's where the
// tokenizer has no token that begins a text, and where the model goes on with empty texts. A note
// says what was chosen. Throws Error when a plan that was given cannot be used.
ChosenContexts ChooseContexts(const CommonArguments& common, const std::string& given,
                              const std::string& method, const Model& model,
                              const Tokenizer& tokenizer);

}  // namespace mambascope
