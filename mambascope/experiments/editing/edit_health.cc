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

namespace mambascope {
namespace {

double GeometricMean(std::vector<double> values) {
  for (double& value : values) value = std::log(value);
  return std::exp(Mean(values));
}

std::vector<WeightChange> WeightChanges(const Model& base, const Model& edited,
                                        const std::vector<Edit>& edits) {
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
  const std::vector<double> before =
      options.before.empty() ? Perplexities(base, texts) : options.before;
  EditHealth health{.weights = WeightChanges(base, edited, edits),
                    .perplexity_before = GeometricMean(before),
                    .perplexity_after = GeometricMean(Perplexities(edited, texts))};
  for (const WeightChange& w : health.weights) {
    const double change = w.change_norm / w.weight_norm;
    if (change > options.most_change)
      health.warnings.push_back(
          fmt::format("{} at layer {} is changed by {:.2f} of its norm (bound: {:.2f})",
                      w.projection, w.layer, change, options.most_change));
  }
  if (health.PerplexityRatio() > options.most_perplexity)
    health.warnings.push_back(fmt::format(
        "the perplexity rises from {:.4g} to {:.4g}, by a factor of {:.2f} (bound: {:.2f})",
        health.perplexity_before, health.perplexity_after, health.PerplexityRatio(),
        options.most_perplexity));
  return health;
}

}  // namespace mambascope
