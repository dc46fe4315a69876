#include "mambascope/experiments/editing/edit_health.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/experiments/statistics.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

double GeometricMean(std::vector<double> values) {
  for (double& value : values) value = std::log(value);
  return std::exp(Mean(values));
}

std::vector<WeightChange> WeightChanges(const Model& base, const Model& edited,
                                        const std::vector<Edit>& edits) {
  const OneThread one_thread;
  std::set<std::pair<int, std::string>> places;
  for (const Edit& edit : edits) places.emplace(edit.layer, edit.projection);
  std::vector<WeightChange> changes;
  for (const auto& [layer, projection] : places) {
    const at::Tensor before = FindEditable(base.layer(layer), projection).weight.to(at::kFloat);
    const at::Tensor after = FindEditable(edited.layer(layer), projection).weight.to(at::kFloat);
    changes.push_back(
        {layer, projection, (after - before).norm().item<double>(), before.norm().item<double>()});
  }
  return changes;
}

void WarnOfPerplexity(const PerplexityChange& perplexity, const EditHealthOptions& options,
                      std::vector<std::string>& warnings) {
  if (perplexity.before > options.most_perplexity_before)
    warnings.push_back(
        fmt::format("the unedited model's perplexity of the text is {:.4g} (bound: {:.4g}): the "
                    "model does not know text of this kind, so the perplexity says little",
                    perplexity.before, options.most_perplexity_before));
  if (perplexity.Ratio() > options.most_perplexity)
    warnings.push_back(fmt::format(
        "the perplexity rises from {:.4g} to {:.4g}, by a factor of {:.2f} (bound: {:.2f})",
        perplexity.before, perplexity.after, perplexity.Ratio(), options.most_perplexity));
}

}  // namespace

double EditHealth::MostChangedPercent() const {
  double most = 0;
  for (const WeightChange& weight : weights)
    most = std::max(most, weight.change_norm / weight.weight_norm);
  return 100 * most;
}

EditHealth CheckEdits(const Model& base, const std::vector<Edit>& edits,
                      const std::vector<std::vector<int64_t>>& texts,
                      const EditHealthOptions& options) {
  c10::NoGradGuard no_grad;
  const Model edited = base.Edited(edits);
  EditHealth health{.weights = WeightChanges(base, edited, edits)};
  for (const WeightChange& w : health.weights) {
    const double change = w.change_norm / w.weight_norm;
    if (change > options.most_change)
      health.warnings.push_back(
          fmt::format("{} at layer {} is changed by {:.2f} of its norm (bound: {:.2f})",
                      w.projection, w.layer, change, options.most_change));
  }
  if (texts.empty()) return health;
  const std::vector<double> before =
      options.before.empty() ? Perplexities(base, texts) : options.before;
  health.perplexity = {GeometricMean(before), GeometricMean(Perplexities(edited, texts))};
  WarnOfPerplexity(*health.perplexity, options, health.warnings);
  return health;
}

}  // namespace mambascope
