#include "mambascope/cli/lre_apply.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/experiments/lre/jacobian.h"
#include "mambascope/experiments/lre/lre_json.h"
#include "mambascope/experiments/lre/predictions.h"
#include "mambascope/figures/label.h"

namespace mambascope {
namespace {

// The most probable tokens of one output of the last block, [d_model].
Json TokensAfter(const Model& model, const Tokenizer& tokenizer, const at::Tensor& z, int64_t top) {
  return TopTokens(model.Unembed(z).cpu().softmax(0), top, tokenizer);
}

std::string TokenColumn(const Json& token) {
  return fmt::format("{:8.4f}  {}", token["prob"].get<double>(), ShownToken(token["text"]));
}

// After the samples that the operator was made from, the subject's own left out; or --prompt alone.
PromptToken MakeApplyPrompt(const LreArguments& a, const Tokenizer& tokenizer,
                            const StoredLre& stored) {
  if (a.prompt) {
    const Prompt prompt = MakePrompt(tokenizer, GivenPattern(*a.prompt, *a.subject), *a.subject);
    return {prompt.ids, static_cast<int64_t>(prompt.subject_span.end) - 1};
  }
  std::vector<Sample> examples = stored.examples;
  std::erase_if(examples, [&](const Sample& example) { return example.subject == *a.subject; });
  return MakeRelationPrompt(tokenizer, stored.pattern, examples, *a.subject,
                            {.prefix = stored.prefix});
}

}  // namespace

void ApplyLre(const CommonArguments& common, const LreArguments& a) {
  const StoredLre stored = ReadLre(*a.apply);
  RequireSameCheckpoint(common, *a.apply, "an operator", stored.model);
  const Tokenizer tokenizer = RequireTokenizer(common);
  const Model model = LoadModel(common, &tokenizer);
  if (stored.lre.layer < kEmbedLayer || stored.lre.layer >= model.layers())
    throw Error(fmt::format("{} is an operator of layer {}, but the model has layers 0 to {}",
                            *a.apply, stored.lre.layer, model.layers() - 1));
  const Place from = BlockOutput(stored.lre.layer);
  if (stored.lre.b.size(0) != model.width(from))
    throw Error(fmt::format("{} is an operator of width {}, but the model has width {}", *a.apply,
                            stored.lre.b.size(0), model.width(from)));
  const PromptToken prompt = MakeApplyPrompt(a, tokenizer, stored);
  LreOperator lre = stored.lre;
  lre.w = lre.w.to(model.device());
  lre.b = lre.b.to(model.device());
  const at::Tensor h = TokenStates(model, {prompt}, {from}).at(from)[0],
                   own = LastStates(model, {prompt})[0];
  const Json says = TokensAfter(model, tokenizer, lre(h), a.top),
             model_says = TokensAfter(model, tokenizer, own, a.top);
  const Json layer = LayerJson(lre.layer);
  std::string text =
      fmt::format("{} at layer {}, beta {}\n{:<32}{}\n", VisibleText(stored.relation),
                  DumpJson(layer), lre.beta, "    the operator says", "    the model says");
  for (size_t i = 0; i < says.size(); ++i)
    text += fmt::format("{:<32}{}\n", TokenColumn(says[i]), TokenColumn(model_says[i]));
  Print(common,
        {{"relation", stored.relation},
         {"layer", layer},
         {"beta", lre.beta},
         {"prompt", tokenizer.Decode(prompt.ids)},
         {"operator", says},
         {"model", model_says}},
        text);
}

}  // namespace mambascope
