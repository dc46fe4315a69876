// A fact to rewrite, and the prompts that editing optimises on (Meng et al. 2022, section 3.1;
// Sharma et al. 2024, section 4).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/intervene/token_states.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

struct Rewrite {
  std::string pattern;  // the prompt with one {} for the subject: "{} is located in"
  std::string subject;
  std::string target;  // the new object; a space is put before it if it has none
};

// Texts with one {} for the prompt. They put different beginnings before the prompt, so that its
// key and value do not depend on one beginning. The first text is "{}", the bare prompt.
using Contexts = std::vector<std::string>;

// The name of a checkpoint's own contexts, and of those that an edit used.
inline constexpr const char* kContextsFile = "contexts.json";

// Plans `count` texts of `tokens` new tokens each. They continue `beginning`, drawn from the
// model's 5 most probable next tokens.
struct ContextPlan {
  std::string beginning;  // empty: the model's own beginning of a text (Tokenizer::BeginOfText)
  int64_t tokens, count;
};
// The published plans. ROME: 10 texts of 5 tokens and 10 of 10 tokens after the beginning of a
// text. MEMIT: one text of 9 tokens after each of five words.
std::vector<ContextPlan> RomeContextPlan();
std::vector<ContextPlan> MemitContextPlan();

// Returns "{}", and every generated text as "TEXT. {}". Texts are normalised (NFKD), their empty
// lines become spaces, and special tokens and braces are removed. Throws Error when a plan needs a
// beginning of a text that the tokenizer lacks.
Contexts GenerateContexts(const Model& model, const Tokenizer& tokenizer,
                          const std::vector<ContextPlan>& plan, uint64_t seed);

// Whether at least one generated text is not empty.
bool SaySomething(const Contexts& generated);

// Reads a JSON list of texts with one {} each, of which the first is "{}".
Contexts ReadContexts(const std::filesystem::path& file);

// The tokens of a rewrite.
struct RewritePrompts {
  // One prompt per context; `token` is the subject's last token.
  std::vector<PromptToken> prompts;
  std::vector<int64_t> target;  // ids, at least one
  PromptToken essence;          // "SUBJECT is a"; its meaning should not change
};

// Throws Error for a pattern without exactly one {}, an empty subject, and a target without a
// token.
RewritePrompts PrepareRewrite(const Tokenizer& tokenizer, const Rewrite& rewrite,
                              const Contexts& contexts);

}  // namespace mambascope
