#include "mambascope/experiments/editing/rewrite.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/checkpoint/json.h"
#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/model/generate.h"
#include "mambascope/tokenizer/normalize.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

void ReplaceAll(std::string& text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size())
    text.replace(at, what.size(), by);
}

constexpr const char* kEmptyContext = ". {}";  // AsContext of an empty text

std::string AsContext(std::string text) {
  text = Nfkd(text);
  ReplaceAll(text, "\n\n", " ");
  for (const char* gone : {"<|endoftext|>", "{", "}"}) ReplaceAll(text, gone, "");
  return text + ". {}";
}

std::vector<int64_t> BeginningIds(const Tokenizer& tokenizer, const std::string& beginning) {
  if (!beginning.empty()) return TokenIds(tokenizer.Encode(beginning));
  std::vector<int64_t> ids = tokenizer.BeginOfText();
  if (ids.empty())
    throw Error("contexts cannot be generated: the tokenizer has no token that begins a text",
                "use --contexts memit, whose texts begin with words, or a file of contexts");
  return ids;
}

PromptToken SubjectLast(const Prompt& prompt) { return {prompt.ids, prompt.subject_span.end - 1}; }

}  // namespace

std::vector<ContextPlan> RomeContextPlan() { return {{"", 5, 10}, {"", 10, 10}}; }

std::vector<ContextPlan> MemitContextPlan() {
  std::vector<ContextPlan> plan;
  for (const char* word : {"The", "Therefore", "Because", "I", "You"}) plan.push_back({word, 9, 1});
  return plan;
}

Contexts GenerateContexts(const Model& model, const Tokenizer& tokenizer,
                          const std::vector<ContextPlan>& plan, uint64_t seed) {
  Contexts contexts = {"{}"};
  for (const ContextPlan& part : plan) {
    const std::vector<int64_t> beginning = BeginningIds(tokenizer, part.beginning);
    const std::vector<std::vector<int64_t>> prompts(static_cast<size_t>(part.count), beginning);
    for (std::vector<int64_t> ids : Generate(
             model, prompts, {.tokens = part.tokens, .top_k = 5, .seed = seed + contexts.size()})) {
      ids.insert(ids.begin(), beginning.begin(), beginning.end());
      std::erase_if(ids, [&](int64_t id) { return tokenizer.IsSpecial(id); });
      contexts.push_back(AsContext(tokenizer.DecodeKnown(ids)));
    }
  }
  return contexts;
}

bool SaySomething(const Contexts& generated) {
  return std::any_of(generated.begin(), generated.end(), [](const std::string& context) {
    return context != "{}" && context != kEmptyContext;
  });
}

Contexts ReadContexts(const std::filesystem::path& file) {
  const Json json = ReadJson(file);
  const auto is_context = [](const Json& text) {
    return text.is_string() && IsPattern(text.get<std::string>());
  };
  if (!json.is_array() || json.empty() || !std::all_of(json.begin(), json.end(), is_context) ||
      json[0] != "{}")
    throw Error(
        file.string() +
        ": expected a list of texts, each with one {} for the prompt, and \"{}\" as the first");
  return json.get<Contexts>();
}

RewritePrompts PrepareRewrite(const Tokenizer& tokenizer, const Rewrite& rewrite,
                              const Contexts& contexts) {
  RewritePrompts result;
  for (std::string context : contexts) {
    context.replace(context.find("{}"), 2, rewrite.pattern);
    result.prompts.push_back(SubjectLast(MakePrompt(tokenizer, context, rewrite.subject)));
  }
  if (StripWhiteSpace(rewrite.target).empty())
    throw Error(fmt::format("the target '{}' has no token", rewrite.target),
                "give the new object as a text");
  result.target = EncodeTarget(tokenizer, rewrite.target, "target");
  result.essence = SubjectLast(MakePrompt(tokenizer, "{} is a", rewrite.subject));
  return result;
}

}  // namespace mambascope
