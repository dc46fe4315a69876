#include "mambascope/experiments/knockout/layer_inputs.h"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "mambascope/error.h"
#include "mambascope/intervene/run.h"

namespace mambascope {

std::vector<LayerInput> LayerInputs(const Model& model, const std::vector<int64_t>& ids,
                                    const std::vector<int>& layers) {
  const c10::NoGradGuard no_grad;
  RunOptions options{.keep = {BlockInput(0)}};
  for (int layer : layers) {
    if (layer < 0 || layer >= model.layers())
      throw Error(fmt::format("layer {} is out of range", layer),
                  fmt::format("the model has layers 0 to {}", model.layers() - 1));
    options.keep.push_back(BlockInput(layer));
  }
  const RunResult run = Run(model, {ids}, options);
  std::vector<LayerInput> inputs;
  for (int layer : layers)
    inputs.push_back({run.State(BlockInput(layer), 0), run.State(BlockInput(0), 0)});
  return inputs;
}

}  // namespace mambascope
