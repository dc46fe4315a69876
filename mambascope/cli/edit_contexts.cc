#include "mambascope/cli/edit_contexts.h"

#include <fmt/format.h>

#include "mambascope/cli/progress.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

std::vector<ContextPlan> PlanNamed(const std::string& name) {
  return name == "rome" ? RomeContextPlan() : MemitContextPlan();
}

// Why ROME's plan cannot be used; empty: it can, and `contexts` are its texts.
std::string TryRomePlan(const CommonArguments& common, const Model& model,
                        const Tokenizer& tokenizer, Contexts& contexts) {
  if (tokenizer.BeginOfText().empty()) return "the tokenizer has no token that begins a text";
  contexts = GenerateContexts(model, tokenizer, RomeContextPlan(), common.Seed());
  if (!SaySomething(contexts)) return "the model continues the beginning of a text with nothing";
  return "";
}

ChosenContexts DefaultContexts(const CommonArguments& common, const std::string& method,
                               const Model& model, const Tokenizer& tokenizer) {
  const Progress progress({.what = "edit: generating contexts"}, common.progress());
  Contexts contexts;
  std::string why_not;
  if (method == "rome") {
    why_not = TryRomePlan(common, model, tokenizer, contexts);
    if (why_not.empty()) {
      Note(common, fmt::format("the contexts are {} texts that the model generates, as ROME does; "
                               "--contexts takes others",
                               contexts.size() - 1));
      return {contexts, "rome"};
    }
  }
  contexts = GenerateContexts(model, tokenizer, MemitContextPlan(), common.Seed());
  Note(common, fmt::format("the contexts are {} texts that the model generates after single words, "
                           "as MEMIT does{}; --contexts takes others",
                           contexts.size() - 1,
                           why_not.empty() ? "" : fmt::format(", because {}", why_not)));
  return {contexts, "memit"};
}

}  // namespace

ChosenContexts ChooseContexts(const CommonArguments& common, const std::string& given,
                              const std::string& method, const Model& model,
                              const Tokenizer& tokenizer) {
  const fs::path own = ModelFolder(common.model) / kContextsFile;
  if (given.empty() && fs::exists(own)) return {ReadContexts(own), kContextsFile};
  if (given.empty()) return DefaultContexts(common, method, model, tokenizer);
  if (given != "rome" && given != "memit") return {ReadContexts(given), given};
  Contexts contexts = GenerateContexts(model, tokenizer, PlanNamed(given), common.Seed());
  if (!SaySomething(contexts))
    throw Error("contexts cannot be generated: the model goes on with empty texts",
                "use --contexts memit, whose texts begin with words, or a file of contexts");
  return {std::move(contexts), given};
}

}  // namespace mambascope
