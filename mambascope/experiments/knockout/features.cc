#include "mambascope/experiments/knockout/features.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <optional>

#include "mambascope/error.h"
#include "mambascope/experiments/knockout/layer_inputs.h"

namespace mambascope {
namespace {

struct ScanLayer {
  int layer;
  Mixer mixer;
};

std::vector<ScanLayer> FindScans(const Model& model) {
  std::vector<ScanLayer> scans;
  for (int l = 0; l < model.layers(); ++l) {
    if (const std::optional<Mixer> mixer = FindMixer(model.layer(l).mixers(), MixerKind::kScan))
      scans.push_back({l, *mixer});
  }
  return scans;
}

// Returns the step sizes [token, channels] of the scan in `layer`, given the layer's input.
at::Tensor Steps(const Layer& layer, const LayerInput& input) {
  for (const Mixing& mixing : layer.Mix(input)) {
    if (mixing.step.defined()) return mixing.step;
  }
  return {};
}

// Returns every channel's mean step size over all tokens of the texts: float64 [channels] by scan.
std::vector<at::Tensor> MeanSteps(const Model& model, const std::vector<ScanLayer>& scans,
                                  const std::vector<std::vector<int64_t>>& texts) {
  std::vector<int> layers;
  for (const ScanLayer& scan : scans) layers.push_back(scan.layer);
  std::vector<at::Tensor> sums(layers.size());
  int64_t tokens = 0;
  for (const std::vector<int64_t>& ids : texts) {
    const std::vector<LayerInput> inputs = LayerInputs(model, ids, layers);
    for (size_t i = 0; i < layers.size(); ++i) {
      const at::Tensor sum = Steps(model.layer(layers[i]), inputs[i]).to(at::kDouble).sum(0);
      sums[i] = sums[i].defined() ? sums[i] + sum : sum;
    }
    tokens += static_cast<int64_t>(ids.size());
  }
  for (at::Tensor& sum : sums) sum = sum / tokens;
  return sums;
}

}  // namespace

std::vector<at::Tensor> FeatureScores(const Model& model, FeatureRank rank,
                                      const std::vector<std::vector<int64_t>>& texts) {
  const c10::NoGradGuard no_grad;
  const std::vector<ScanLayer> scans = FindScans(model);
  if (scans.empty())
    throw Error("this model's channels cannot be ranked by decay: attention has no decay",
                "use a Mamba, or cut all channels");
  if (rank == FeatureRank::kStep && texts.empty())
    throw Error("ranking channels by step size needs a text", "give at least one text");
  const std::vector<at::Tensor> steps =
      rank == FeatureRank::kStep ? MeanSteps(model, scans, texts) : std::vector<at::Tensor>();
  std::vector<at::Tensor> scores(static_cast<size_t>(model.layers()));
  for (size_t i = 0; i < scans.size(); ++i) {
    const at::Tensor decay = scans[i].mixer.decay.to(at::kDouble);  // [d_state or 1, channels]
    scores[static_cast<size_t>(scans[i].layer)] =
        at::exp(steps.empty() ? decay : decay * steps[i]).sum(0).cpu();
  }
  return scores;
}

FeatureGroups RankFeatures(const Model& model, FeatureRank rank,
                           const std::vector<std::vector<int64_t>>& texts) {
  const std::vector<at::Tensor> scores = FeatureScores(model, rank, texts);
  FeatureGroups groups{std::vector<at::Tensor>(scores.size()),
                       std::vector<at::Tensor>(scores.size()),
                       std::vector<at::Tensor>(scores.size())};
  for (const ScanLayer& scan : FindScans(model)) {
    const auto l = static_cast<size_t>(scan.layer);
    const at::Tensor& score = scores[l];
    const int64_t channels = score.size(0), third = channels / 3,
                  copies = scan.mixer.channels / channels;
    const at::Tensor order = std::get<1>(at::sort(score, /*stable=*/true, 0, /*descending=*/false));
    const auto group = [&](int64_t begin, int64_t end) {
      const at::Tensor own =
          at::zeros({channels}, at::kBool).index_fill_(0, order.slice(0, begin, end), true);
      return own.repeat_interleave(copies).to(model.device());
    };
    groups.fast[l] = group(0, third);
    groups.mid[l] = group(third, channels - third);
    groups.slow[l] = group(channels - third, channels);
  }
  return groups;
}

}  // namespace mambascope
