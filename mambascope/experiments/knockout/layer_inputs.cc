#include "mambascope/experiments/knockout/layer_inputs.h"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "mambascope/error.h"
#include "mambascope/intervene/run.h"

namespace mambascope {

std::vector<at::Tensor> LayerInputs(const Model& model, const std::vector<int64_t>& ids,
                                    const std::vector<int>& layers) {
  const c10::NoGradGuard no_grad;
  RunOptions options;
  for (int layer : layers) {
    if (layer < 0 || layer >= model.layers())
      throw Error(fmt::format("layer {} is out of range", layer),
                  fmt::format("the model has layers 0 to {}", model.layers() - 1));
    options.keep.push_back(BlockInput(layer));
  }
  const RunResult run = Run(model, {ids}, options);
  std::vector<at::Tensor> inputs;
  for (const Place& place : options.keep) inputs.push_back(run.State(place, 0));
  return inputs;
}

}  // namespace mambascope
