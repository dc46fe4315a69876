#include "mambascope/experiments/editing/one_edit.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

constexpr int64_t kTopTokens = 5;

NextTokens PredictNext(const EditInputs& inputs, const Model& model,
                       const RewritePrompts& rewrite) {
  const std::vector<int64_t>& prompt = rewrite.prompts[0].ids;
  const at::Tensor p = Run(model, {prompt}).LastLogits()[0].softmax(0);  // [vocab]
  const auto [probs, ids] = p.topk(std::min(kTopTokens, p.size(0)));
  NextTokens next;
  for (int64_t i = 0; i < ids.size(0); ++i) {
    const auto id = ids[i].item<int64_t>();
    next.top.push_back(
        {id, inputs.tokenizer.DecodeToken(id).value_or(""), probs[i].item<double>()});
  }
  const TargetScore score = ScoreTargets(model, {{prompt, {rewrite.target}}})[0][0];
  next.p_target = std::exp(-score.nll * static_cast<double>(rewrite.target.size()));
  return next;
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
                       .before = PredictNext(inputs, inputs.model, prompts),
                       .after = PredictNext(inputs, inputs.model.Edited(found.edits), prompts),
                       .health = CheckEdits(inputs.model, found.edits, options.texts),
                       .perplexity_text = {}};
  if (result.before.top[0].id == prompts.target[0])
    result.health.warnings.push_back(
        "the edit was not needed: the unedited model says the target's first token already");
  if (result.after.top[0].id != prompts.target[0])
    result.health.warnings.push_back(
        "the edit failed: the most probable next token does not begin the target");
  return {std::move(result), found.edits};
}

}  // namespace mambascope
