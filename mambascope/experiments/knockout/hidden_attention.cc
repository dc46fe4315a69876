#include "mambascope/experiments/knockout/hidden_attention.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>

#include "mambascope/error.h"
#include "mambascope/experiments/knockout/layer_inputs.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

// `tell` hears of the share that is done.
LayerAttention AverageOverChannels(const Mixing& mixing, const AttentionOptions& options,
                                   const std::function<void(double)>& tell) {
  const int64_t tokens = mixing.values.size(0),
                block = std::max<int64_t>(1, options.floats / (tokens * tokens));
  LayerAttention found;
  found.channels = mixing.channels;
  at::Tensor sum = at::zeros({tokens, tokens}, mixing.values.options()),
             absolute = at::zeros_like(sum);
  for (int64_t begin = 0; begin < mixing.channels; begin += block) {
    const at::Tensor m =
        mixing.matrix(0, begin, std::min(begin + block, mixing.channels));  // [to, from, channel]
    sum += m.sum(2);
    absolute += m.abs().sum(2);
    tell(static_cast<double>(begin + m.size(2)) / static_cast<double>(mixing.channels));
  }
  found.mean = (sum / mixing.channels).cpu();
  found.absolute = (absolute / mixing.channels).cpu();
  RequireFinite(found.absolute, "an attention weight");
  const at::Tensor rows = found.absolute.sum(1, /*keepdim=*/true);
  found.normalised = at::where(rows > 0, found.absolute / rows, at::zeros({}, rows.options()));
  return found;
}

}  // namespace

std::vector<LayerAttention> HiddenAttention(const Model& model, const std::vector<int64_t>& ids,
                                            const std::vector<int>& layers,
                                            const AttentionOptions& options) {
  const c10::NoGradGuard no_grad;
  const std::vector<LayerInput> inputs = LayerInputs(model, ids, layers);
  std::vector<LayerAttention> found;
  int64_t mixers_in_all = 0;
  for (const int l : layers) mixers_in_all += static_cast<int64_t>(model.layer(l).mixers().size());
  const auto tell = [&](double share) {
    if (options.progress)
      options.progress(static_cast<double>(found.size()) + share, mixers_in_all);
  };
  tell(0);
  for (size_t i = 0; i < layers.size(); ++i) {
    const Layer& layer = model.layer(layers[i]);
    const std::vector<Mixer> mixers = layer.mixers();
    const std::vector<Mixing> mixings = layer.Mix(inputs[i]);
    for (size_t m = 0; m < mixings.size(); ++m) {
      const Mixing& mixing = mixings[m];
      if (options.channel && (*options.channel < 0 || *options.channel >= mixing.channels))
        throw Error(fmt::format("channel or head {} is out of range", *options.channel),
                    fmt::format("each layer of this model has 0 to {}", mixing.channels - 1));
      found.push_back(AverageOverChannels(mixing, options, tell));
      found.back().layer = layers[i];
      found.back().channel_name = mixers[m].matrix_name;
      if (options.channel)
        found.back().channel =
            mixing.matrix(0, *options.channel, *options.channel + 1).squeeze(2).cpu();
    }
  }
  if (found.empty())
    throw Error("none of these layers has a mixer, so no token reads others there",
                "choose layers that have a mixer");
  return found;
}

}  // namespace mambascope
