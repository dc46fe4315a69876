#include "mambascope/experiments/editing/one_edit.h"

#include <ATen/ATen.h>

namespace mambascope {
namespace {

NextTokens PredictOne(const EditInputs& inputs, const Model& model, const RewritePrompts& rewrite) {
  return PredictNext(model, inputs.tokenizer, {rewrite.prompts[0].ids}, rewrite.target)[0];
}

// The edits of one fact, and the value that was found for it.
struct FoundEdits {
  std::vector<Edit> edits;
  FoundValue value;
  double v0_norm;
};

FoundEdits MakeEdits(const EditInputs& inputs, const RewritePrompts& rewrite,
                     const OneEditOptions& options, const RomeOptions& rome) {
  const auto& [layer, projection] = options.places[0];
  const RomeEdit edit =
      Rome(inputs.model, {{&rewrite, layer, projection}}, inputs.solvers, rome)[0];
  return {{edit.edit}, edit.value, edit.v0_norm};
}

FoundEdits MakeEdits(const EditInputs& inputs, const RewritePrompts& rewrite,
                     const OneEditOptions& options, const MemitOptions& memit) {
  const std::set<int> layers = EditedLayers(options.places);
  const MemitResult result =
      Memit(inputs.model, {rewrite}, layers, options.places[0].projection, inputs.solvers, memit);
  const Place last{Site::kResid, *layers.rbegin()};
  return {result.Edits(), result.values[0],
          TokenStates(inputs.model, {rewrite.prompts[0]}, {last}).at(last).norm().item<double>()};
}

}  // namespace

OneEdit EditOne(const EditInputs& inputs, const Rewrite& rewrite, const RewritePrompts& prompts,
                const OneEditOptions& options) {
  const FoundEdits found =
      std::visit([&](const auto& method) { return MakeEdits(inputs, prompts, options, method); },
                 options.method);
  const std::set<int> layers = EditedLayers(options.places);
  const Model edited = inputs.model.Edited(found.edits);
  OneEditResult result{.options = {},
                       .layers = {layers.begin(), layers.end()},
                       .projection = options.places[0].projection,
                       .prompt = rewrite.pattern,
                       .subject = rewrite.subject,
                       .target = rewrite.target,
                       .loss = found.value.steps,
                       .stopped = found.value.stopped,
                       .v0_norm = found.v0_norm,
                       .delta_norm = found.value.delta.norm().item<double>(),
                       .before = PredictOne(inputs, inputs.model, prompts),
                       .after = PredictOne(inputs, edited, prompts),
                       .checks = CheckPrompts(inputs.model, edited, inputs.tokenizer,
                                              options.checks, prompts.target),
                       .health = CheckEdits(inputs.model, found.edits, options.texts),
                       .perplexity_text = {}};
  if (result.before.says_target)
    result.health.warnings.push_back(
        "the edit was not needed: the unedited model says the target already");
  if (!result.after.says_target)
    result.health.warnings.push_back(
        result.after.top[0].id == prompts.target[0]
            ? "the edit failed: the model says only the beginning of the target"
            : "the edit failed: the model does not say the target");
  if (const auto warning = NeighborWarning(result.checks))
    result.health.warnings.push_back(*warning);
  return {std::move(result), found.edits};
}

}  // namespace mambascope
