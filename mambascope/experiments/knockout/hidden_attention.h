// Matrices that say how much each token reads from each other token inside a mixer. For a
// transformer they are the attention weights. For a Mamba they are the hidden attention of Ali,
// Zimerman & Wolf 2024 (model/mixing.h has the equation). There is one per head or channel, and the
// average over them.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

struct AttentionOptions {
  std::optional<int64_t> channel = {};  // keep this channel's (Mamba-1) or head's own matrix
  // Maximum number of floats in the matrices held at a time. One channel's matrix is always held.
  int64_t floats = int64_t{1} << 22;
  // Called often, with the number of mixers that are done and of all.
  std::function<void(double done, int64_t mixers)> progress = {};
};

// Matrices are float32 [to, from] on the CPU, 0 where `from` is after `to`.
struct LayerAttention {
  int layer = 0;
  int64_t channels = 0;  // channels or heads of the layer
  // M averaged over channels. Channels of opposite signs cancel.
  at::Tensor mean;
  at::Tensor absolute;    // |M| averaged over channels
  at::Tensor normalised;  // `absolute` with every row divided by its sum; rows of zeros stay 0
  at::Tensor channel;     // M of options.channel; undefined without it
  // "channel" or "head": what the layer has one matrix for (Mixer::matrix_name).
  std::string channel_name = "channel";
};

// Returns the matrices of every mixer in `layers`, for one prompt. Layers without a mixer are left
// out. Throws Error for an empty prompt, for a layer, channel or id that the model lacks, and when
// no layer has a mixer.
std::vector<LayerAttention> HiddenAttention(const Model& model, const std::vector<int64_t>& ids,
                                            const std::vector<int>& layers,
                                            const AttentionOptions& options = {});

}  // namespace mambascope
