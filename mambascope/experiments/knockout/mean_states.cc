#include "mambascope/experiments/knockout/mean_states.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "mambascope/intervene/check.h"
#include "mambascope/intervene/run.h"

namespace mambascope {

std::vector<at::Tensor> MeanStates(const Model& model,
                                   const std::vector<std::vector<int64_t>>& texts, Site site,
                                   const std::function<void(size_t done)>& progress) {
  c10::NoGradGuard no_grad;
  const std::vector<int> layers = model.LayersWith(site);
  if (layers.empty()) CheckPlace(model, {site, 0});  // throws an Error that lists the sites
  std::vector<Place> places;
  for (int l : layers) places.push_back({site, l});
  // Sums of the texts' means, float64.
  std::vector<at::Tensor> sums(static_cast<size_t>(model.layers()));
  for (size_t i = 0; i < texts.size(); ++i) {
    const RunResult run = Run(model, {texts[i]}, {.variants = {}, .keep = places});
    for (const Place& place : places) {
      const at::Tensor mean = run.State(place, 0).to(at::kDouble).mean(0);
      at::Tensor& sum = sums[static_cast<size_t>(place.layer)];
      sum = sum.defined() ? sum + mean : mean;
    }
    if (progress) progress(i + 1);
  }
  for (int l : layers) {
    at::Tensor& sum = sums[static_cast<size_t>(l)];
    sum = (sum / static_cast<double>(texts.size())).to(at::kFloat);
  }
  return sums;
}

}  // namespace mambascope
