#include "mambascope/experiments/knockout/mean_states.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "mambascope/intervene/run.h"

namespace mambascope {

std::vector<at::Tensor> MeanStates(const Model& model, const std::vector<std::vector<int64_t>>& texts, Site site,
                                   const std::function<void(size_t done)>& progress) {
  c10::NoGradGuard no_grad;
  std::vector<Place> places;
  for (int l = 0; l < model.layers(); ++l) places.push_back({site, l});
  std::vector<at::Tensor> sums(places.size());  // of the texts' means, float64
  for (size_t i = 0; i < texts.size(); ++i) {
    const RunResult run = Run(model, {texts[i]}, {.variants = {}, .keep = places});
    for (size_t l = 0; l < places.size(); ++l) {
      const at::Tensor mean = run.State(places[l], 0).to(at::kDouble).mean(0);
      sums[l] = sums[l].defined() ? sums[l] + mean : mean;
    }
    if (progress) progress(i + 1);
  }
  for (at::Tensor& sum : sums) sum = (sum / static_cast<double>(texts.size())).to(at::kFloat);
  return sums;
}

}  // namespace mambascope
