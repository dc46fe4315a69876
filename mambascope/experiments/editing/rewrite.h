// A fact to rewrite, as the prompts that editing optimises on (Meng et al. 2022, section 3.1;
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
  std::string pattern;  // "{} is located in": the prompt, with one {} for the subject
  std::string subject;
  std::string target;  // the new object; the space before it may be left out
};

// What stands before a prompt so that its key and value do not depend on the prompt's beginning:
// texts with one {} for the prompt. The first is "{}" alone, the bare prompt.
using Contexts = std::vector<std::string>;

// `count` texts of `tokens` new tokens each, drawn from the model's 5 most probable next ones after
// `beginning`.
struct ContextPlan {
  std::string beginning;
  int64_t tokens, count;
};
// The published plans. ROME: 10 texts of 5 and 10 of 10 tokens after "<|endoftext|>". MEMIT: one
// after each of five words.
std::vector<ContextPlan> RomeContextPlan();
std::vector<ContextPlan> MemitContextPlan();

// "{}", and every text that the model goes on with, as "TEXT. {}": normalised (NFKD), empty lines
// as spaces, without <|endoftext|> and braces. Throws Error when the tokenizer lacks a beginning's
// special token.
Contexts GenerateContexts(const Model& model, const Tokenizer& tokenizer,
                          const std::vector<ContextPlan>& plan, uint64_t seed);

// A JSON list of texts with one {} each, of which the first is "{}".
Contexts ReadContexts(const std::filesystem::path& file);

// A rewrite in tokens.
struct RewritePrompts {
  std::vector<PromptToken>
      prompts;  // one per context, to the prompt's end; `token` is the subject's last
  std::vector<int64_t> target;  // ids, one or more
  PromptToken essence;          // "SUBJECT is a", which must go on meaning the same
};

// Throws Error for a pattern without exactly one {}, an empty subject, and a target without a
// token.
RewritePrompts PrepareRewrite(const Tokenizer& tokenizer, const Rewrite& rewrite,
                              const Contexts& contexts);

}  // namespace mambascope
