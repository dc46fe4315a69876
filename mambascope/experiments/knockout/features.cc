#include "mambascope/experiments/knockout/features.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <numeric>

#include "mambascope/error.h"
#include "mambascope/experiments/knockout/layer_inputs.h"

namespace mambascope {
namespace {

// The mean step size of every channel over all tokens of the texts, float64 [channels] by layer.
std::vector<at::Tensor> MeanSteps(const Model& model, const std::vector<std::vector<int64_t>>& texts) {
  std::vector<int> layers(static_cast<size_t>(model.layers()));
  std::iota(layers.begin(), layers.end(), 0);
  std::vector<at::Tensor> sums(layers.size());
  int64_t tokens = 0;
  for (const std::vector<int64_t>& ids : texts) {
    const std::vector<at::Tensor> inputs = LayerInputs(model, ids, layers);
    for (size_t l = 0; l < layers.size(); ++l) {
      const at::Tensor sum = model.layer(layers[l]).Mix(inputs[l]).step.to(at::kDouble).sum(0);
      sums[l] = sums[l].defined() ? sums[l] + sum : sum;
    }
    tokens += static_cast<int64_t>(ids.size());
  }
  for (at::Tensor& sum : sums) sum = sum / tokens;
  return sums;
}

}  // namespace

std::vector<at::Tensor> FeatureScores(const Model& model, FeatureRank rank, const std::vector<std::vector<int64_t>>& texts) {
  const c10::NoGradGuard no_grad;
  if (!model.layer(0).decay().defined())
    throw Error("this model's features cannot be ranked by their decay: attention has none", "use a Mamba, or cut all channels");
  if (rank == FeatureRank::kStep && texts.empty()) throw Error("ranking features by their step sizes takes a text", "give at least one");
  const std::vector<at::Tensor> steps = rank == FeatureRank::kStep ? MeanSteps(model, texts) : std::vector<at::Tensor>();
  std::vector<at::Tensor> scores;
  for (int l = 0; l < model.layers(); ++l) {
    const at::Tensor decay = model.layer(l).decay().to(at::kDouble);  // [d_state or 1, channels]
    scores.push_back(at::exp(steps.empty() ? decay : decay * steps[static_cast<size_t>(l)]).sum(0).cpu());
  }
  return scores;
}

FeatureGroups RankFeatures(const Model& model, FeatureRank rank, const std::vector<std::vector<int64_t>>& texts) {
  FeatureGroups groups;
  for (const at::Tensor& score : FeatureScores(model, rank, texts)) {
    const int64_t channels = score.size(0), third = channels / 3, copies = model.config().ssm.d_inner / channels;
    const at::Tensor order = std::get<1>(at::sort(score, /*stable=*/true, 0, /*descending=*/false));
    const auto group = [&](int64_t begin, int64_t end) {
      const at::Tensor own = at::zeros({channels}, at::kBool).index_fill_(0, order.slice(0, begin, end), true);
      return own.repeat_interleave(copies).to(model.device());
    };
    groups.fast.push_back(group(0, third));
    groups.mid.push_back(group(third, channels - third));
    groups.slow.push_back(group(channels - third, channels));
  }
  return groups;
}

}  // namespace mambascope
