#include "mambascope/experiments/editing/edit_health.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>
#include <set>
#include <utility>

#include "mambascope/experiments/statistics.h"
#include "mambascope/experiments/editing/target_scores.h"

namespace mambascope {
namespace {

double GeometricMean(std::vector<double> values) {
  for (double& value : values) value = std::log(value);
  return std::exp(Mean(values));
}

std::vector<WeightChange> Changes(const Model& base, const Model& edited, const std::vector<Edit>& edits) {
  std::set<std::pair<int, std::string>> places;
  for (const Edit& edit : edits) places.emplace(edit.layer, edit.projection);
  std::vector<WeightChange> changes;
  for (const auto& [layer, projection] : places) {
    const at::Tensor before = FindEditable(base.layer(layer), projection).weight.to(at::kFloat);
    const at::Tensor after = FindEditable(edited.layer(layer), projection).weight.to(at::kFloat);
    changes.push_back({layer, projection, (after - before).norm().item<double>(), before.norm().item<double>()});
  }
  return changes;
}

}  // namespace

EditHealth CheckEdits(const Model& base, const std::vector<Edit>& edits, const std::vector<std::vector<int64_t>>& texts,
                      const EditHealthOptions& options) {
  c10::NoGradGuard no_grad;
  const Model edited = base.Edited(edits);
  EditHealth health{.weights = Changes(base, edited, edits), .before = options.before.empty() ? Perplexities(base, texts) : options.before, .after = Perplexities(edited, texts)};
  health.mean_before = GeometricMean(health.before);
  health.mean_after = GeometricMean(health.after);
  for (const WeightChange& w : health.weights) {
    const double change = w.change_norm / w.weight_norm;
    if (change > options.most_change)
      health.warnings.push_back(fmt::format("{} at layer {} is changed by {:.2f} of its norm, more than {:.2f}", w.projection, w.layer,
                                            change, options.most_change));
  }
  const double ratio = health.mean_after / health.mean_before;
  if (ratio > options.most_perplexity)
    health.warnings.push_back(fmt::format("the perplexity rises from {:.4g} to {:.4g}, by a factor of {:.2f}, more than {:.2f}",
                                          health.mean_before, health.mean_after, ratio, options.most_perplexity));
  return health;
}

}  // namespace mambascope
